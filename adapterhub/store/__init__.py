"""The registry on this machine: content-addressed, crash-safe, verified."""
