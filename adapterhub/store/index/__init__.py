"""The index: a SQLite cache for search. Safe to delete; the files are the truth."""
