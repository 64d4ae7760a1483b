"""Stores to serve: a few large adapters, or very many small ones."""

import json
import struct
from pathlib import Path

from adapterhub.hub import Hub
from adapterhub.reference import parse
from adapterhub.store.store import Store
from benchmarks import searching
from benchmarks.adapters import write_noise
from benchmarks.measure import ours, run

__all__ = ["RARE", "TAGGED", "large", "many"]

TAGGED, RARE = 400, "rare"
"""Of so many adapters one has this tag."""


def large(folder: Path, size: int, count: int) -> tuple[Path, list[str]]:
    """A store with so many adapters of about `size` bytes, and what they are called."""
    store, names = folder / "store", [f"ada/large{number}" for number in range(count)]
    for number, name in enumerate(names):
        run(ours("add", write_noise(folder / f"adapter{number}", size), name, "--store", store))
    return store, names


def many(store: Path, count: int) -> float:
    """A store with so many adapters, a tag on a few of them, and a base that all of them fit; seconds of the first.

    One that was filled before is taken as it is.
    """
    import time

    done = store.with_name(f"{store.name}.json")
    if done.exists():
        return float(json.loads(done.read_text()))
    begun = time.perf_counter()
    searching.fill(store, count)
    took = time.perf_counter() - begun
    with searching.no_sync():
        _tag(Store(store, "bench"), count)
        Hub.open(store).base_add(_base(store.with_name(f"{store.name}-base")))
    done.write_text(json.dumps(took))
    return took


def _tag(store: Store, count: int) -> None:
    for number in range(0, count, TAGGED):
        reference = parse(f"team{number % 50}/adapter{number}@1")
        store.note(reference, store.say(store.resolve(reference).digest, "tags", {"add": [RARE]}))


def _base(folder: Path) -> Path:
    """The one layer that the adapters change."""
    folder.mkdir()
    size = 8
    table = {"layers.0.q_proj.weight": {"dtype": "F16", "shape": (size, size), "data_offsets": (0, 2 * size * size)}}
    text = json.dumps(table).encode()
    data = struct.pack("<e", 1.0) * (size * size)
    (folder / "model.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + data)
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"]}))
    return folder
