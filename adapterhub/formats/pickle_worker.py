"""python -m adapterhub.formats.pickle_worker IN OUT: the tensors of a pickle, written as safetensors.

Runs in a process of its own, with limits, and uses torch's reader for weights only, which builds nothing but tensors
and plain containers. Says what went wrong as one line of JSON: {"kind": "corrupt" or "refused", "message": …}.
"""

import json
import pickle  # noqa: TID251 - only for the name of its error
import re
import sys
from pathlib import Path
from typing import Any

__all__ = ["main", "state_of"]

ROOM = 4 << 30
"""Bytes of memory beside four times the file: torch itself takes some of it."""


class _Failure(Exception):
    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def limit(size: int) -> None:
    """Bound memory, time and core dumps, where the system can."""
    try:
        import resource
    except ImportError:
        return
    for what, most in (("RLIMIT_DATA", ROOM + 4 * size), ("RLIMIT_CPU", 600), ("RLIMIT_CORE", 0)):
        number = getattr(resource, what)
        hard = resource.getrlimit(number)[1]
        resource.setrlimit(number, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


def state_of(loaded: Any) -> dict[str, Any]:
    """The tensors by name, each on its own memory; anything else is a failure."""
    import torch

    if not isinstance(loaded, dict):
        raise _Failure("corrupt", f"wanted a dictionary of tensors, got {type(loaded).__name__}")
    if not loaded:
        raise _Failure("corrupt", "an empty state dict: there are no weights in it; the adapter was saved wrongly")
    odd = [name for name, tensor in loaded.items() if not isinstance(name, str) or not isinstance(tensor, torch.Tensor)]
    if odd:
        raise _Failure("corrupt", f"wanted tensors by name, got {type(loaded[odd[0]]).__name__} at {odd[0]!r}"[:300])
    return {name: loaded[name].detach().cpu().contiguous().clone() for name in sorted(loaded)}


def main(source: str, target: str) -> int:
    """Read one file, write the other; the exit code says whether that went well."""
    limit(Path(source).stat().st_size)
    try:
        import torch
        from safetensors.torch import save_file

        loaded = torch.load(source, map_location="cpu", weights_only=True)  # noqa: TID251 - the one place
        save_file(state_of(loaded), target, metadata={"format": "pt"})
    except _Failure as failure:
        return _say(failure.kind, str(failure))
    except pickle.UnpicklingError as error:
        return _say("refused", f"torch.load(weights_only=True): {_short(error)}")
    except (RuntimeError, ValueError, EOFError, OSError, KeyError, AttributeError, TypeError, IndexError) as error:
        return _say("corrupt", f"torch cannot read it: {_short(error)}")
    except MemoryError:
        return _say("refused", "it takes more memory than its size explains")
    return 0


def _short(error: Exception) -> str:
    """What torch found, without the advice it gives on reading the file all the same."""
    lines = [line.strip() for line in str(error).splitlines()]
    found = [line for line in lines if "WeightsUnpickler error" in line or "Unsupported" in line]
    text = " ".join(found or lines)
    for advice in ("WeightsUnpickler error: ", "Unsupported"):
        text = text[text.find(advice) :] if advice in text else text
    return (
        re.split(r"Please|Re-running|Do it only|Check the documentation|, which may", text)[0].strip()[:300]
        or type(error).__name__
    )


def _say(kind: str, message: str) -> int:
    print(json.dumps({"kind": kind, "message": message}))
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
