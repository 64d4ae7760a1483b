"""An adapter's side of a fit as bytes, so that it need not be derived from the files again.

Adapters of one layout have the same bytes: what belongs to one of them alone (its name, its digest, its pin) is left
out, and a fit with a base is the same for all.
"""

import json
from collections.abc import Iterable
from typing import Any

from adapterhub.audit.adapter import Adapter, Target
from adapterhub.facts import Facts
from adapterhub.formats.peft_config import read

__all__ = ["MAKER", "OWN", "read_side", "side_of"]

MAKER = 2
"""Raise it when `audit.read` makes another side of the same files."""

OWN = frozenset({"name", "digest", "pin", "noted", "recorded"})
"""What belongs to one adapter alone."""


def side_of(adapter: Adapter) -> bytes:
    """The bytes; names of modules stay in their order, which is that of the reports."""
    fields: dict[str, Any] = {name: value for name, value in vars(adapter).items() if name not in OWN}
    fields["facts"] = adapter.facts.plain()
    fields["targets"] = [
        [module, target.shape, target.stacked, target.flat] for module, target in adapter.targets.items()
    ]
    fields["config"] = adapter.config.fields if adapter.config else None
    fields["roles"] = sorted(adapter.roles)
    return json.dumps(fields, separators=(",", ":")).encode()


def read_side(data: bytes) -> Adapter:
    """The adapter, without a name and a pin."""
    fields = json.loads(data)
    targets = {module: Target(_shape(shape), *flags) for module, shape, *flags in fields["targets"]}
    config = fields["config"]
    return Adapter(
        name="",
        facts=Facts.model_validate(fields["facts"]),
        targets=targets,
        saved=_shapes(fields["saved"]),
        unread=tuple(fields["unread"]),
        listed=tuple(fields["listed"]),
        transposed=fields["transposed"],
        model_type=fields["model_type"],
        config=read(json.dumps(config).encode(), "the config that was kept") if config is not None else None,
        roles=frozenset(fields["roles"]),
        reasons=fields["reasons"],
        tokens=_shapes(fields["tokens"]),
        files=tuple(fields["files"]),
    )


def _shape(numbers: Iterable[int] | None) -> tuple[int, ...] | None:
    return None if numbers is None else tuple(numbers)


def _shapes(table: dict[str, list[int]]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(numbers) for name, numbers in table.items()}
