"""One command, one file. A file is read only when its command is asked for."""
