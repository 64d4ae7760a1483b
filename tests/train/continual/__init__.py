"""Tests of continual learning."""
