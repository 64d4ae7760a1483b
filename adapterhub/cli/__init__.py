"""The command line: it reads words, calls the `Hub` method of the same name and prints what comes back."""
