"""What the server answers, one part of the protocol a file."""
