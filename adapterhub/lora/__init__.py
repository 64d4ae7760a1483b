"""Adapters as mathematics: a weight change kept in factors."""
