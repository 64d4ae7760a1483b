"""What lies in files, one foreign grammar a module; recognised, read and described without torch."""
