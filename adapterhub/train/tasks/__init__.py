"""The problems a training can be about: one file and one line of the table each."""
