"""Several adapters on a live model: one pair of GEMMs and a gate for each module they touch."""
