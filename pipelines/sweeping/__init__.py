"""``sepbench sweep``: a search for better settings of one variant, on the validation split alone."""
