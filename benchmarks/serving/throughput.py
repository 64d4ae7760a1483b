"""One file to one client and to many: from our server, from nginx, and from nginx before our server."""

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import apart
from benchmarks.section import Section, Table
from benchmarks.serving.numbers import plain, quantile, turns
from benchmarks.serving.process import processor
from benchmarks.serving.running import serving
from benchmarks.serving.sizes import Sizes
from benchmarks.serving.static import before, mirror, nginx
from benchmarks.serving.store import large

__all__ = ["throughput"]

AT_ONCE = (1, 16, 64)
FILE = "adapter_model.safetensors"


@dataclass(frozen=True)
class Arm:
    """Somebody who serves the file, and the processes that do it: ours first where there are two."""

    name: str
    url: str
    token: str
    pids: tuple[int, ...]


@dataclass(frozen=True)
class Fetched:
    """One run: seconds until all have it, bytes, seconds of processors."""

    seconds: float
    bytes: int
    server: float
    client: float
    each: float

    def row(self) -> tuple[str, ...]:
        """What the table says of it."""
        gigabytes = self.bytes / 1e9
        return (
            plain(self.bytes / 1e6 / self.seconds),
            plain(self.each),
            plain(self.server / gigabytes),
            plain(self.client / gigabytes),
            plain(self.server / self.seconds),
        )


def throughput(folder: Path, sizes: Sizes) -> Section:
    """The part of the page."""
    store, (name,) = large(folder, sizes.size, 1)
    with ExitStack() as stack:
        served = stack.enter_context(serving(store))
        answers = mirror(served, [name], folder / "answers")
        other = stack.enter_context(nginx(folder / "nginx", answers))
        behind = stack.enter_context(serving(store, "--x-accel", "/_blobs"))
        front = stack.enter_context(nginx(folder / "front", before(behind, "/_blobs")))
        arms = [
            Arm("adapterhub serve", served.url, served.token, (served.pid,)),
            Arm("nginx", other.url, "", (other.pid,)),
            Arm("nginx before `serve --x-accel`", front.url, behind.token, (behind.pid, front.pid)),
        ]
        table = _table(arms, f"/{name}/resolve/main/{FILE}", sizes)
    words = (
        f"One file of {sizes.size / 1e6:g} MB, which is in the machine's memory, to so many clients at once, who throw "
        f"it away without hashing it; medians of {sizes.runs} runs in turn. nginx has one worker and sendfile. Seconds "
        "are those of processors: of all processes that serve, and of the clients; where a server has a whole core "
        "(1 in the last column), that is what bounds it."
    )
    return Section("Throughput", words, [table], [])


def _table(arms: list[Arm], path: str, sizes: Sizes) -> Table:
    head: tuple[str, ...] = (
        "clients",
        "MB/s",
        "a download, s",
        "server, s per GB",
        "clients, s per GB",
        "cores the server took",
    )
    rows = [head]
    for count in AT_ONCE:
        runs: dict[str, list[Fetched]] = {arm.name: [] for arm in arms}
        for counts in turns(sizes.runs):
            for arm in arms:
                found = _fetched(arm, path, count)
                if counts:
                    runs[arm.name].append(found)
        rows += [(f"{count}, {name}", *_middle(found).row()) for name, found in runs.items()]
    return rows


def _fetched(arm: Arm, path: str, count: int) -> Fetched:
    begun = sum(map(processor, arm.pids))
    seen = apart("benchmarks.serving.pulling:fetch", arm.url, arm.token, path, count)
    if len(seen["took"]) != count:
        raise SystemExit(f"{arm.name}: {len(seen['took'])} of {count} downloads came")
    server = sum(map(processor, arm.pids)) - begun
    return Fetched(seen["seconds"], seen["bytes"], server, seen["processor"], quantile(seen["took"], 0.5))


def _middle(found: list[Fetched]) -> Fetched:
    """The run of the median speed."""
    return sorted(found, key=lambda one: one.seconds)[len(found) // 2]
