"""The benchmarks themselves, so that they cannot rot."""
