"""Xet: how the Hub's clients send large files: chunks in xorbs, files in shards."""
