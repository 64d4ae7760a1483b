"""Data: what a person has on disk becomes rows with a place, labels with an order, and splits with digests."""
