"""The commands of ``sepbench``, a file for each group of its help: what is asked and said; the work is elsewhere."""
