"""Tasks, each over a tiny real model."""
