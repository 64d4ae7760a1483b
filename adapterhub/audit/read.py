"""An adapter's side of a fit, from its files: headers and config, no weights."""

import re

from adapterhub.audit.adapter import Adapter, Target
from adapterhub.base.card import Card
from adapterhub.errors import Refused
from adapterhub.formats import peft
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members
from adapterhub.formats.peft_config import FACTORED
from adapterhub.formats.peft_keys import PREFIX, Role
from adapterhub.formats.peft_parts import Parts, factor_tensors, is_expert, named_modules
from adapterhub.formats.table import recognise
from adapterhub.manifest import BasePin, Manifest

__all__ = ["adapter_of"]


def adapter_of(
    members: Members,
    name: str,
    manifest: Manifest | None = None,
    *,
    noted: BasePin | None = None,
    recorded: Card | None = None,
) -> Adapter:
    """What the files of an adapter say. The manifest's pin counts; `noted`, a pin in a note, where it has none.

    `recorded` is the card of the base that pin names. Formats other than PEFT are `Refused`.
    """
    kind = recognise(members)
    if kind != "peft":
        what = f"of the format {kind}" if kind else "of no known format"
        raise Refused(
            f"{name}: it is {what}, and only PEFT folders are audited",
            hint="convert it to PEFT with the tool it was made with",
        )
    parts = factor_tensors(members)
    targets, unread = _targets(parts)
    listed = parts.config.fields.get("target_modules")
    return Adapter(
        name=name,
        digest=str(manifest.digest) if manifest else None,
        facts=peft.facts(members),
        targets=targets,
        saved=_saved(parts, targets),
        unread=unread,
        listed=parts.config.targets if isinstance(listed, list) else (),
        transposed=bool(parts.config.fields.get("fan_in_fan_out")),
        model_type=_model_type(parts.config.fields.get("auto_mapping")),
        pin=(manifest.base if manifest else None) or noted,
        noted=noted,
        recorded=recorded,
    )


def _targets(parts: Parts) -> tuple[dict[str, Target], tuple[str, ...]]:
    """The modules with the weight each expects, and those that change a bare parameter no shape is told of."""
    if parts.config.type not in FACTORED:
        return dict.fromkeys(named_modules(parts), Target()), ()
    unread = tuple(module for module in parts.modules if is_expert(parts.config, module))
    return {m: Target(_shape(roles)) for m, roles in parts.modules.items() if m not in unread}, unread


def _shape(roles: dict[Role, TensorInfo]) -> tuple[int, ...] | None:
    A, B = roles.get("A"), roles.get("B")
    if A is not None and B is not None and len(A.shape) >= 2:
        return (B.shape[0], *A.shape[1:])  # a convolution's A has the whole kernel
    A, B = roles.get("embedding_A"), roles.get("embedding_B")
    return (A.shape[-1], B.shape[0]) if A is not None and B is not None else None


def _saved(parts: Parts, targets: dict[str, Target]) -> dict[str, tuple[int, ...]]:
    """Whole tensors under the base's names: heads, embeddings, biases."""
    saved = {}
    for tensor in parts.others:
        name = tensor.name.removeprefix(PREFIX).replace(".base_layer.", ".")
        inside = parts.config.type not in FACTORED and any(name.startswith(f"{module}.") for module in targets)
        if tensor.name.startswith(PREFIX) and ".token_adapter." not in name and not inside:
            saved[name] = tensor.shape
    return saved


def _model_type(mapping: object) -> str | None:
    """PEFT notes the class of a base it has no task for: transformers.models.opt.modeling_opt is an opt."""
    library = mapping.get("parent_library") if isinstance(mapping, dict) else None
    found = re.match(r"transformers\.models\.(\w+)\.", library) if isinstance(library, str) else None
    return found[1] if found else None
