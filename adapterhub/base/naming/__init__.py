"""The ways in which two spellings of one module differ: one kind a file, each a table of data with its source."""
