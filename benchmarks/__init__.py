"""What adapterhub costs, measured beside its peers in one run. `python -m benchmarks` writes results.md."""
