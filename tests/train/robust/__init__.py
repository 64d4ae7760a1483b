"""Tests of adversarial training."""
