"""A base in GGUF, from its header: tensors under their GGUF names, with logical shapes and ggml's types.

A quantised tensor has no values of its own to compare, so such a card has no digests of tensors; the sha256 of the
files, where somebody takes it, tells one from another.
"""

import math
import re
from typing import Any

from adapterhub.base.places import Places, check_names
from adapterhub.errors import BadReference, Corrupt, DoesNotFit, NotFound
from adapterhub.formats import gguf_header
from adapterhub.formats.gguf_header import GgufHeader
from adapterhub.formats.members import Members

__all__ = ["ARCHITECTURE", "gguf_files", "is_gguf", "read_gguf"]

SPLIT = re.compile(r"(?P<stem>.+)-\d{5}-of-(?P<count>\d{5})\.gguf")
"""What llama.cpp calls the parts of a model it has split."""

ARCHITECTURE = "general.architecture"
"""The key of what llama.cpp calls the type of the model."""

LONGEST = 200
SILENT = ("tokenizer.chat_template", "general.alignment", "split.")
"""Keys, or how they begin, that say nothing of the model."""


def is_gguf(members: Members) -> bool:
    """Whether GGUF is all there is."""
    names = members.names()
    return any(name.endswith(".gguf") for name in names) and not any(name.endswith(".safetensors") for name in names)


def gguf_files(members: Members) -> tuple[str, ...]:
    """The one GGUF file among the members, or all parts of the one that was split; none where there is no GGUF.

    `BadReference` where there are several models.
    """
    names = [name for name in members.names() if name.endswith(".gguf")]
    stems = {found["stem"] if (found := SPLIT.fullmatch(name)) else name for name in names}
    if len(stems) > 1:
        raise BadReference(
            f"{len(names)} GGUF models lie there: {', '.join(names[:4])}{' …' if len(names) > 4 else ''}",
            hint="name the file itself as the base",
        )
    if names and (found := SPLIT.fullmatch(names[0])) and len(names) != int(found["count"]):
        raise NotFound(
            f"{found['stem']}: split into {int(found['count'])} files, of which {len(names)} are there",
            hint="fetch the missing parts; give the folder that holds all of them",
        )
    return tuple(names)


def read_gguf(members: Members, files: tuple[str, ...]) -> tuple[Places, dict[str, Any]]:
    """Where the tensors lie, and what the metadata say of the model."""
    headers = {file: _header(members, file) for file in files}
    tensors = {name: (file, info) for file, header in headers.items() for name, info in header.tensors.items()}
    check_names(tensors)
    first = headers[files[0]].values
    if (kind := first.get("general.type", "model")) != "model":
        raise DoesNotFit(
            f"{files[0]}: general.type is {str(kind)[:40]!r}, and a base is a whole model", hint="give the model itself"
        )
    whole = len(tensors) == sum(len(header.tensors) for header in headers.values())
    if not whole or not tensors:
        raise Corrupt(f"{files[0]}: {'a tensor lies in two parts' if tensors else 'no tensors in it'}",
                      hint="the file was written wrongly: fetch it again")  # fmt: skip
    return Places(files, tensors), {key: _said(value) for key, value in sorted(first.items()) if _tells(key, value)}


def _header(members: Members, file: str) -> GgufHeader:
    with members.open(file) as stream:
        return gguf_header.read(stream, members.size(file), file)


def _tells(key: str, value: Any) -> bool:
    """Lists of tokens stand in a header as their length, which is the size of the vocabulary, and so are kept."""
    return not key.startswith(SILENT) and not (isinstance(value, str) and len(value) > LONGEST)


def _said(value: Any) -> Any:
    """A value as JSON has it: no infinity, no NaN."""
    if isinstance(value, list):
        return [_said(item) for item in value]
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
