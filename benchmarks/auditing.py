"""Auditing: one pair cold and warm, beside PEFT's loading of it; all adapters on all bases, from the index."""

import json
import sys
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

from adapterhub.digest import Digest
from adapterhub.entry import Entry, FolderFiles
from adapterhub.formats.peft_keys import build_key
from adapterhub.manifest import File, Manifest
from adapterhub.reference import parse
from adapterhub.store.store import Store
from benchmarks.composing.scene import Shape, write_adapter, write_base
from benchmarks.measure import Row, apart, interleaved, ours, run, seconds
from benchmarks.searching import no_sync, settle

RANK = 16
WIDTHS = range(16, 96, 8)
"""Hidden sizes of the bases of the matrix: ten models that no adapter of another fits."""

KINDS = (("q_proj", "v_proj"), ("q_proj", "k_proj", "v_proj", "o_proj"), ("q_proj",))
RANKS = (1, 2)

PEER = """
import sys, warnings
warnings.simplefilter("ignore")
from peft import PeftModel
from transformers import AutoModelForCausalLM
PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(sys.argv[1]), sys.argv[2])
"""


def measure(folder: Path, shape: Shape, adapters: int, runs: int) -> list[Row]:
    """Rows of the table."""
    return [*_pair(folder / "pair", shape, runs), *_matrix(folder / "matrix", adapters, runs)]


def _pair(folder: Path, shape: Shape, runs: int) -> Iterator[Row]:
    """Two folders held against each other, as a whole process and in one that is warm."""
    apart("benchmarks.auditing:build", str(folder), shape.layers, shape.hidden, shape.inner)
    words = [folder / "adapter", "--base", folder / "base"]
    took = interleaved({"audit": partial(run, ours("audit", *words)), "--help": partial(run, ours("--help"))}, runs)
    peer = seconds(partial(run, [sys.executable, "-c", PEER, folder / "base", folder / "adapter"]))
    beside = "PeftModel.from_pretrained, the base loaded"
    yield Row("audit", "audit of one pair, a process", took["audit"], peer=peer, beside=beside, aim="0.150 s")
    yield Row(
        "audit", "the same beside a process that does nothing", took["audit"], peer=took["--help"], beside="--help"
    )
    warm, attached = apart("benchmarks.auditing:warm", str(folder), runs)
    beside = "PeftModel.from_pretrained, onto a base in memory"
    yield Row("audit", "audit_folder, warm", warm, peer=attached, beside=beside, aim="0.005 s")


def build(folder: str, layers: int, hidden: int, inner: int) -> None:
    """A base and an adapter on all its linear layers."""
    shape = Shape(layers, hidden, inner)
    write_base(Path(folder) / "base", shape)
    write_adapter(Path(folder) / "adapter", shape, RANK, 0)


def warm(folder: str, runs: int) -> tuple[float, float]:
    """Seconds of `audit_folder` and of PEFT's attaching, in a process that has done both already."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from adapterhub import audit_folder

    base, adapter = Path(folder) / "base", Path(folder) / "adapter"
    model: Any = AutoModelForCausalLM.from_pretrained(base, dtype=torch.bfloat16)

    def attach() -> None:
        PeftModel.from_pretrained(model, str(adapter)).unload()

    took = interleaved({"ours": lambda: audit_folder(adapter, base), "peft": attach}, runs)
    return took["ours"], took["peft"]


CHILD = """
import json, sys, time
import adapterhub.verbs.matrix, adapterhub.store.index.sides
from adapterhub.hub import Hub
hub = Hub.open(sys.argv[1])
start = time.perf_counter()
found = hub.audit()
print(json.dumps([time.perf_counter() - start, len(found)]))
"""


def _matrix(folder: Path, adapters: int, runs: int) -> Iterator[Row]:
    """All adapters on ten bases; each adapter fits one of them, every second is pinned to it."""
    store = folder / "store"
    apart("benchmarks.auditing:fill", str(folder), adapters)
    size = f"{adapters:,} adapters × {len(WIDTHS)} bases"
    process: Callable[[], str] = lambda: run([sys.executable, "-c", CHILD, store])  # noqa: E731
    yield Row("audit", f"first matrix of {size}: index and headers are read", json.loads(process())[0])
    settle(store)
    took, count = sorted(json.loads(process()) for _ in range(runs))[runs // 2]
    yield Row("audit", f"matrix of {size}, {count:,} reports in memory", took, aim="2 s")
    for form in ((), ("--json",)):
        whole = seconds(partial(run, ours("audit", "--require", "misfit", *form, "--store", store)))
        yield Row("audit", f"the same, a process that prints {'JSON' if form else 'the matrix'}", whole)


def fill(folder: str, adapters: int) -> None:
    """Bases with cards, and adapters of a few layouts for each."""
    from adapterhub.hub import Hub
    from adapterhub.verbs.bases import known_cards, pin_of

    hub, root = Hub.open(Path(folder) / "store"), Path(folder)
    for width in WIDTHS:
        write_base(root / str(width), Shape(16, width, 2 * width, heads=4, kv=2, vocabulary=64))
        hub.base_add(root / str(width))
    pins = {int(card.name): pin_of(card) for card in known_cards(hub.desk)}
    layouts = [(width, _files(width, kinds, rank)) for kinds, rank, width in product(KINDS, RANKS, WIDTHS)]
    store: Store = hub.desk.store
    with no_sync(), store.session() as session:
        for number in range(adapters):
            width, files = layouts[number % len(layouts)]
            pin = pins[width] if number // len(layouts) % 2 else None
            entry = _entry(root / "now", files, number, pin)
            session.publish(entry, parse(f"team{number % 50}/adapter{number}@1"))


def _files(width: int, kinds: tuple[str, ...], rank: int) -> dict[str, bytes]:
    """An adapter on 16 layers; its numbers are noise, its header is true."""
    linears = Shape(16, width, 2 * width, heads=4, kv=2).linears()
    table: dict[str, object] = {}
    at = 0
    for layer, kind in product(range(16), kinds):
        out, into = linears[f"self_attn.{kind}"]
        for role, shape in (("A", (rank, into)), ("B", (out, rank))):
            end = at + 2 * shape[0] * shape[1]
            name = build_key(f"model.layers.{layer}.self_attn.{kind}", role)
            table[name] = {"dtype": "F16", "shape": shape, "data_offsets": [at, end]}
            at = end
    text = json.dumps(table).encode()
    fields = {"peft_type": "LORA", "r": rank, "lora_alpha": 2 * rank, "target_modules": kinds, "task_type": "CAUSAL_LM"}
    config = json.dumps({**fields, "base_model_name_or_path": "org/base"}).encode()
    weights = len(text).to_bytes(8, "little") + text + b"\x11\x3c" * (at // 2)
    return {"adapter_config.json": config, "adapter_model.safetensors": weights}


def _entry(folder: Path, files: dict[str, bytes], number: int, pin: Any) -> Entry:
    """The adapter with weights nobody else has."""
    folder.mkdir(exist_ok=True)
    mark = number.to_bytes(8, "little")
    data = {name: content if name.endswith(".json") else content[:-8] + mark for name, content in files.items()}
    for name, content in data.items():
        (folder / name).write_bytes(content)
    rows = tuple(File(path=name, size=len(content), sha256=Digest.of(content).hex) for name, content in data.items())
    return Entry(Manifest.made(kind="adapter", files=rows, base=pin), FolderFiles(folder))
