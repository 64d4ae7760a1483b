"""The main job on the registry beside this folder, from the first pull to the last check. Nothing else is needed.

    python -m registry.scripts.demo

Everything happens in a temporary folder, with a copy of the registry as the remote; the picture goes to demo-out/.
Every number that is printed was computed just before.
"""

import os
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np

from adapterhub import Hub
from registry.scripts.digits import DOMAINS, Labelled
from registry.scripts.layout import REGISTRY, copy_registry
from registry.scripts.plot import Table, draw
from registry.scripts.terminal import Terminal

if TYPE_CHECKING:
    from torch import nn
    from transformers import ViTForImageClassification

ADAPTERS = ("rotated", "mirrored", "inverted", "blurred", "noisy", "shifted")
NAMES = tuple(f"digits/{domain}" for domain in ADAPTERS)
MIX = "digits/mirrored*0.8 + digits/shifted*0.8"
"""The weights were chosen on validation images, see search.py."""

PAIR = ("digits/mirrored", "digits/shifted")
TOLD = {
    "mirrored": "Mirrored images",
    "shifted": "Shifted images",
    "mirrored_shifted": "Images mirrored and then shifted, which no adapter was trained on",
}
MERGED = "digits/mirrored-shifted"
PICTURE = Path("demo-out/accuracy.png")


@final
@dataclass(frozen=True)
class Walk:
    """Where the walk happens."""

    terminal: Terminal
    folder: Path

    @property
    def remote(self) -> str:
        return (self.folder / "registry").as_uri()

    @property
    def hub(self) -> Hub:
        """The first user's store, as the commands see it."""
        return Hub.open(self.folder / "store")

    @property
    def second(self) -> Path:
        """Somebody else's store."""
        return self.folder / "second"


