"""The parts of composing, and the rows of the table they fill."""

import os
from collections.abc import Callable
from pathlib import Path

from benchmarks.composing import fusing
from benchmarks.composing.scene import CROWD, CROWD_RANK, RANKS, Scene, Shape
from benchmarks.measure import Row, apart

HERE = "benchmarks.composing"
FOUR = f"four adapters of ranks {', '.join(map(str, RANKS.values()))}"
ALONE, LEAN = "the base alone", "peft, factors in bf16"
MANY = f"{CROWD} adapters of rank {CROWD_RANK}"


def measure(folder: Path, shape: Shape, runs: int, parts: list[str] | None = None) -> list[Row]:
    """Rows of the table. `runs` of what is short, a third of them of what is long."""
    scene = Scene(folder, shape)
    apart(f"{HERE}.scene:build", *scene.words)
    return [row for name in parts or PARTS for row in (*PARTS[name](scene, runs), load(name))]


def load(name: str) -> Row:
    """How many processes wanted a core in the last minute of a part: ours alone are two at most."""
    return Row(name, f"load at the end of {name}", os.getloadavg()[0], "load", aim="below 2")


def merging(scene: Scene, runs: int) -> list[Row]:
    """Merges: the arithmetic in memory beside peft's, and whole commands."""
    few = max(1, runs // 3)
    ours = apart(f"{HERE}.merging:whole", few, *scene.words)
    cat = apart(f"{HERE}.merging:cat", few, *scene.words)
    block = apart(f"{HERE}.merging:block", few, *scene.words)
    layers = scene.shape.layers
    times = f"{layers} × one block"

    def over(name: str) -> float:
        return float(block[name]) * layers

    return [
        Row("merge", "svd to rank 16, in memory", ours["svd"], "s", over("peft svd"), f"peft svd, {times}", "1/200"),
        Row("merge", f"ties to rank 16, {times}", over("ours ties"), "s", over("peft ties"), f"peft ties_svd, {times}"),
        Row("merge", "sum, in memory", ours["sum"], "s", cat, "peft cat"),
        Row("merge", "hub.merge svd to rank 16: read, verify, merge, keep", ours["hub svd"], aim="10 s"),
        Row("merge", "hub.merge sum", ours["hub sum"]),
        Row("merge", "svd: how far from peft's, one block", block["apart svd"], ""),
        Row("merge", "ties: how far from peft's, one block", block["apart ties"], ""),
    ]


def attaching(scene: Scene, runs: int) -> list[Row]:
    """From files to a model that answers."""
    took = apart(f"{HERE}.attaching:attach", max(1, runs // 2), *scene.words)
    return [
        Row("attach", f"hub.stack of {FOUR}", took["ours"], "s", took[peer], f"{peer}", "1/5")
        for peer in ("peft", "peft, low_cpu_mem_usage")
    ]


def forward(scene: Scene, runs: int) -> list[Row]:
    """A batch of 4 × 64 tokens."""
    took = apart(f"{HERE}.answering:forward", max(1, runs // 2), *scene.words)
    rows = [Row("forward", "4 × 64 tokens, the base alone", took["base"])]
    for what, name, aim in (("four adapters on", "", "1/1.5"), ("an adapter for each row", " routed", "1/2")):
        words, mine = f"4 × 64 tokens, {what}", took[f"ours{name}"]
        rows += [
            Row("forward", words, mine, "s", took["base"], ALONE, "1.3"),
            Row("forward", words, mine, "s", took[f"peft{name}"], LEAN, aim),
            Row("forward", words, mine, "s", took[f"peft fp32{name}"], "peft, factors in fp32", aim),
        ]
    return rows


def decode(scene: Scene, runs: int) -> list[Row]:
    """One token for one row."""
    took = apart(f"{HERE}.answering:decode", runs, *scene.words)
    return [
        Row("decode", "one token, the base alone", took["base"]),
        *(
            Row("decode", "one token, four adapters on", took["ours"], "s", took[peer], words)
            for peer, words in (("base", ALONE), ("peft", LEAN), ("peft fp32", "peft, factors in fp32"))
        ),
    ]


def crowd(scene: Scene, runs: int) -> list[Row]:
    """Very many adapters on one model."""
    took = apart(f"{HERE}.answering:crowd", runs, *scene.words)
    beside = "peft, low_cpu_mem_usage; once"
    rows = [Row("crowd", f"hub.stack of {MANY}, once", took["attach ours"], "s", took["attach peft"], beside)]
    for many in ("all", "one"):
        for what, name in (("one token", "token"), ("4 × 64 tokens", "batch")):
            mine = took[f"{many} {name} ours"]
            rows += [
                Row("crowd", f"{what}, {CROWD} attached, {many} on", mine, "s", took[f"{many} {name} {peer}"], words)
                for peer, words in (("base", ALONE), ("peft", LEAN))
            ]
    return rows


def fuse(scene: Scene, runs: int) -> list[Row]:
    """Into a checkpoint."""
    took = apart(f"{HERE}.fusing:fuse", max(1, runs // 3), *scene.words)
    peft = apart(f"{HERE}.fusing:unload", *scene.words)
    whole = peft["merge"] + peft["save"]
    return [
        Row("fuse", "adapterhub fuse, a process", took["process"], "s", took["copy"], "cp -r, sync", "2"),
        Row("fuse", "hub.fuse", took["here"], "s", took["copy"], "cp -r, sync", "2"),
        Row("fuse", "hub.fuse", took["here"], "s", whole, "peft merge_and_unload, save, sync; once", "1/8"),
        Row("fuse", "peak memory of adapterhub fuse", fusing.memory(scene), "MB", aim="1,000 MB"),
        Row("fuse", "rounding error of the change, one block", peft["ours off"], "", peft["peft off"], "peft"),
    ]


PARTS: dict[str, Callable[[Scene, int], list[Row]]] = {
    "merge": merging,
    "attach": attaching,
    "forward": forward,
    "decode": decode,
    "crowd": crowd,
    "fuse": fuse,
}
