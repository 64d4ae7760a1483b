"""Metrics, judged by scikit-learn where it has them."""
