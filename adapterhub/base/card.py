"""A base card: who a base model is, without its weights.

    layout_digest    sha256 over the lines  <name> <shape>\\n                          sorted as bytes
    weights_digest   sha256 over the lines  <name> <dtype> <shape> <sha256>\\n         sorted as bytes

A line is UTF-8. The shape is its sizes joined by commas (`64,128`; nothing for a scalar), the dtype is spelled as
safetensors spells it (`F32`, `BF16`), the sha256 is that of the tensor's bytes in hex. So both digests are independent
of sharding, of the order of tensors and of the names of files. A card without hashes is marked by having no
`weights_digest`.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

from adapterhub.base.config import CONFIG, canonical_config, read_config
from adapterhub.base.gguf import ARCHITECTURE, gguf_files, is_gguf, read_gguf
from adapterhub.base.hashing import Watch, file_digests, tensor_digests
from adapterhub.base.places import Places, read_places
from adapterhub.base.reach import reach
from adapterhub.base.row import TensorRow
from adapterhub.base.weights import Weight, named, weights_of
from adapterhub.digest import Digest
from adapterhub.document import Document
from adapterhub.errors import DoesNotFit
from adapterhub.formats.checkpoint import claims, weight_files
from adapterhub.formats.members import Members

__all__ = ["Card", "card_of", "locate", "weight_names", "weights_digest", "with_files"]

ADAPTER = "adapter_config.json"


class Card(Document):
    """Who a base is: its tensors, the digests over them, its config for information.

    `files` are the sha256 of the files its weights lie in, by name, where the tensors themselves were not read: a Hub
    knows them without anybody's reading a weight.
    """

    name: str = ""
    source: str | None = None
    model_type: str | None = None
    config: dict[str, Any] = {}
    layout_digest: str
    weights_digest: str | None = None
    files: dict[str, str] = {}
    tensors: tuple[TensorRow, ...] = ()

    @property
    def header_only(self) -> bool:
        """Whether the weights were not hashed."""
        return self.weights_digest is None

    @property
    def hashable(self) -> bool:
        """Whether more could be known by reading weights: not of what lies on a Hub, nor of GGUF."""
        on_hub = self.source is not None and self.source.startswith("hf:")
        return self.header_only and not on_hub and ARCHITECTURE not in self.config

    @cached_property
    def named(self) -> dict[str, TensorRow]:
        """The tensors by the names transformers has for them: those of a GGUF are llama.cpp's."""
        return named(self.tensors, self.config)

    @cached_property
    def weights(self) -> dict[str, Weight]:
        """The weights by module, as an adapter sees them."""
        return weights_of(self.named, self.model_type, self.config)

    @cached_property
    def reachable(self) -> dict[str, Weight]:
        """The same, their slices, and the modules that share one."""
        return reach(self.weights, self.model_type, self.config)

    @cached_property
    def quantised(self) -> dict[str, str]:
        """How the weight of a module is quantised, for those that are."""
        return {module: weight.storage for module, weight in self.weights.items() if weight.storage}

    @cached_property
    def by_name(self) -> dict[str, TensorRow]:
        """The tensors by name."""
        return {row.name: row for row in self.tensors}


def card_of(
    members: Members,
    *,
    hashes: bool = True,
    files: Mapping[str, str] | None = None,
    name: str | None = None,
    source: str | None = None,
    bare: bool = False,
    watch: Watch | None = None,
) -> Card:
    """The card of a checkpoint: `config.json` and the weights its index names or the one file, nothing else.

    With `hashes` every byte of a weight is read once, several tensors at a time; without, only headers are. `files`
    are digests of files that are known without reading them. What is `bare` may lack a config.
    """
    places, config = locate(members)
    if hashes and config is not None:
        files = file_digests(members, places.files, watch)  # what is quantised has no values of its own to compare
    digests = tensor_digests(members, places.tensors.values(), watch) if hashes and config is None else None
    if config is None:
        config = {} if bare and CONFIG not in members.names() else read_config(members)
    rows = tuple(
        TensorRow(name=info.name, dtype=info.dtype, shape=info.shape, **(digests or {}).get(info.name, {}))
        for _, info in (places.tensors[key] for key in sorted(places.tensors))
    )
    model_type = config.get("model_type", config.get(ARCHITECTURE))
    return Card(
        name=name or source or "unnamed",
        source=source,
        model_type=model_type if isinstance(model_type, str) else None,
        config=canonical_config(config),
        layout_digest=_over(f"{row.name} {_shape(row)}" for row in rows),
        weights_digest=None if digests is None else weights_digest(rows),
        files=_files(places, files or {}),
        tensors=rows,
    )


def weights_digest(rows: Iterable[TensorRow]) -> str:
    """The digest over names, types, shapes and bytes."""
    return _over(f"{row.name} {row.dtype} {_shape(row)} {row.sha256}" for row in rows)


def with_files(card: Card, members: Members, watch: Watch | None = None) -> Card:
    """The same card with the digests of the files the weights lie in, which are read for it."""
    places, _ = locate(members)
    return card.model_copy(update={"files": _files(places, file_digests(members, places.files, watch))})


def weight_names(members: Members) -> tuple[str, ...]:
    """The files of weights, and the index that names them, if there is one; nothing but the index is read."""
    if ADAPTER in members.names() and not claims(members):
        raise DoesNotFit(
            f"{ADAPTER} lies there: this is an adapter, and a base is a whole model", hint="give the base's folder"
        )
    return gguf_files(members) if is_gguf(members) else weight_files(members)


def locate(members: Members) -> tuple[Places, dict[str, Any] | None]:
    """Where the tensors lie; of a GGUF also what it says of the model."""
    names = weight_names(members)
    return read_gguf(members, names) if is_gguf(members) else (read_places(members), None)


def _files(places: Places, known: Mapping[str, str]) -> dict[str, str]:
    """The digests of the files of weights: all of them, or none where one is not known.

    None either where a file holds a tensor that is not meant: then the files alone do not say which is.
    """
    told = places.whole and all(file in known for file in places.files)
    return {file: known[file] for file in sorted(places.files)} if told else {}


def _over(lines: Iterable[str]) -> str:
    return str(Digest.of(b"".join(sorted(line.encode() + b"\n" for line in lines))))


def _shape(row: TensorRow) -> str:
    return ",".join(map(str, row.shape))
