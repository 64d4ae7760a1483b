"""Formats: golden bytes, hostile files, round trips and foreign judges."""
