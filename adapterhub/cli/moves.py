"""Pull, push and remotes, for people."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from adapterhub.cli.output import say
from adapterhub.cli.progress import Bars, bars
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean
from adapterhub.readable import short, size

if TYPE_CHECKING:
    from adapterhub.verbs.pull import Pulled
    from adapterhub.verbs.push import Pushed
    from adapterhub.verbs.remotes import RemoteShown

__all__ = ["moving", "print_pulled", "print_pushed", "print_remote", "print_remotes"]

MOVED = (Column("REFERENCE", keep=20), Column("DIGEST"))
REMOTES = (Column("NAME"), Column("URL", keep=20), Column("KIND", keep=8))


@contextlib.contextmanager
def moving() -> Iterator[Bars | None]:
    """Bars while bytes move; who stops it hears how it goes on."""
    try:
        with bars() as progress:
            yield progress
    except KeyboardInterrupt:
        say("stopped; the same command goes on from there")
        raise


def print_pulled(pulled: "Sequence[Pulled]") -> None:
    """What came, and how many bytes of it were missing."""
    print_table((*MOVED, Column("RECEIVED", right=True)), [_moved(item, item.bytes_received) for item in pulled])
    for detail in dict.fromkeys(item.detail for item in pulled if item.detail):
        say(detail)
    for item in pulled:
        if item.fits:
            _say_fits(item)


def _say_fits(item: "Pulled") -> None:
    """On which of the bases that are known here it fits; what only some modules fit is not said to."""
    good = [f"{name} ({verdict})" for name, verdict in item.fits.items() if verdict not in ("partial", "misfit")]
    told = f"fits {', '.join(good)}" if good else "fits no base that is known here"
    say(f"{item.reference} {told}")


def print_pushed(pushed: "Sequence[Pushed]", aliases: Sequence[str] = ()) -> None:
    """What went, how many bytes of it were missing there, and what the aliases mean there now."""
    print_table((*MOVED, Column("SENT", right=True)), [_moved(item, item.bytes_sent) for item in pushed])
    for detail in dict.fromkeys(item.detail for item in pushed if item.detail):
        say(detail)
    for reference in {item.reference.partition("@")[0]: item.reference for item in pushed}.values():
        for alias in dict.fromkeys(aliases):
            say(f"{alias} → {reference}")


def _moved(item: "Pulled | Pushed", count: int) -> list[str]:
    return [item.reference, short(item.digest), size(count)]


def print_remotes(remotes: "Sequence[RemoteShown]") -> None:
    """The registries that have a name."""
    if remotes:
        print_table(REMOTES, [[remote.name, remote.url, remote.kind] for remote in remotes])
    else:
        say("no remote has a name; `adapterhub remote add NAME URL` gives one")


def print_remote(remote: "RemoteShown") -> None:
    """One registry, and what it is."""
    print(f"{remote.name} is {clean(remote.url)}" + (f" ({remote.kind})" if remote.kind else ""))
