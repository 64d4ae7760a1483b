"""Adversarial training: a share of the loss is taken where the input hurts most, and accuracy is measured there."""
