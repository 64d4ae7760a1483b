"""How fast and how small, beside what everybody knows: `hf`, `cp` and `sha256sum`, measured in the same run.

python -m benchmarks                                    everything, as in results.md
python -m benchmarks --only search --entries 1000       one part, smaller; printed, not written
"""
