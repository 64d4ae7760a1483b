"""What goes over the wire, one foreign protocol a file."""
