"""What is plain LoRA on 2-D weights, and what an adapter is where it is something else.

Everything that is not is refused by name: to leave a tensor or a setting out would be another adapter.
"""

from collections.abc import Callable, Iterator

from adapterhub.errors import Corrupt, Refused
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members
from adapterhub.formats.peft_keys import PREFIX
from adapterhub.formats.peft_parts import Parts, factor_tensors
from adapterhub.formats.table import recognise

__all__ = ["insist_on_plain", "plain_parts"]

SETTINGS = {
    "alora_invocation_tokens": "aLoRA, which acts only after certain tokens",
    "arrow_config": "an Arrow router over several adapters",
    "kasa_config": "KaSA, which changes the base's own singular values",
    "layer_replication": "trained on a model whose layers were replicated",
    "target_parameters": "trained on bare parameters (mixture-of-experts weights)",
    "use_bdlora": "block-diagonal LoRA",
    "use_dora": "DoRA, which also scales the rows of the weight",
    "use_qalora": "QALoRA, whose A acts on pooled inputs",
}
"""Fields of the config that change what the factors mean -> what the adapter then is."""

ROLES = {
    "magnitude": "a DoRA magnitude",
    "bias": "a bias of B",
    "E": "AdaLoRA's diagonal",
    "embedding_A": "factors of an embedding",
    "embedding_B": "factors of an embedding",
}

HINT = (
    "`adapterhub show` tells what it carries; peft can load it, or train one with target_modules of linear layers only"
)


def plain_parts(members: Members, kind: str, name: str) -> Parts:
    """An entry of a kind taken apart by headers alone, if it is a PEFT adapter of plain LoRA; else as `load` says."""
    found = recognise(members) if kind == "adapter" else kind
    if found != "peft":
        raise Refused(
            f"{name}: it is {f'of the format {found}' if found else 'of no known format'}, not a PEFT folder",
            hint="stack and merge read PEFT LoRA: convert it with the tool it was made with",
        )
    parts = factor_tensors(members)
    insist_on_plain(parts, name)
    return parts


def insist_on_plain(parts: Parts, name: str) -> None:
    """Nothing if every tensor is a factor of a 2-D weight; else `Refused`, or `Corrupt` where half a pair is gone."""
    for reason in _reasons(parts):
        raise Refused(
            f"{name}: {reason}; stack and merge handle plain LoRA on Linear and Conv1D layers only", hint=HINT
        )
    halves = [module for module, roles in parts.modules.items() if not {"A", "B"} <= roles.keys()]
    if halves or not parts.modules:
        what = f"{halves[0]} has one factor of two" if halves else "no tensor is a factor of a module"
        raise Corrupt(f"{name}: {parts.weights}: {what}", hint="the file was saved or cut wrongly: save it again")
    for module, roles in parts.modules.items():
        _insist_on_product(roles["A"], roles["B"], f"{name}: {parts.weights}: {module}")


def _reasons(parts: Parts) -> Iterator[str]:
    for look in REASONS:
        yield from look(parts)


def _type(parts: Parts) -> Iterator[str]:
    if parts.config.type != "LORA":
        yield f"it is of the type {parts.config.type}"


def _settings(parts: Parts) -> Iterator[str]:
    for field, meaning in SETTINGS.items():
        if parts.config.fields.get(field):
            yield f"it is {meaning} ({field} in {parts.config_name})"


def _roles(parts: Parts) -> Iterator[str]:
    for module, roles in parts.modules.items():
        for role, tensor in roles.items():
            if role in ROLES:
                yield f"it carries {ROLES[role]} at {module}"
            elif len(tensor.shape) != 2:
                yield f"it changes a convolution at {module} ({tensor.name} is {list(tensor.shape)})"


def _others(parts: Parts) -> Iterator[str]:
    for tensor in parts.others:
        path = tensor.name.removeprefix(PREFIX)
        module = path.rpartition(".")[0] or path
        if ".token_adapter." in path:
            yield f"it carries trained tokens ({path})"
        elif saved := next((word for word in parts.config.modules_to_save if f".{word}." in f".{path}"), None):
            yield f"it carries modules_to_save {saved} ({path})"
        elif path.endswith(".bias"):
            yield f"it carries a bias of the base ({path})"
        else:
            yield f"it carries a whole tensor of {module} ({path})"


def _dtypes(parts: Parts) -> Iterator[str]:
    for tensor in parts.header.tensors.values():
        if tensor.dtype not in ("F64", "F32", "F16", "BF16"):
            yield f"{tensor.name} is {tensor.dtype}, not F64, F32, F16 or BF16"


REASONS: tuple[Callable[[Parts], Iterator[str]], ...] = (_type, _settings, _roles, _others, _dtypes)


def _insist_on_product(A: TensorInfo, B: TensorInfo, place: str) -> None:
    if A.shape[0] != B.shape[1] or 0 in A.shape + B.shape:
        raise Corrupt(
            f"{place}: factors of {list(B.shape)} and {list(A.shape)} have no product B·A",
            hint="the two belong to different adapters, or one is transposed",
        )
