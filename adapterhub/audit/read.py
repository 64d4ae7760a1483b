"""An adapter's side of a fit, from its files: headers and config, no weights."""

import re
from collections.abc import Iterable

from adapterhub.audit.adapter import Adapter, Target
from adapterhub.base.card import Card
from adapterhub.errors import AdapterHubError, Refused
from adapterhub.facts import Facts
from adapterhub.formats import peft
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members
from adapterhub.formats.peft_agreement_checks import trained_tokens
from adapterhub.formats.peft_config import FACTORED
from adapterhub.formats.peft_experts import parameter_of
from adapterhub.formats.peft_keys import PREFIX, Role
from adapterhub.formats.peft_parts import Parts, factor_tensors, is_expert, named_modules
from adapterhub.formats.peft_tensor_checks import reason_of
from adapterhub.formats.peft_tuner_shapes import tuned_modules, tuned_shapes
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
    beside: Iterable[str] = (),
    facts: Facts | None = None,
) -> Adapter:
    """What the files of an adapter say. The manifest's pin counts; `noted`, a pin in a note, where it has none.

    `recorded` is the card of the base that pin names, `beside` what else lies in the folder, `facts` what is known
    of it already. Formats other than PEFT are `Refused`.
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
        facts=facts or peft.facts_of(parts, members),
        targets=targets,
        saved=_saved(parts, targets),
        unread=unread,
        listed=parts.config.targets if isinstance(listed, list) else (),
        transposed=bool(parts.config.fields.get("fan_in_fan_out")),
        model_type=_model_type(parts.config.fields.get("auto_mapping")),
        pin=(manifest.base if manifest else None) or noted,
        noted=noted,
        recorded=recorded,
        config=parts.config,
        roles=frozenset(role for roles in parts.modules.values() for role in roles),
        reasons={tensor.name.removeprefix(PREFIX): reason_of(tensor, parts.config) for tensor in parts.others},
        tokens=trained_tokens(parts),
        files=(*members.names(), *beside),
    )


def _targets(parts: Parts) -> tuple[dict[str, Target], tuple[str, ...]]:
    """The modules with the weight each expects, and those that change a bare parameter no shape is told of."""
    if parts.config.type not in FACTORED:
        shapes = {
            module: Target(found.shape, flat=found.flat) for module, found in tuned_shapes(parts).items() if found
        }
        return {**dict.fromkeys((*named_modules(parts), *tuned_modules(parts)), Target()), **shapes}, ()
    targets: dict[str, Target] = {}
    unread = []
    for module, roles in parts.modules.items():
        if not is_expert(parts.config, module):
            targets[module] = Target(_shape(roles))
        elif stack := _stack(parts, module, roles):
            targets |= stack
        else:
            unread.append(module)
    return targets, tuple(unread)


def _stack(parts: Parts, module: str, roles: dict[Role, TensorInfo]) -> dict[str, Target]:
    """The parameter of experts a pair of factors changes; none where config and tensors do not say which."""
    A, B = roles.get("A"), roles.get("B")
    try:
        parameter = parameter_of(parts.config, module, parts.modules, module)
    except AdapterHubError:
        return {}
    rank = parts.config.rank_of(parameter)
    if A is None or B is None or len(A.shape) != 2 or not rank or A.shape[0] % rank or not A.shape[0]:
        return {}
    count, shape = A.shape[0] // rank, (B.shape[0], A.shape[1])
    owner, _, leaf = parameter.rpartition(".")
    # The only matrix of a parameter called `weight` is that of its module.
    alone = count == 1 and leaf == "weight"
    return {owner: Target(shape)} if alone else {parameter: Target((count, *shape), stacked=True)}


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
