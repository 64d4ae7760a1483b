"""What a server is asked about very many adapters: how long each answer takes, to one client and to sixteen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from adapterhub.hub import Hub
from adapterhub.store.index.file import discard
from adapterhub.store.layout import Layout
from benchmarks.measure import apart
from benchmarks.searching import SMALL, settle, stir
from benchmarks.section import Aim, Section, Table
from benchmarks.serving.numbers import milliseconds, plain, quantile
from benchmarks.serving.running import Served, serving
from benchmarks.serving.sizes import Sizes
from benchmarks.serving.store import RARE, TAGGED, many
from benchmarks.serving.wire import Client

__all__ = ["Question", "changing", "questions"]

CROWD = 16
DEEP = 50
"""Pages of a thousand that the deep page comes after, or half of all there are."""

HERE = "benchmarks.serving.asking"


@dataclass(frozen=True)
class Question:
    """What is asked: its name in the table, and the paths that are asked for in turn."""

    what: str
    paths: list[str]
    method: str = "GET"
    busy: bool = False
    """Whether somebody changes the store all the while."""


Answers = dict[str, list[dict[str, Any]]]
"""Question -> what one client saw, and what a crowd saw."""


def questions(folder: Path, sizes: Sizes) -> Section:
    """The part of the page."""
    counts = sorted({min(SMALL, sizes.entries), sizes.entries})
    begun, found = dict[int, Table](), dict[int, Answers]()
    for count in counts:
        store = folder / str(count)
        store.parent.mkdir(parents=True, exist_ok=True)
        begun[count], found[count] = _measured(store, count, sizes)
    least, most = counts[0], counts[-1]
    errors = [error for each in found.values() for pair in each.values() for one in pair for error in one["errors"]]
    aim = Aim("questions: errors", "0", f"{len(errors)}, such as {errors[0]}" if errors else "0", not errors)
    return Section("Questions", _words(sizes, most), [begun[most], _table(found, least, most)], [aim])


def _measured(store: Path, count: int, sizes: Sizes) -> tuple[Table, Answers]:
    filled = many(store, count)
    discard(Layout(store).index)
    with serving(store) as served:
        begun = _begun(served, filled, count)
        settle(store)  # the token was an event
        return begun, {one.what: _asked(served, one, sizes) for one in _asked_for(served, count, sizes)}


def _begun(served: Served, filled: float, count: int) -> Table:
    """From the start of a server that has no index yet."""
    index = apart(f"{HERE}:waited", served.url, served.token, "/api/models?limit=1", "/healthz")
    base = apart(f"{HERE}:waited", served.url, served.token, _base(served), "/healthz")
    whole = apart(f"{HERE}:waited", served.url, served.token, _base(served), "/healthz", "not read yet")
    rows = [(f"{count:,} adapters", "seconds", "/healthz meanwhile: p50, ms", "the longest, ms")]
    rows.append(("filling the store, without fsync", plain(filled), "", ""))
    for what, seen in (
        ("until the first list: the index is made", index),
        ("then, until a base's page, of what was read", base),
        ("then, until it tells of all", whole),
    ):
        took = seen["took"]
        longest = milliseconds(max(took)) if took else ""
        rows.append((what, plain(seen["seconds"]), milliseconds(quantile(took, 0.5)), longest))
    return rows


def _base(served: Served) -> str:
    (card,) = Hub.open(served.store).base_list()
    return f"/bases/{card.card.removeprefix('sha256:')}"


def _asked_for(served: Served, count: int, sizes: Sizes) -> Iterator[Question]:
    """All questions. Adapters are asked about that nobody has asked about before, and again."""
    first = list(_some(count, sizes.asked, 7))
    known = first[: max(1, len(first) // 4)]
    name = f"team{count // 2 % 50}/adapter{count // 2}"
    yield Question("/api/whoami-v2", ["/api/whoami-v2"])
    yield Question("/api/models, the first 100", ["/api/models"])
    yield Question("/api/models?full=true, 100", ["/api/models?full=true"])
    yield Question("/api/models, 100 from the middle", [_deep(served, count)])
    yield Question("…?search=, one is found", [f"/api/models?search=adapter{count - 1}"])
    yield Question("…?search=, none is found", ["/api/models?search=nobody"])
    yield Question("…?author=", ["/api/models?author=team7"])
    yield Question(f"…?filter= a tag, one of {TAGGED} has it", [f"/api/models?filter={RARE}"])
    yield Question("…?filter=base_model:, all have it", ["/api/models?filter=base_model:org/base"])
    yield Question("…?filter=base_model:, none has it", ["/api/models?filter=base_model:org/other"])
    yield Question("/api/models/NAME, never asked before", [f"/api/models/{one}" for one in first])
    yield Question("/api/models/NAME", [f"/api/models/{one}" for one in known])
    yield Question("/api/models/NAME/tree", [f"/api/models/{one}/tree/main" for one in known])
    yield Question("/api/models/NAME/refs", [f"/api/models/{one}/refs" for one in known])
    yield Question("HEAD of a file", [f"/{one}/resolve/main/adapter_model.safetensors" for one in known], "HEAD")
    yield Question("a small file", [f"/{one}/resolve/main/adapter_config.json" for one in known])
    yield Question("page: the list", ["/"])
    yield Question("page: the list, one is found", [f"/?q=adapter{count - 1}"])
    yield Question("page: an adapter", [f"/{one}" for one in (*known, name)])
    yield Question("page: the bases", ["/bases"])
    yield Question("page: a base", [_base(served)])
    yield Question("/api/models, the first 100, while a note comes each second", ["/api/models"], busy=True)


def _some(count: int, wanted: int, start: int) -> Iterator[str]:
    """Adapters from all over, each once."""
    step = max(1, count // wanted)
    for number in range(start % step, count, step):
        yield f"team{number % 50}/adapter{number}"


def _deep(served: Served, count: int) -> str:
    """The address of a page in the middle, as one comes to it: from page to page."""
    size = min(1000, max(1, count // 4))
    path = f"/api/models?limit={size}"
    with Client(served.url, served.token) as at:
        for _ in range(min(DEEP, count // size // 2)):
            answer, _ = at.ask("GET", path)
            link = urlsplit((answer.headers["Link"] or "").partition(">")[0].strip("<"))
            path = f"{link.path}?{link.query}"
    return path.replace(f"limit={size}", "limit=100")


def _asked(served: Served, question: Question, sizes: Sizes) -> list[dict[str, Any]]:
    fresh = "never" in question.what
    found = []
    for clients, count in ((1, sizes.asked), (CROWD, 2 * sizes.asked)):
        paths = question.paths
        if fresh:  # each address once
            half = max(1, len(paths) // 2)
            paths = paths[:half] if clients == 1 else paths[half:] or paths
            count = len(paths)
        words = (served.url, served.token, question.method, paths, clients, count)
        with changing(served.store) if question.busy else nullcontext():
            found.append(apart(f"{HERE}:ask", *words))
    return found


@contextmanager
def changing(store: Path, every: float = 1.0) -> Iterator[None]:
    """Somebody notes something about an adapter again and again."""
    end = Event()

    def stirring() -> None:
        while not end.is_set():
            stir(store)
            end.wait(every)

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(stirring)
        try:
            yield
        finally:
            end.set()
        done.result()


def _table(found: dict[int, Answers], least: int, most: int) -> Table:
    head = ("ms", "p50", "p99", f"p50, {CROWD} at once", "p99", "answers a second", f"p50 over {least:,}", "ratio")
    rows: list[tuple[str, ...]] = [head]
    for what, (one, crowd) in found[most].items():
        few = quantile(found[least][what][0]["took"], 0.5)
        middle = quantile(one["took"], 0.5)
        rows.append((
            what,
            *(milliseconds(quantile(each["took"], share)) for each in (one, crowd) for share in (0.5, 0.99)),
            plain(len(crowd["took"]) / crowd["seconds"]),
            milliseconds(few),
            f"{middle / few:.2f}",
        ))  # fmt: skip
    return rows


def _words(sizes: Sizes, most: int) -> str:
    return (
        f"A store of {most:,} adapters in 50 namespaces, each with a note, in four layouts that all fit one base; the "
        f"same over {min(SMALL, most):,} beside it. Each question is asked {sizes.asked} times by one client and "
        f"{2 * sizes.asked} times by {CROWD} at once, or for 20 seconds; connections stay open. The first table is a "
        "server that starts where there is no index: what it answers first, and whether it answers other questions "
        "meanwhile."
    )