def main() -> None:
    """Walk."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="adapterhub-demo-") as name:
        folder = Path(name)
        copy_registry(REGISTRY, folder / "registry")
        home = {"ADAPTERHUB_HOME": str(folder / "store"), "ADAPTERHUB_USER": "demo"}
        walk = Walk(Terminal({**os.environ, **home, "NO_COLOR": "1"}), folder)
        look(walk)
        fetch(walk)
        audit(walk)
        table = stack(walk)
        merge(walk)
        travel(walk, table)
        picture(walk, table)
    walk.terminal.say(f"The whole walk took {time.monotonic() - began:.0f} seconds.")


def look(walk: Walk) -> None:
    """A remote, and what it holds."""
    walk.terminal.title("1. A registry is a folder; give it a name and look")
    walk.terminal.export("ADAPTERHUB_HOME", str(walk.folder / "store"))
    walk.terminal.command("remote", "add", "origin", walk.remote)
    walk.terminal.command("list", "--remote", "origin")


def fetch(walk: Walk) -> None:
    """Into the store of our own."""
    walk.terminal.title("2. Pull two bases, adapters and the test images into a store of our own")
    walk.terminal.command("pull", "digits/vit", "digits/vit-wide", *NAMES, "digits/rotated-wide", "digits/test")
    walk.terminal.command("search", "--where", "accuracy>0.955 and rank>=8")
    walk.terminal.command("show", "digits/mirrored")


def audit(walk: Walk) -> None:
    """One base that fits, and one that does not."""
    walk.terminal.title("3. Which adapter fits which base, and why not? Headers are enough to tell")
    walk.terminal.command("audit", *NAMES, "--base", "digits/vit")
    walk.terminal.command("audit", "digits/rotated-wide", "--base", "digits/vit", "--base", "digits/vit-wide", code=6)


def stack(walk: Walk) -> Table:
    """Measure base, adapters and the mix on one live model."""
    walk.terminal.title("4. Stack adapters onto one live model, switch them, mix them")
    model, images = open_base(walk.hub), held_out(walk.hub)
    before = {name: weight.clone() for name, weight in model.state_dict().items()}
    table = walk.terminal.python(measure, walk.hub, model, images, adapters=NAMES, mix=MIX)
    kept = all(bool((weight == before[name]).all()) for name, weight in model.state_dict().items())
    walk.terminal.say(f"Weights of the model afterwards, bit for bit as before: {'yes' if kept else 'NO'}.")
    count = len(images["upright"])
    walk.terminal.say(f"Per cent of the {count} held-out images read right, by what was done to the images:")
    print_table(table)
    walk.terminal.say("In words, for the two adapters of the mix:")
    for domain, what in TOLD.items():
        read = ", ".join(f"{name.removeprefix('digits/')} {table[name][domain]:.1%}" for name in ("base", *PAIR, "mix"))
        walk.terminal.say(f"{what}: {read}.")
    return table


def measure(hub: Hub, model: "nn.Module", images: dict[str, Labelled], *, adapters: Sequence[str], mix: str) -> Table:
    """The accuracies of base, each adapter and the mix."""
    table = {"base": accuracies(model, images)}
    with hub.stack(model, " + ".join(adapters)) as stack:
        for name in adapters:
            stack.weights = {name: 1.0}  # the others are off; nothing is loaded again
            table[name] = accuracies(model, images)
    with hub.stack(model, mix):
        table["mix"] = accuracies(model, images)
    return table


def merge(walk: Walk) -> None:
    """Make the mix an entry, and share it."""
    walk.terminal.title("5. Merge the mix into an adapter of its own, exactly, and push it")
    walk.terminal.command("merge", MIX, f"{MERGED}@1")
    walk.terminal.command("push", MERGED)
    walk.terminal.say("A second push sends nothing:")
    walk.terminal.command("push", MERGED)


def travel(walk: Walk, table: Table) -> None:
    """Fetch the merged adapter elsewhere, by digest, and see that it is what was stacked."""
    walk.terminal.title("6. Somewhere else: pull it back by its digest, compare, check")
    pinned = f"{MERGED}@{walk.hub.show(MERGED).digest[:19]}"
    there = walk.terminal.export("ADAPTERHUB_HOME", str(walk.second))
    there.command("remote", "add", "origin", walk.remote)
    there.command("pull", pinned, "digits/vit", "digits/test")
    there.command("audit", MERGED, "--base", "digits/vit")
    hub = Hub.open(walk.second)
    model, images = open_base(hub), held_out(hub)
    with hub.stack(model, pinned):
        merged = accuracies(model, images)
    same = sum(merged[domain] == table["mix"][domain] for domain in DOMAINS)
    there.say(
        f"Merged, pushed and pulled, the mix reads {merged['mirrored']:.1%} of the mirrored images; stacked it read "
        f"{table['mix']['mirrored']:.1%}. The accuracies are the same in {same} of {len(DOMAINS)} domains."
    )
    there.command("check")


def picture(walk: Walk, table: Table) -> None:
    """The table, drawn."""
    walk.terminal.title("7. The picture")
    draw(table, PICTURE)
    walk.terminal.say(f"{PICTURE} shows the table.")


def open_base(hub: Hub, name: str = "digits/vit") -> "ViTForImageClassification":
    """A base of the registry, as transformers opens it."""
    from registry.scripts.train import open_base

    return open_base(hub.path(name))


def held_out(hub: Hub) -> dict[str, Labelled]:
    """The held-out images, by domain, from the entry that carries them."""
    with np.load(hub.path("digits/test") / "test.npz") as arrays:
        labels = arrays["labels"]
        return {domain: Labelled(arrays[domain], labels) for domain in DOMAINS}


def accuracies(model: "nn.Module", images: dict[str, Labelled]) -> dict[str, float]:
    """The share of images read right, by domain."""
    from registry.scripts.train import accuracy

    return {domain: accuracy(model, seen) for domain, seen in images.items()}


def print_table(table: Table) -> None:
    """One row for each model, one column for each domain; a long domain stands in two lines."""
    domains = [domain.partition("_") for domain in next(iter(table.values()))]
    print(" " * 18 + "".join(f"{first + ('+' if rest else ''):>10}" for first, _, rest in domains))
    print(" " * 18 + "".join(f"{rest:>10}" for *_, rest in domains))
    for name, row in table.items():
        print(f"{name:18}" + "".join(f"{100 * value:10.1f}" for value in row.values()))
    print(flush=True)


if __name__ == "__main__":
    main()
