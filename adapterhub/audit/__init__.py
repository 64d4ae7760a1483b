"""Which adapter fits which base, and why not."""
