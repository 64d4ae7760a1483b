"""The history of repositories."""
