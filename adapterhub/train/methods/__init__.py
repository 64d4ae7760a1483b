"""Ways to make a frozen model trainable, one a file."""
