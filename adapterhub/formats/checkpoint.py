"""A whole model as transformers and diffusers save it: config.json, and one file of weights or those an index names."""

from collections import Counter
from typing import Any

from adapterhub.errors import Corrupt, NotFound, Refused
from adapterhub.facts import Facts
from adapterhub.formats import safetensors_header
from adapterhub.formats.header import TensorInfo, commonest_dtype
from adapterhub.formats.json_file import read_object
from adapterhub.formats.members import Members

__all__ = ["claims", "facts", "weight_files", "weight_map"]

CONFIG = "config.json"
STEMS = ("model", "diffusion_pytorch_model")
PICKLED = ("pytorch_model", "diffusion_pytorch_model")

LARGEST_INDEX = 64 << 20
"""Bytes; a model of 60 layers with 384 quantised experts each names 200,000 tensors in 20 MB."""


def claims(members: Members) -> bool:
    """A config.json and weights under the names of a whole model."""
    names = members.names()
    if CONFIG not in names:
        return False
    whole = {f"{stem}.safetensors{tail}" for stem in STEMS for tail in ("", ".index.json")}
    return not whole.isdisjoint(names) or any(_is_pickled(name) for name in names)


def _is_pickled(name: str) -> bool:
    return name.startswith(PICKLED) and name.endswith((".bin", ".bin.index.json"))


def weight_files(members: Members) -> tuple[str, ...]:
    """The names of the weights: those an index names, with the index, or the one file; nothing else beside them.

    A file of another name is meant where nothing but a config lies beside it, as when that file itself was given.
    """
    names = members.names()
    for stem in STEMS:
        if (index := f"{stem}.safetensors.index.json") in names:
            return (index, *sorted(set(weight_map(members, index).values())))
        if (whole := f"{stem}.safetensors") in names:
            return (whole,)
    if len(alone := [name for name in names if name != CONFIG]) == 1 and alone[0].endswith(".safetensors"):
        return (alone[0],)
    pickled = [name for name in names if _is_pickled(name)]
    if pickled:
        raise Refused(
            f"{pickled[0]}: the weights are a pickle, and reading a pickle can run any program",
            hint="save the model again: model.save_pretrained(folder, safe_serialization=True)",
        )
    raise NotFound(
        f"no weights: looked for {STEMS[0]}.safetensors and its index", hint="copy the weights beside config.json"
    )


def weight_map(members: Members, index: str) -> dict[str, str]:
    """Which file each tensor lies in, by the index."""
    table = read_object(members, index, LARGEST_INDEX).get("weight_map")
    if not isinstance(table, dict) or not table or not all(isinstance(file, str) for file in table.values()):
        raise Corrupt(
            f"{index}: weight_map: wanted tensor names and file names, got {str(table)[:60]!r}",
            hint="save the model again: its index is damaged",
        )
    for file in table.values():
        if "/" in file or "\\" in file or not file.endswith(".safetensors"):
            raise Corrupt(
                f"{index}: weight_map: {file[:80]!r} is no safetensors file in this folder",
                hint="put all files of the checkpoint into this folder",
            )
    return table


def facts(members: Members) -> Facts:
    """What the config and the headers of the weights say."""
    files = weight_files(members)
    tensors = _tensors(members, files)
    config = read_object(members, CONFIG)
    dtypes = Counter(tensor.dtype for tensor in tensors.values())
    return Facts(
        format="checkpoint",
        kind="model",
        type=_text(config, "model_type") or _text(config, "_class_name"),
        dtype=commonest_dtype(tensors.values()),
        parameters=sum(tensor.parameters for tensor in tensors.values()),
        base_name=_text(config, "_name_or_path"),
        details={
            "architectures": _words(config, "architectures"),
            "tensors": len(tensors),
            "files": sum(name.endswith(".safetensors") for name in files),
            "dtypes": dict(sorted(dtypes.items())),
        },
    )


def _tensors(members: Members, files: tuple[str, ...]) -> dict[str, TensorInfo]:
    tensors: dict[str, TensorInfo] = {}
    for name in files:
        if not name.endswith(".safetensors"):
            continue
        if name not in members.names():
            raise NotFound(f"{name}: the index names it, but the weights are not there", hint="copy the missing file")
        with members.open(name) as stream:
            header = safetensors_header.read(stream, members.size(name), name)
        if twice := next(iter(tensors.keys() & header.tensors.keys()), None):
            raise Corrupt(f"{name}: tensor {twice!r} lies in another file too", hint="save the model again")
        tensors |= header.tensors
    if not tensors:
        raise Corrupt(f"{', '.join(files)}: no tensors in it", hint="the model was saved wrongly: save it again")
    index = next((name for name in files if name.endswith(".index.json")), None)
    if index and (lost := sorted(weight_map(members, index).keys() - tensors.keys())):
        raise Corrupt(
            f"{index}: names {len(lost)} tensors that are in no file: {', '.join(lost[:3])}",
            hint="put all files of the checkpoint into this folder, or save it again",
        )
    return tensors


def _words(config: dict[str, Any], field: str) -> list[str]:
    value = config.get(field)
    return [word for word in value if isinstance(word, str)] if isinstance(value, list) else []


def _text(config: dict[str, Any], field: str) -> str | None:
    value = config.get(field)
    return value if isinstance(value, str) and value else None
