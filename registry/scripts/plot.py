"""The accuracies as a picture: a heat map of everything, and bars for what two adapters do together.

The colours are Okabe and Ito's, and cividis: both can be told apart by colour-blind readers, and in grey.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["Table", "draw"]

Table = dict[str, dict[str, float]]
"""{model: {domain: accuracy}}"""

BARS = {
    "base": ("base alone", "#999999"),
    "digits/mirrored": ("mirrored", "#E69F00"),
    "digits/shifted": ("shifted", "#56B4E9"),
    "mix": ("the mix of both", "#0072B2"),
}
GROUPS = ("upright", "mirrored", "shifted", "mirrored_shifted")


def draw(table: Table, path: Path) -> None:
    """Write the picture."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 5.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.25, 1))
    _map(left, table)
    _bars(right, table)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)


def _label(domain: str) -> str:
    return domain.replace("_", "\n+ ")


def _map(axes: "Axes", table: Table) -> None:
    rows = [[100 * value for value in row.values()] for row in table.values()]
    axes.imshow(rows, cmap="cividis", vmin=0, vmax=100, aspect="auto")
    for line, row in enumerate(rows):
        for column, value in enumerate(row):
            ink = "black" if value > 55 else "white"
            axes.text(column, line, f"{value:.0f}", ha="center", va="center", color=ink, fontsize=11)
    domains = list(next(iter(table.values())))
    axes.set_xticks(range(len(domains)), [_label(domain) for domain in domains], rotation=30, ha="right")
    axes.set_yticks(range(len(table)), [name.removeprefix("digits/").replace("mix", "the mix") for name in table])
    axes.set_title("Held-out images read right, in per cent", loc="left")
    axes.set_xlabel("what was done to the images")
    axes.set_ylabel("adapter on the base")
    axes.spines[:].set_visible(False)


def _bars(axes: "Axes", table: Table) -> None:
    width = 0.8 / len(BARS)
    for place, (name, (label, colour)) in enumerate(BARS.items()):
        heights = [100 * table[name][group] for group in GROUPS]
        middles = [group + (place - (len(BARS) - 1) / 2) * width for group in range(len(GROUPS))]
        drawn = axes.bar(middles, heights, width * 0.94, color=colour, label=label)
        axes.bar_label(drawn, fmt="%.0f", fontsize=9, padding=2)
    axes.set_xticks(range(len(GROUPS)), [_label(group) for group in GROUPS])
    axes.set_ylim(0, 118)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel("read right, in per cent")
    axes.set_title("Two adapters on one model, alone and mixed", loc="left")
    axes.legend(ncols=len(BARS), loc="upper center", frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
