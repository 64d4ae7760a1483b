"""Metrics under their standard names: plain numpy, each one function."""
