"""Continual learning: what keeps earlier tasks alive while a new one is learned, and how much of them is lost."""
