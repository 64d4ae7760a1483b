"""What was done, for people: events, exports, checks, sweeps."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from adapterhub.cli.output import print_findings, say
from adapterhub.cli.table import Column, print_table
from adapterhub.cli.text import clean, paint
from adapterhub.readable import count, short, size

if TYPE_CHECKING:
    from adapterhub.store.check import Checked
    from adapterhub.store.events import Event
    from adapterhub.store.sweep import Swept
    from adapterhub.verbs.export import Exported

__all__ = ["print_check", "print_events", "print_exported", "print_swept"]

EVENTS = (
    Column("TIME"), Column("WHO", keep=4), Column("DID"), Column("REFERENCE", keep=20, yields=3),
    Column("DETAIL", keep=6, yields=1), Column("DIGEST", keep=0, yields=2),
)  # fmt: skip


def print_events(events: "Iterable[Event]") -> None:
    """The rows of `log`, the newest last."""
    rows = [[e.time[:19].replace("T", " "), e.by, e.action, e.reference, e.detail, short(e.digest)] for e in events]
    if rows:
        print_table(EVENTS, rows)
    else:
        say("nothing happened yet")


def print_exported(exported: "Exported") -> None:
    """Where an entry was written, and what of it."""
    print(f"{clean(exported.reference)} → {clean(exported.folder)}")
    for path in exported.files:
        print(f"  {clean(path)}")
    print_findings(exported.findings, indent="  ")


def print_check(checked: "Checked") -> None:
    """Whether the store is intact, and what is not."""
    for title, items in (("repaired", checked.repaired), ("damaged", checked.damage)):
        for item in items:
            severity = paint(title, "info" if title == "repaired" else "error")
            needed = f", needed by {', '.join(item.references)}" if item.references else ""
            print(f"{severity}  {item.kind}  {clean(item.path)}{clean(needed)}")
            if item.message:
                print(f"  {clean(item.message)}")
    loose = f", {checked.unreferenced} that no name needs ({size(checked.unreferenced_bytes)})"
    told = count(checked.blobs, "blob") + (loose if checked.unreferenced else "")
    print(f"{'intact' if checked.ok else 'damaged'}: {told}")
    if checked.hint:
        say(f"hint: {checked.hint}")


def print_swept(swept: "Swept") -> None:
    """What a sweep freed, and what waits."""
    print(f"freed {size(swept.freed)} in {count(swept.deleted, 'blob')}")
    if swept.waiting:
        print(
            f"{size(swept.waiting_bytes)} in {swept.waiting} blobs wait: a blob goes when nobody has named it for "
            f"{swept.grace:g} seconds; sweep again then"
        )
