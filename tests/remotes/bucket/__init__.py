"""Buckets, on real servers."""
