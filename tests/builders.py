"""Adapters and entries made by hand, byte by byte, without torch and without numpy."""

import io
import json
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, BinaryIO

from adapterhub.digest import Digest
from adapterhub.entry import Entry
from adapterhub.formats.peft_keys import build_key
from adapterhub.hub import Hub
from adapterhub.manifest import File, Manifest
from adapterhub.note import Note
from adapterhub.reference import Reference, parse
from adapterhub.store.store import Store

POET = parse("ada/poet")
CARD = "# Gedicht\r\nfür dich\n".encode()
TIME = "2026-01-02T03:04:05.000000Z"


def safetensors(tensors: Mapping[str, tuple[tuple[int, ...], bytes]]) -> bytes:
    """The bytes of a safetensors file with these F32 tensors."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, (shape, data) in tensors.items():
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [end, end := end + len(data)]}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(data for _, data in tensors.values())


def adapter_files(
    rank: int = 2, modules: Iterable[str] = ("q_proj", "v_proj"), seed: int = 0, size: int = 4, **config: Any
) -> dict[str, bytes]:
    """The two files of a PEFT LoRA on square layers of `size`."""
    random = Random(f"{seed} {rank}")
    tensors = {}
    for module in modules:
        for role, shape in (("A", (rank, size)), ("B", (size, rank))):
            numbers = array("f", random.choices([n / 16 for n in range(-16, 17)], k=rank * size))
            tensors[build_key(f"layers.0.{module}", role)] = (shape, numbers.tobytes())  # type: ignore[arg-type]
    fields = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": sorted(modules)}
    fields |= {"base_model_name_or_path": "org/tiny", **config}
    return {"adapter_config.json": json.dumps(fields).encode(), "adapter_model.safetensors": safetensors(tensors)}


def write_files(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Files below a folder."""
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def tiny_adapter(
    folder: Path, rank: int = 2, modules: Iterable[str] = ("q_proj", "v_proj"), seed: int = 0, **config: Any
) -> Path:
    """A PEFT folder."""
    return write_files(folder, adapter_files(rank, modules, seed, **config))


def hub_with_card(folder: Path) -> Hub:
    """A hub with one adapter, ada/poet, that has a card."""
    hub = Hub.open(folder / "store")
    hub.add(write_files(tiny_adapter(folder / "run"), {"README.md": CARD}), "ada/poet")
    return hub


def tiny_base(folder: Path, modules: Iterable[str] = ("q_proj", "v_proj"), seed: int = 0, size: int = 4) -> Path:
    """A checkpoint folder that `tiny_adapter` fits."""
    numbers = array("f", Random(seed).choices([n / 16 for n in range(16)], k=size * size)).tobytes()
    weights = safetensors({f"layers.0.{module}.weight": ((size, size), numbers) for module in modules})
    return write_files(folder, {"config.json": b'{"model_type":"tiny"}', "model.safetensors": weights})


@dataclass
class BytesFiles:
    """Files in memory; `opened` remembers which were asked for, and from where."""

    files: Mapping[str, bytes]
    opened: list[tuple[str, int]] = field(default_factory=list)

    def open(self, file: File, start: int = 0) -> BinaryIO:
        self.opened.append((file.path, start))
        return io.BytesIO(self.files[file.path][start:])


def entry_of(files: Mapping[str, bytes], notes: Iterable[tuple[str, dict[str, Any]]] = (), **fields: Any) -> Entry:
    """An entry of these bytes; notes are (kind, data)."""
    rows = tuple(File(path=path, size=len(data), sha256=Digest.of(data).hex) for path, data in files.items())
    manifest = Manifest.model_validate({"kind": "adapter", "files": rows, **fields})
    said = tuple(Note(about=str(manifest.digest), kind=kind, data=data, time=TIME) for kind, data in notes)  # type: ignore[arg-type]
    return Entry(manifest, BytesFiles(files), said)


def entry(seed: int = 0, rank: int = 2, notes: Iterable[tuple[str, dict[str, Any]]] = (), size: int = 4) -> Entry:
    """A tiny adapter as an entry."""
    return entry_of(adapter_files(rank, seed=seed, size=size), notes)


def filled(root: Path, *names: str) -> Store:
    """A store with an entry of its own (seeds 0, 1, 2 …) under each name."""
    store = Store(root, "ada")
    for seed, name in enumerate(names):
        store.publish(entry(seed), parse(name))
    return store


def read_all(found: Entry) -> dict[str, bytes]:
    """The bytes of all files of an entry."""
    data = {}
    for path in found.paths():
        with found.open(path) as stream:
            data[path] = stream.read()
    return data


def digest_of(store: Store, reference: Reference | str) -> Digest:
    """What a reference means in a store."""
    return store.resolve(parse(reference) if isinstance(reference, str) else reference).digest


def tree(folder: Path) -> dict[str, bytes | None]:
    """Everything below a folder: the bytes of files, None for folders."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }
