"""What is seen of a run: its records, the log they are kept in, and the pictures and displays made of them."""
