"""Many clients pull and push at once; the server's memory meanwhile, and what is left behind."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapterhub.hub import Hub
from benchmarks.measure import apart, ours, run
from benchmarks.section import Aim, Section, Table
from benchmarks.serving.numbers import plain, quantile
from benchmarks.serving.process import Memory, Watched, held_unlinked, processor
from benchmarks.serving.running import serving
from benchmarks.serving.sizes import Sizes
from benchmarks.serving.static import mirror, nginx, taking
from benchmarks.serving.store import large

__all__ = ["load"]

EARLY, REST = 10.0, 5.0
"""Seconds after which memory should grow no more, and of quiet at the end."""

ROOM = 32.0
"""MB that memory may grow by after that: what allocators keep."""

SOON = 2.0
"""Seconds in which the clients' processes start."""


@dataclass(frozen=True)
class Loaded:
    """What the clients saw of a server, its memory, its seconds of a processor, and seconds until all were done."""

    pulls: dict[str, Any]
    pushes: dict[str, Any]
    memory: Watched
    processor: float
    seconds: float

    @property
    def errors(self) -> list[str]:
        return [*self.pulls["errors"], *self.pushes["errors"]]


def load(folder: Path, sizes: Sizes) -> Section:
    """The part of the page."""
    store, names = large(folder, sizes.size, sizes.several)
    with serving(store) as served:
        answers = mirror(served, names, folder / "answers")
        mine = _under(served.url, served.token, served.pid, names, sizes, "push")
        held = held_unlinked(served.pid)
    left, faults = [*held, *_left(store)], served.faults()
    run(ours("check", "--store", store))  # ends the whole measurement where it finds anything
    with nginx(folder / "nginx", answers + taking(folder / "taken")) as other:
        peer = _under(other.url, "", other.pid, names, sizes, "put")
    lost = len(mine.pushes["took"]) - _published(store)
    aims = [*_aims(mine, peer), *_after(left, faults, lost)]
    return Section("Load", _words(sizes), [_table(mine, peer, sizes), _memory(mine)], aims)


def _under(url: str, token: str, pid: int, names: list[str], sizes: Sizes, way: str) -> Loaded:
    """All clients at once, those that pull in one process and those that push in another."""
    begin, before = time.time() + SOON, processor(pid)
    with Watched(pid) as watched, ThreadPoolExecutor(2) as pool:
        when = (begin, sizes.seconds)
        pulls = pool.submit(apart, "benchmarks.serving.pulling:pull", url, token, names, sizes.pulls, *when)
        pushes = pool.submit(apart, f"benchmarks.serving.pushing:{way}", url, token, sizes.pushes, *when, sizes.pushed)
        found = pulls.result(), pushes.result()
        took = processor(pid) - before, time.time() - begin
        time.sleep(REST)
    return Loaded(*found, watched, *took)


def _left(store: Path) -> list[str]:
    """Files that uploads have left: all below incoming/ but locks, leases, and claims of what was sent, which end."""
    return [str(path.relative_to(store)) for path in (store / "incoming").rglob("*") if _is_upload(path)]


def _is_upload(path: Path) -> bool:
    kept = path.suffix in (".lock", ".lease") or path.name == "lock" or path.parent.parent.name == "claims"
    return path.is_file() and not kept


def _published(store: Path) -> int:
    return sum(str(one.reference).startswith("push") for one in Hub.open(store).list())


def _words(sizes: Sizes) -> str:
    return (
        f"{sizes.pulls} clients pull {sizes.several} adapters of {sizes.size / 1e6:g} MB in turn (what there is, then "
        f"of each file its head and its bytes, every digest verified) while {sizes.pushes} push adapters of "
        f"{sizes.pushed / 1e6:g} MB with bytes nobody has sent (create, preupload, LFS, commit), for "
        f"{sizes.seconds:g} seconds. Each is a connection that stays open, in a thread of one process for all pulls "
        "and one for all pushes, on the same cores as the server. Beside it nginx with one worker, sendfile, and the "
        "same answers as files; pushes are single PUTs there, nothing is checked, nothing waits for the disk."
    )


def _table(mine: Loaded, peer: Loaded, sizes: Sizes) -> Table:
    rows: list[tuple[str, ...]] = [("", "adapterhub serve", "nginx")]
    for what, pair in (("pull", (mine.pulls, peer.pulls)), ("push", (mine.pushes, peer.pushes))):
        rows += [
            (f"{what}es, MB/s" if what == "push" else "pulls, MB/s", *(_rate(one, sizes) for one in pair)),
            (f"{what}: done", *(f"{len(one['took']):,}" for one in pair)),
            (f"{what}: a second", *(plain(len(one["took"]) / sizes.seconds) for one in pair)),
            (f"{what}: p50, s", *(plain(quantile(one["took"], 0.5)) for one in pair)),
            (f"{what}: p99, s", *(plain(quantile(one["took"], 0.99)) for one in pair)),
            (f"{what}: errors", *(str(len(one["errors"])) for one in pair)),
            (f"{what}: clients' seconds of a processor", *(plain(one["processor"]) for one in pair)),
        ]
    rows.append(("of that, verifying pulls", *(plain(one.pulls["hashing"]) for one in (mine, peer))))
    rows.append(("the server's seconds of a processor", *(plain(one.processor) for one in (mine, peer))))
    rows.append(("cores the server took", *(plain(one.processor / one.seconds) for one in (mine, peer))))
    return rows


def _rate(found: dict[str, Any], sizes: Sizes) -> str:
    return plain(found["bytes"] / 1e6 / sizes.seconds)


def _memory(mine: Loaded) -> Table:
    held = mine.memory
    early, end = SOON + EARLY, held.seen[-1][0] - REST
    moments = {
        "before": held.seen[0][1],
        f"after {EARLY:g} s": held.at(early),
        "at the end": held.at(end),
        f"{REST:g} s later": held.seen[-1][1],
        "the most": held.most,
    }
    kinds = [("RSS", "rss"), ("private", "private"), ("anonymous", "anonymous")]
    rows = [(name, *(_megabytes(getattr(one, kind)) for one in moments.values())) for name, kind in kinds]
    return [("the server's memory, MB", *moments), *rows]


def _megabytes(value: float) -> str:
    return f"{value:.0f}"


def _aims(mine: Loaded, peer: Loaded) -> list[Aim]:
    held, errors = mine.memory, mine.errors
    grown = _late(held).private - held.at(SOON + EARLY).private
    done = bool(mine.pulls["took"] and mine.pushes["took"])
    return [
        Aim("load: errors", "0", _some(errors), done and not errors),
        Aim("load: errors of nginx", "0", _some(peer.errors), not peer.errors),
        Aim(f"load: private memory after {EARLY:g} s", f"+{ROOM:g} MB at most", f"{grown:+.0f} MB", grown <= ROOM),
    ]


def _after(left: list[str], faults: list[str], lost: int) -> list[Aim]:
    """What was found when the server had ended."""
    return [
        Aim("load: faults in the server's log", "0", _some(faults), not faults),
        Aim("load: what `adapterhub check` finds", "nothing", "nothing", True),
        Aim("load: pushes that are no version", "0", str(lost), lost == 0),
        Aim("load: files left by uploads, and held without a name", "0", _some(left), not left),
    ]


def _late(held: Watched) -> Memory:
    """The most of the second half."""
    middle = held.seen[-1][0] / 2
    return max((one for when, one in held.seen if when >= middle), key=lambda one: one.private)


def _some(found: list[str]) -> str:
    return f"{len(found)}, such as {found[0][:200]}" if found else "0"
