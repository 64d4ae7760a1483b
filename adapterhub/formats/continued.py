"""What an adapter's folder holds beside its weights for whoever goes on training it; facts and engines look past it."""

__all__ = ["FILES", "FISHER", "OPTIMIZER", "REPLAY"]

OPTIMIZER = "optimizer.safetensors"
"""The optimiser's moments and step counts, as `<moment>/<parameter>`."""

FISHER = "continual.safetensors"
"""What earlier tasks needed: the diagonal of the Fisher information, by parameter."""

REPLAY = "replay.jsonl"
"""Some rows of every task that was learned."""

FILES = (OPTIMIZER, FISHER, REPLAY)
