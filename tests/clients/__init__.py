"""Clients that other people wrote, each as it is, against a real server."""
