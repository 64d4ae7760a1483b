"""What trainers leave beside the weights: cards, logs and configs, and what they say about the run."""
