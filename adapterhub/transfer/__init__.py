"""Entries from one registry to another."""
