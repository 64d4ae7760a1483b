"""Adapters and cards that exist only as tables of shapes."""

from adapterhub.audit.adapter import Adapter, Target
from adapterhub.base.card import Card
from adapterhub.base.row import TensorRow
from adapterhub.digest import Digest
from adapterhub.facts import Facts
from adapterhub.manifest import BasePin

Shapes = dict[str, tuple[int, ...]]
LAYERS: Shapes = {f"model.layers.{n}.{leaf}": (6, 5) for n in range(3) for leaf in ("q_proj", "v_proj")}


def adapter(shapes: Shapes = LAYERS, **fields: object) -> Adapter:
    """An adapter that changes weights of these shapes."""
    targets = {module: Target(shape) for module, shape in shapes.items()}
    facts = fields.pop("facts", Facts(format="peft"))
    return Adapter(name="ada/poet", facts=facts, targets=targets, **fields)


def card(
    shapes: Shapes = LAYERS,
    *,
    model_type: str = "llama",
    changed: tuple[str, ...] = (),
    hashes: bool = True,
    **tensors: tuple[int, ...],
) -> Card:
    """A base with a weight of these shapes in each module; `changed` modules have other bytes."""
    weights = {f"{module}.weight": shape for module, shape in shapes.items()} | tensors
    rows = tuple(
        TensorRow(name=name, dtype="F32", shape=shape, sha256=_sum(name, changed) if hashes else None)
        for name, shape in sorted(weights.items())
    )
    digest = str(Digest.of(repr(rows).encode())) if hashes else None
    return Card(
        name="tiny", model_type=model_type, layout_digest="sha256:" + "0" * 64, weights_digest=digest, tensors=rows
    )


def _sum(name: str, changed: tuple[str, ...]) -> str:
    return ("f" if name.removesuffix(".weight") in changed else "0") * 64


def pinned(base: Card, **fields: object) -> dict[str, object]:
    """The fields of an adapter that was trained on this base."""
    pin = BasePin(evidence="bytes", weights_digest=base.weights_digest, source=base.source)
    return {"pin": pin, "recorded": base, **fields}
