"""A base card: who a base model is, without its weights.

    layout_digest    sha256 over the lines  <name> <shape>\\n                          sorted as bytes
    weights_digest   sha256 over the lines  <name> <dtype> <shape> <sha256>\\n         sorted as bytes

A line is UTF-8. The shape is its sizes joined by commas (`64,128`; nothing for a scalar), the dtype is spelled as
safetensors spells it (`F32`, `BF16`), the sha256 is that of the tensor's bytes in hex. So both digests are independent
of sharding, of the order of tensors and of the names of files. A card without hashes is marked by having no
`weights_digest`.
"""

import json
import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any, BinaryIO

from adapterhub.base.rounding import ROUNDED, to_bf16
from adapterhub.digest import CHUNK, Digest, new_hash
from adapterhub.document import Document, check_data
from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats import safetensors_header
from adapterhub.formats.checkpoint import weight_files
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.json_file import read_object, read_text
from adapterhub.formats.members import Members

__all__ = ["Card", "TensorRow", "canonical_config", "card_of", "places_of"]

CONFIG = "config.json"
Told = Callable[[int], None]
VOLATILE = frozenset({"_commit_hash", "_name_or_path", "dtype", "name_or_path", "torch_dtype", "transformers_version"})


class TensorRow(Document):
    """One tensor of a checkpoint.

    `sha256` is that of its bytes, `bf16` that of its values rounded to bf16 (for F32 and F16; a BF16 tensor is its own
    copy). Both are None on a card made from headers only.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    sha256: str | None = None
    bf16: str | None = None

    @property
    def as_bf16(self) -> str | None:
        """The digest of the bf16 copy, if there is one to know."""
        return self.sha256 if self.dtype == "BF16" else self.bf16


class Card(Document):
    """Who a base is: its tensors, the digests over them, its config for information."""

    name: str = ""
    source: str | None = None
    model_type: str | None = None
    config: dict[str, Any] = {}
    layout_digest: str
    weights_digest: str | None = None
    tensors: tuple[TensorRow, ...] = ()

    @property
    def header_only(self) -> bool:
        """Whether the weights were not hashed."""
        return self.weights_digest is None

    @cached_property
    def weights(self) -> dict[str, TensorRow]:
        """The tensors called `<module>.weight`, by module."""
        return {row.name[: -len(".weight")]: row for row in self.tensors if row.name.endswith(".weight")}

    @cached_property
    def by_name(self) -> dict[str, TensorRow]:
        """The tensors by name."""
        return {row.name: row for row in self.tensors}


def card_of(
    members: Members,
    *,
    hashes: bool = True,
    name: str | None = None,
    source: str | None = None,
    told: Told | None = None,
) -> Card:
    """The card of a checkpoint: `config.json` and the weights its index names or the one file, nothing else.

    Every byte of a weight is read once, several tensors at a time; memory is one buffer per thread. With `hashes` off
    only headers are read. told hears, from several threads, how many more bytes were read.
    """
    places = places_of(members)
    config = _config(members)
    digests = _hash(members, places.values(), told or _silent) if hashes else {}
    rows = tuple(
        TensorRow(name=info.name, dtype=info.dtype, shape=info.shape, **digests.get(info.name, {}))
        for _, info in (places[key] for key in sorted(places))
    )
    model_type = config.get("model_type")
    return Card(
        name=name or source or "unnamed",
        source=source,
        model_type=model_type if isinstance(model_type, str) else None,
        config=canonical_config(config),
        layout_digest=_over(f"{row.name} {_shape(row)}" for row in rows),
        weights_digest=_over(f"{row.name} {row.dtype} {_shape(row)} {row.sha256}" for row in rows) if hashes else None,
        tensors=rows,
    )


def canonical_config(config: Any) -> Any:
    """The config without what changes from save to save: versions, paths, the dtype it is loaded in.

    >>> canonical_config({"model_type": "vit", "dtype": "float32", "text_config": {"_name_or_path": "/x", "n": 1}})
    {'model_type': 'vit', 'text_config': {'n': 1}}
    """
    if isinstance(config, dict):
        return {key: canonical_config(value) for key, value in sorted(config.items()) if key not in VOLATILE}
    return [canonical_config(value) for value in config] if isinstance(config, list) else config


def _over(lines: Iterable[str]) -> str:
    return str(Digest.of(b"".join(sorted(line.encode() + b"\n" for line in lines))))


def _shape(row: TensorRow) -> str:
    return ",".join(map(str, row.shape))


def places_of(members: Members) -> dict[str, tuple[str, TensorInfo]]:
    """Every tensor of the checkpoint: the file it lies in and where."""
    first, *shards = weight_files(members)
    if shards:
        places = _sharded(members, first, shards)
    else:
        places = {info.name: (first, info) for info in _header(members, first).values()}
    for name in places:
        # A line of the digest ends where its text ends: a name with a line break could say two lines.
        if not name or not name.isprintable():
            raise Corrupt(
                f"{places[name][0]}: a tensor's name is printable text, got {name[:80]!r}",
                hint="no model has such a name: fetch or save the weights again",
            )
    return places


def _sharded(members: Members, index: str, shards: list[str]) -> dict[str, tuple[str, TensorInfo]]:
    if lost := [shard for shard in shards if shard not in members.names()]:
        raise NotFound(
            f"{index} names {len(shards)} files, but {', '.join(lost[:5])} {'is' if len(lost) == 1 else 'are'} missing",
            hint="the download is incomplete: fetch the missing files",
        )
    headers = {shard: _header(members, shard) for shard in shards}
    table = read_object(members, index)["weight_map"]
    if absent := [name for name, shard in table.items() if name not in headers[shard]]:
        raise Corrupt(
            f"{index} says that {absent[0]} lies in {table[absent[0]]}, but it does not",
            hint="index and weights are not of one save: fetch or save all of them again",
        )
    return {name: (shard, headers[shard][name]) for name, shard in table.items()}


def _header(members: Members, file: str) -> dict[str, TensorInfo]:
    with members.open(file) as stream:
        return safetensors_header.read(stream, members.size(file), file).tensors


def _config(members: Members) -> dict[str, Any]:
    if CONFIG not in members.names():
        raise NotFound(
            f"no {CONFIG} beside the weights", hint="a base is a folder that transformers' save_pretrained() wrote"
        )
    data = read_text(members, CONFIG)
    try:
        # Infinity stands in real configs and is no JSON; its name is as good for a card that only informs.
        read = json.loads(data.decode("utf-8-sig"), parse_constant=str)
        check_data(read)
        json.dumps(read, ensure_ascii=False).encode()  # a lone surrogate could never be written again
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"{CONFIG}: no JSON: {str(error)[:200]}", hint="fetch or save the file again") from None
    if not isinstance(read, dict):
        raise Corrupt(f"{CONFIG}: wanted a JSON object, got {str(read)[:40]!r}", hint="fetch or save the file again")
    return read


def _silent(more: int) -> None:
    """Nobody listens."""


def _hash(members: Members, places: Iterable[tuple[str, TensorInfo]], told: Told) -> dict[str, dict[str, str]]:
    """The digests of every tensor, in threads (hashing lets the others run), the largest first."""
    work = sorted(places, key=lambda place: (place[1].start - place[1].end, place[1].name))
    with ThreadPoolExecutor(min(32, os.cpu_count() or 1), "hash") as pool:
        return dict(pool.map(lambda place: (place[1].name, _hash_tensor(members, place[0], place[1], told)), work))


def _hash_tensor(members: Members, file: str, info: TensorInfo, told: Told) -> dict[str, str]:
    exact, rounded, left = new_hash(), new_hash(), info.end - info.start
    buffer = memoryview(bytearray(min(CHUNK, left)))
    with members.open(file) as stream:
        stream.seek(info.start)
        while left:
            chunk = buffer[: min(len(buffer), left)]
            _fill(stream, chunk, f"{file}: ends inside {info.name}")
            exact.update(chunk)
            if info.dtype in ROUNDED:
                rounded.update(to_bf16(chunk, info.dtype))
            left -= len(chunk)
            told(len(chunk))
    digests = {"sha256": exact.hexdigest()}
    return {**digests, "bf16": rounded.hexdigest()} if info.dtype in ROUNDED else digests


def _fill(stream: BinaryIO, chunk: memoryview, what: str) -> None:
    """Read exactly so many bytes: values must not be cut in two."""
    at = 0
    while at < len(chunk):
        count = stream.readinto(chunk[at:])  # type: ignore[attr-defined]
        if not count:
            raise Corrupt(f"{what}, {len(chunk) - at} bytes are missing", hint="the file was cut short: fetch it again")
        at += count
