"""Registries that are elsewhere, one kind a module."""
