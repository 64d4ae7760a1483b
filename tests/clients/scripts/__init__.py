"""What the clients do. Each file runs in the environment of its client and prints what came of it as JSON."""
