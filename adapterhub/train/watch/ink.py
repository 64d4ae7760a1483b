"""How pictures of runs look, and how they are written.

The colours are those of Okabe and Ito (2008), in an order in which also their greys differ; what must be told apart in
print has a dash or a marker of its own besides. Nothing global is touched: a figure is drawn and written by itself.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from adapterhub.durable import beside, commit
from adapterhub.errors import Refused

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["BLUE", "COLOURS", "DASHES", "GREEN", "MARKERS", "ORANGE", "RED", "blank", "literal", "save", "tidy"]

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#56B4E9", "#D55E00", "#CC79A7", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
DASHES: tuple[Any, ...] = (
    "-",
    (0, (6, 2)),
    (0, (2, 2)),
    (0, (6, 2, 2, 2)),
    (0, (1, 1)),
    (0, (9, 2)),
    (0, (4, 1, 1, 1)),
)


def blank(width: float, height: float) -> "Figure":
    """An empty figure of so many inches; `Refused` where there is no matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise Refused(
            f"a picture needs matplotlib, which cannot be imported: {error}", hint="pip install 'adapterhub[train]'"
        ) from None
    return Figure(figsize=(width, height), layout="constrained")


def literal(text: str) -> str:
    """The text as it stands: matplotlib reads what is between two dollar signs as a formula."""
    return text.replace("$", r"\$")


def tidy(axes: "Axes", title: str, below: str = "") -> None:
    """A title at the left, faint lines to read values by, and no frame."""
    axes.set_title(literal(title), loc="left", fontsize=11)
    axes.set_xlabel(literal(below))
    axes.grid(visible=True, color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def save(figure: "Figure", path: Path) -> Path:
    """Write a PNG in one step; the same drawing has the same bytes, since no date and no program is named in it."""
    with beside(path.parent) as (stream, draft):
        figure.savefig(stream, format="png", dpi=130, metadata={"Software": None})
        commit(stream, draft, path)
    return path
