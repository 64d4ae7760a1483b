"""The values of an adapter, read from its files: each once, verified, and nothing of what is wrong with them raises."""

from adapterhub.audit.comparing.meetings import left_out
from adapterhub.audit.deep.finite import broken, untold
from adapterhub.audit.deep.measure import measure, unmeasured
from adapterhub.audit.deep.sketch import sketches
from adapterhub.audit.deep.values import Values
from adapterhub.entry import Entry
from adapterhub.errors import AdapterHubError
from adapterhub.formats.peft_parts import factor_tensors
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.load import loaded
from adapterhub.lora.values import FLOATS
from adapterhub.lora.verified import VerifiedMembers

__all__ = ["read"]


def read(entry: Entry, name: str) -> Values:
    """What the values of a PEFT adapter say. Of one that cannot be composed only single values are looked at."""
    members = VerifiedMembers(entry, name)
    parts = factor_tensors(members)
    tensors = list(parts.header.tensors.values())
    found = tuple(broken(members.data(parts.weights), tensors))
    untellable = tuple(untold(tensors))
    try:
        adapter = loaded(members, entry.manifest.kind, name)
    except AdapterHubError as error:
        return Values(broken=found, unread=str(error).removeprefix(f"{name}: "), left_out=untellable)
    updates = tuple(measure(adapter))
    return Values(
        updates=updates,
        broken=found,
        dead=tuple(one.module for one in updates if one.norm == 0 and not _else(adapter, one.module)),
        left_out=(*untellable, *left_out(adapter), *unmeasured(adapter, updates)),
        sketches=sketches(adapter),
        precision=max(_epsilon(info.dtype) for info in tensors),
    )


def _else(adapter: Adapter, module: str) -> bool:
    """Whether a module whose ΔW is zero is changed all the same."""
    return module in adapter.shifts or module in adapter.magnitudes


def _epsilon(dtype: str) -> float:
    import torch

    return torch.finfo(FLOATS[dtype]).eps if dtype in FLOATS else 0.0
