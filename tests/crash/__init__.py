"""What must hold after a crash, a power failure, and while many processes write at once."""
