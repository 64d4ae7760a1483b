"""Several adapters into one: stacked on a live model, or merged."""
