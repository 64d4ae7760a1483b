"""Comparing: whole commands on few and many adapters, beside the cosine alone by dense updates, pair by pair."""

from itertools import combinations
from pathlib import Path
from typing import Any

from benchmarks.composing.scene import Shape, write_adapter
from benchmarks.measure import Row, apart, ours, peak, seconds

COUNTS = (2, 10, 25, 50)
RANK = 16


def measure(folder: Path, shape: Shape) -> list[Row]:
    """Rows of the table; each command runs once, and grows with the pairs."""
    apart("benchmarks.comparing:build", str(folder), shape.layers, shape.hidden, shape.inner)
    block = apart("benchmarks.comparing:dense", str(folder))
    rows = []
    for count in COUNTS:
        held: list[float] = []
        took = seconds(lambda: held.append(compared(folder, count)))  # noqa: B023
        what, pairs = f"adapterhub compare, {count} adapters of rank {RANK}, a process", count * (count - 1) // 2
        beside = f"cosine alone, dense: one pair of one block × {shape.layers} × {pairs}"
        rows += [
            Row("compare", what, took, peer=block * shape.layers * pairs, beside=beside),
            Row("compare", f"{what}, peak memory", held[0], "MB"),
        ]
    return rows


def build(folder: str, layers: int, hidden: int, inner: int) -> None:
    """A store of adapters in bf16, as they are kept after training."""
    from safetensors.torch import load_file, save_file

    from adapterhub.hub import Hub

    hub = Hub.open(Path(folder) / "store")
    for number in range(max(COUNTS)):
        path = write_adapter(Path(folder) / f"m{number}", Shape(layers, hidden, inner), RANK, number)
        weights = path / "adapter_model.safetensors"
        halves = {name: tensor.bfloat16() for name, tensor in load_file(str(weights)).items()}
        save_file(halves, str(weights), metadata={"format": "pt"})
        hub.add(path, f"ada/m{number}")


def compared(folder: Path, count: int) -> float:
    """The most memory a command held, in MB."""
    names = [f"ada/m{number}" for number in range(count)]
    return peak(ours("compare", *names, "--json", "--store", folder / "store"))


def dense(folder: str) -> float:
    """Seconds of the cosine of two adapters over one block, each ΔW made in fp32."""
    import torch

    from adapterhub.hub import Hub
    from adapterhub.lora.load import load

    desk = Hub.open(Path(folder) / "store").desk
    read = [load(desk.find(f"ada/m{number}")[1]).deltas for number in range(2)]
    block = [name for name in read[0] if ".layers.0." in name]

    def cosine() -> Any:
        sums = torch.zeros(2, 2, dtype=torch.float64)
        for name in block:
            updates = [one[name].dense().flatten() for one in read]
            for a, b in [(0, 0), (1, 1), *combinations(range(2), 2)]:
                sums[a, b] += updates[a] @ updates[b]
        return sums[0, 1] / (sums[0, 0] * sums[1, 1]).sqrt()

    cosine()
    return seconds(cosine)
