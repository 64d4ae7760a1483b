"""The check of what lies beside the weights."""

from collections.abc import Iterator

from adapterhub.audit.pair import Pair
from adapterhub.finding import Finding
from adapterhub.formats.folder import is_pickle
from adapterhub.formats.peft_parts import PICKLED

__all__ = ["pickles"]


def pickles(pair: Pair) -> Iterator[Finding]:
    """Pickles run code when they are read: of the training's own nobody is in need, second weights mislead."""
    found = sorted(name for name in pair.adapter.files if is_pickle(name))
    if found:
        second = PICKLED in found
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        yield Finding(
            check="pickle-beside",
            severity="warning" if second else "info",
            place=", ".join(name[:80] for name in found[:3]) + more,
            message="reading a pickle can run any program"
            + ("; tools that prefer this one read other weights than were audited" if second else ""),
            remedy="delete them before the folder is shared; `add` leaves them out",
        )
