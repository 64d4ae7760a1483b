"""Base cards: hashing a sharded base beside `sha256sum` and beside one hashing thread a file; the second look."""

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from adapterhub.base.card import card_of
from adapterhub.base.hashing import file_digests, threads
from adapterhub.formats.members import FolderMembers
from adapterhub.hub import Hub
from benchmarks.measure import Row, interleaved, ours, run

FILES = 4
HIDDEN, INNER = 2048, 5632
SHAPES = {
    **{f"self_attn.{name}_proj": (HIDDEN, HIDDEN) for name in "qkvo"},
    **{f"mlp.{name}_proj": (INNER, HIDDEN) for name in ("gate", "up")},
    "mlp.down_proj": (HIDDEN, INNER),
    "input_layernorm": (HIDDEN,),
}
WIDTHS = {"BF16": 2, "F32": 4}


def measure(folder: Path, size: int, runs: int) -> list[Row]:
    """Rows of the table: for a base in bf16 and for one in fp32 of about so many bytes each."""
    rows: list[Row] = []
    for dtype in WIDTHS:
        base = write(folder / dtype, dtype, size)
        rows += _hashing(base, dtype, runs)
    return [*rows, *_again(folder, folder / "BF16", runs)]


def _hashing(base: Path, dtype: str, runs: int) -> list[Row]:
    members = FolderMembers({path.name: path for path in base.iterdir()})
    shards = sorted(base.glob("*.safetensors"))
    took = interleaved(
        {
            "ours": lambda: card_of(members),
            "sha256sum": lambda: run(["sha256sum", *shards]),
            "beside": lambda: _side_by_side(shards),
            "files": lambda: file_digests(members, [path.name for path in shards]),
        },
        runs,
    )
    size = sum(path.stat().st_size for path in shards) / 1e9
    what = f"{dtype} base of {size:.1f} GB in {FILES} files: every tensor hashed"
    more = ", twice: as it is and rounded to bf16" if dtype == "F32" else ""
    cores = threads()
    return [
        Row("bases", what + more, took["ours"], peer=took["sha256sum"], beside="`sha256sum`", aim=f"1/{cores} of it"),
        Row("bases", "the same", took["ours"], peer=took["beside"], beside=f"`sha256sum`, {cores} at once"),
        Row("bases", "the same", took["ours"], peer=took["files"], beside=f"hashlib, {cores} files at once"),
    ]


def _side_by_side(paths: list[Path]) -> None:
    """One process a file, as many at once as there are cores."""
    with ThreadPoolExecutor(threads()) as pool:
        list(pool.map(lambda path: subprocess.run(["sha256sum", path], check=True, capture_output=True), paths))


def _again(folder: Path, base: Path, runs: int) -> list[Row]:
    """The second look, in this process and as a command."""
    hub, store = Hub.open(folder / "store"), folder / "store"
    hub.base_add(base)
    took = interleaved(
        {
            "again": lambda: hub.base_show(base),
            "command": lambda: run(ours("base", "show", base, "--store", store)),
            "version": lambda: run(ours("--version")),
            "headers": lambda: card_of(FolderMembers({path.name: path for path in base.iterdir()}), hashes=False),
        },
        runs,
    )
    return [
        Row("bases", "the second look at the BF16 base, nothing read of its weights", took["again"]),
        Row("bases", "the same as a command", took["command"], peer=took["version"], beside="`adapterhub --version`"),
        Row("bases", "a card from its headers alone", took["headers"]),
    ]


def write(folder: Path, dtype: str, size: int) -> Path:
    """A base of about `size` bytes with a Llama's shapes; its numbers are one block of noise again and again."""
    folder.mkdir(parents=True)
    width = WIDTHS[dtype]
    layer = width * sum(int(np.prod(shape)) for shape in SHAPES.values())
    noise = np.random.default_rng(0).standard_normal(INNER * HIDDEN).astype("<f4")
    data = (noise if dtype == "F32" else (noise.view("<u4") >> 16).astype("<u2")).tobytes()
    layers, table = max(FILES, size // layer), {}
    for number in range(FILES):
        mine = range(number * layers // FILES, (number + 1) * layers // FILES)
        names = {f"model.layers.{n}.{name}.weight": shape for n in mine for name, shape in SHAPES.items()}
        file = f"model-{number + 1:05}-of-{FILES:05}.safetensors"
        _shard(folder / file, names, dtype, data)
        table |= dict.fromkeys(names, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": table}))
    (folder / "config.json").write_text(json.dumps({"model_type": "llama", "hidden_size": HIDDEN}))
    return folder


def _shard(path: Path, shapes: dict[str, tuple[int, ...]], dtype: str, data: bytes) -> None:
    header, end = {}, 0
    for name, shape in shapes.items():
        length = WIDTHS[dtype] * int(np.prod(shape))
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end := end + length]}
    text = json.dumps(header).encode()
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for shape in shapes.values():
            file.write(data[: WIDTHS[dtype] * int(np.prod(shape))])
        os.fsync(file.fileno())
