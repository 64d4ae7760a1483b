"""How files are read: a module for each kind, which makes a table of its bytes."""
