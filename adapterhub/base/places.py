"""Where the tensors of a checkpoint lie: in the weights its index names, or in the one file; nothing else."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import final

from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats import safetensors_header
from adapterhub.formats.checkpoint import weight_files, weight_map
from adapterhub.formats.header import TensorInfo
from adapterhub.formats.members import Members

__all__ = ["Places", "places_of", "read_places"]

MANY = 4
"""Files from which on their headers are read side by side: what takes time is asking for each."""


@final
@dataclass(frozen=True)
class Places:
    """Every tensor: the file it lies in and where. `whole`: no file holds a tensor that is not among them."""

    files: tuple[str, ...]
    tensors: dict[str, tuple[str, TensorInfo]]
    whole: bool = True


def places_of(members: Members) -> dict[str, tuple[str, TensorInfo]]:
    """Every tensor of the checkpoint: the file it lies in and where."""
    return read_places(members).tensors


def read_places(members: Members) -> Places:
    """The same, with the files of weights."""
    first, *shards = weight_files(members)
    if shards:
        places = _sharded(members, first, shards)
    else:
        places = Places((first,), {info.name: (first, info) for info in _header(members, first).values()})
    if not places.tensors:
        raise Corrupt(f"{first}: no tensors in it", hint="the model was saved wrongly: save it again")
    check_names(places.tensors)
    return places


def check_names(tensors: dict[str, tuple[str, TensorInfo]]) -> None:
    """`Corrupt` for a name with a line break: the line of a digest ends where its text ends, so it could say two."""
    for name, (file, _) in tensors.items():
        if not name or not name.isprintable():
            raise Corrupt(
                f"{file}: a tensor's name is printable text, got {name[:80]!r}",
                hint="no model has such a name: fetch or save the weights again",
            )


def _sharded(members: Members, index: str, shards: list[str]) -> Places:
    if lost := [shard for shard in shards if shard not in members.names()]:
        raise NotFound(
            f"{index} names {len(shards)} files, but {', '.join(lost[:5])} {'is' if len(lost) == 1 else 'are'} missing",
            hint="the download is incomplete: fetch the missing files",
        )
    headers = dict(zip(shards, _headers(members, shards), strict=True))
    table = weight_map(members, index)
    if absent := [name for name, shard in table.items() if name not in headers[shard]]:
        raise Corrupt(
            f"{index} says that {absent[0]} lies in {table[absent[0]]}, but it does not",
            hint="index and weights are not of one save: fetch or save all of them again",
        )
    tensors = {name: (shard, headers[shard][name]) for name, shard in table.items()}
    return Places(tuple(shards), tensors, len(tensors) == sum(map(len, headers.values())))


def _headers(members: Members, files: list[str]) -> Iterable[dict[str, TensorInfo]]:
    if len(files) < MANY:
        return [_header(members, file) for file in files]
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(8, "header") as pool:
        return list(pool.map(lambda file: _header(members, file), files))


def _header(members: Members, file: str) -> dict[str, TensorInfo]:
    with members.open(file) as stream:
        return safetensors_header.read(stream, members.size(file), file).tensors
