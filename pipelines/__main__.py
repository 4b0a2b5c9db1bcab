"""``python -m pipelines`` does what ``sepbench`` does."""

from pipelines.cli import main

main()
