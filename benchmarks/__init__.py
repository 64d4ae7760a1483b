"""How fast and how small, beside what everybody knows, measured in the same run: `hf`, `cp`, `sha256sum`, peft.

python -m benchmarks                                    everything, as in results.md, composing.md and auditing.md
python -m benchmarks --only search --entries 1000       one part, smaller; printed, not written
python -m benchmarks --only compose --layers 2 --compose forward
"""
