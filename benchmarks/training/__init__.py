"""Training: what adapters reach beside full fine-tuning, and what they cost, on real data and real weights."""
