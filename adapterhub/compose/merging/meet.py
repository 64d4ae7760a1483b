"""One name for each module: adapters of one base may have learnt different ones.

A checkpoint's names and those of the live model differ, and so do those of two versions of transformers
(`base.names`). Without this, two changes of one weight would stand side by side and never meet.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from adapterhub.base.names import match
from adapterhub.lora.adapter import Adapter

__all__ = ["meet", "renamings"]


def renamings(adapters: Sequence[Adapter]) -> Iterator[tuple[str, Callable[[str], str]]]:
    """For each adapter the rule and the rewriting that bring its names to those of the ones before it."""
    known: dict[str, None] = {}
    for adapter in adapters:
        modules = [*adapter.deltas, *adapter.shifts, *adapter.biases]
        naming = match(modules, known, None) if known else None
        # A rule holds for all names of an adapter: one that brings no more of them together than none is not used.
        better = naming is not None and len(naming.targets) > sum(module in known for module in modules)
        rewrite = naming.rewrite if naming is not None and better else _same
        known |= dict.fromkeys(map(rewrite, modules))
        yield naming.rule if naming is not None and better else "identity", rewrite


def meet(adapters: Sequence[Adapter]) -> list[Adapter]:
    """The adapters, all with the names of the first."""
    both = zip(adapters, renamings(adapters), strict=True)
    return [adapter if rewrite is _same else _renamed(adapter, rewrite) for adapter, (_, rewrite) in both]


def _same(name: str) -> str:
    return name


def _renamed(adapter: Adapter, rewrite: Callable[[str], str]) -> Adapter:
    fields = ("deltas", "shifts", "magnitudes", "gains", "biases", "rows")
    moved = {name: {rewrite(module): value for module, value in getattr(adapter, name).items()} for name in fields}
    tensors = {_moved(path, rewrite): tensor for path, tensor in adapter.tensors.items()}
    return replace(adapter, **moved, tensors=tensors)


def _moved(path: str, rewrite: Callable[[str], str]) -> str:
    module, dot, leaf = path.rpartition(".")
    return f"{rewrite(module)}{dot}{leaf}"
