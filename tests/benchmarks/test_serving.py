"""Every part of serving runs at a tiny size beside its peers, sees no error, and would see one. No time is judged."""

import hashlib
import math
import os
import sys
import time
from dataclasses import replace

import pytest

from adapterhub.hub import Hub
from benchmarks.__main__ import main, read
from benchmarks.adapters import write_noise
from benchmarks.section import rendered
from benchmarks.serving import asking, load, part, questions, throughput
from benchmarks.serving.asking import ask
from benchmarks.serving.crowd import Seen, until
from benchmarks.serving.numbers import plain, quantile
from benchmarks.serving.process import Memory, Watched, held_unlinked, memory, processor
from benchmarks.serving.pulling import fetch, pull
from benchmarks.serving.pushing import push
from benchmarks.serving.running import serving
from benchmarks.serving.sizes import NAMES, Sizes
from benchmarks.serving.static import mirror, nginx
from benchmarks.serving.store import RARE, many

pytestmark = pytest.mark.slow
TINY = Sizes(pulls=3, pushes=2, seconds=1, size=1 << 20, several=2, pushed=50_000, runs=1, entries=30, asked=4)
LONG_ENOUGH = 1.0
"""Seconds in which something comes, on a busy machine too."""


def aims(section):
    return {aim.what: aim for aim in section.aims}


def cells(table):
    head, *rows = table
    return {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}


@pytest.fixture
def few(monkeypatch):
    """One client, then two."""
    monkeypatch.setattr(throughput, "AT_ONCE", (1, 2))


@pytest.fixture
def one(tmp_path):
    """A server over one adapter."""
    store = tmp_path / "store"
    Hub.open(store).add(write_noise(tmp_path / "adapter", 1 << 20), "ada/poet")
    with serving(store) as served:
        yield served


def test_the_load_is_measured_beside_nginx_and_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(load, "REST", 0.1)
    section = load.load(tmp_path, TINY)
    assert all(aim.met for aim in section.aims), rendered([section])
    told, held = map(cells, section.tables)
    assert told["push: done"].keys() == {"adapterhub serve", "nginx"}
    assert all(int(done.replace(",", "")) > 0 for what in ("pull: done", "push: done") for done in told[what].values())
    assert all(0 < float(size) < 2000 for kinds in held.values() for size in kinds.values())


def test_one_file_is_fetched_from_three_servers(tmp_path, few):
    (section,) = part.measure(tmp_path, TINY, ["throughput"])
    told = cells(section.tables[0])
    assert [row.partition(", ")[0] for row in told] == ["1"] * 3 + ["2"] * 3
    assert len({row.partition(", ")[2] for row in told}) == 3
    assert all(float(row["MB/s"].replace(",", "")) > 0 for row in told.values())


def test_a_snapshot_is_fetched_by_two_clients(tmp_path):
    (section,) = part.measure(tmp_path, TINY, ["snapshots"])
    assert {row.partition(",")[0] for row in cells(section.tables[0])} == {
        "hf download", "snapshot_download", "adapterhub pull", "Hub.pull",
    }  # fmt: skip


def test_questions_are_asked_over_few_and_many(tmp_path, monkeypatch):
    monkeypatch.setattr(questions, "SMALL", 20)
    monkeypatch.setattr(questions, "CROWD", 2)
    monkeypatch.setattr(questions, "apart", lambda place, *words: getattr(asking, place.split(":")[1])(*words))
    section = questions.questions(tmp_path, TINY)
    assert aims(section)["questions: errors"].met, rendered([section])
    begun, told = map(cells, section.tables)
    assert float(begun["until the first list: the index is made"]["seconds"]) > 0
    assert {"p50 over 20", "ratio"} <= told["page: a base"].keys()
    assert all(row["p50"] != "–" for row in told.values())


def test_the_store_that_is_asked_is_filled_once_and_all_of_it_fits_the_base(tmp_path):
    store = tmp_path / "store"
    assert many(store, 9) == many(store, 9)
    hub = Hub.open(store)
    assert [report.verdict for report in hub.audit()] == ["unpinned"] * 9
    assert [line.tags for line in hub.list()].count((RARE,)) == 1


def test_while_it_is_said_to_change_a_store_changes(tmp_path):
    store = tmp_path / "store"
    many(store, 1)
    events = Hub.open(store).desk.store.events
    before = len(events.files())
    with questions.changing(store, 0.01):
        end = time.monotonic() + 60
        while len(events.files()) < before + 2:
            assert time.monotonic() < end
            time.sleep(0.01)
    after = len(events.files())
    time.sleep(0.05)
    assert len(events.files()) == after


def test_clients_that_pull_tell_of_other_bytes_than_were_announced(one, tmp_path):
    locations = mirror(one, ["ada/poet"], tmp_path / "answers")
    with nginx(tmp_path / "good", locations) as there:
        seen = pull(there.url, "", ["ada/poet"], 1, time.time(), LONG_ENOUGH)
    assert seen["took"]
    assert not seen["errors"]
    digest = hashlib.sha256((tmp_path / "adapter" / "adapter_model.safetensors").read_bytes()).hexdigest()
    other = tmp_path / "other"
    other.write_bytes(os.urandom(100))
    (blob,) = [word.rstrip(";") for word in locations.split() if word.endswith(f"{digest};")][:1]
    with nginx(tmp_path / "bad", locations.replace(f"{blob};", f"{other};")) as there:
        seen = pull(there.url, "", ["ada/poet"], 1, time.time(), LONG_ENOUGH)
    assert not seen["took"]
    assert "other bytes came" in seen["errors"][0]


def test_what_is_pushed_is_published_once_and_a_second_time_is_an_error(one):
    seen = push(one.url, one.token, 1, time.time(), LONG_ENOUGH, 10_000)
    assert not seen["errors"]
    names = [line.reference.partition("@")[0] for line in Hub.open(one.store).list()]
    assert len(names) == len(set(names)) == len(seen["took"]) + 1
    again = push(one.url, one.token, 1, time.time(), LONG_ENOUGH, 10_000)
    assert "409" in again["errors"][0]
    assert one.faults() == []


def test_a_question_that_is_refused_is_an_error(one):
    assert "401" in ask(one.url, "none", "GET", ["/api/whoami-v2"], 1, 3)["errors"][0]
    assert len(ask(one.url, one.token, "GET", ["/api/whoami-v2", "/healthz"], 2, 7)["took"]) == 7


def test_a_download_that_fails_is_no_download(one):
    with pytest.raises(Exception, match="404"):
        fetch(one.url, one.token, "/ada/poet/resolve/main/none", 2)


def test_a_deed_that_fails_is_counted_and_the_next_is_done(monkeypatch):
    seen, done, clock = Seen(), [], [1000.0]

    def deed(number):
        done.append(number)
        clock[0] += 1
        if number == 0:
            raise OSError("no line")

    monkeypatch.setattr(time, "time", lambda: clock[0])
    until(clock[0] + 3, seen, deed)
    assert seen.errors == ["OSError: no line"]
    assert (done, len(seen.took)) == ([0, 1, 2], 2)


def test_what_a_process_holds_and_takes_is_seen(tmp_path):
    before, at = memory(os.getpid()), processor(os.getpid())
    with Watched(os.getpid(), 0.01) as watched:
        held = bytearray(50_000_000)
        held[::4096] = b"x" * len(held[::4096])
        while processor(os.getpid()) < at + 0.1:
            hashlib.sha256(held).digest()
    assert watched.most.private - before.private > 40
    assert watched.most.anonymous - before.anonymous > 40
    with (tmp_path / "gone").open("w") as stream:
        (tmp_path / "gone").unlink()
        assert any(name.startswith(stream.name) for name in held_unlinked(os.getpid()))


def test_memory_at_a_moment_is_the_first_that_was_seen_from_then_on():
    watched = Watched(0)
    watched.seen = [(float(second), Memory(second, second, second)) for second in range(4)]
    assert [watched.at(moment).rss for moment in (0.0, 0.5, 2.0, 9.0)] == [0, 1, 2, 3]


def test_quantiles_and_digits():
    values = [float(number) for number in range(1, 101)]
    assert [quantile(values, share) for share in (0.5, 0.99, 1.0)] == [50.5, 99.0, 100.0]
    assert math.isnan(quantile([], 0.5))
    assert [plain(value) for value in (0.01234, 99.96, 12345.6, math.nan)] == ["0.0123", "100", "12,346", "–"]


def test_one_part_of_serving_alone_is_printed_and_not_written(tmp_path, capsys, few):
    words = [word for name in ("runs", "size") for word in (f"--serve-{name}", str(getattr(TINY, name)))]
    main(["--only", "serve", "--serve", "throughput", *words, "--folder", str(tmp_path)])
    told = capsys.readouterr().out
    assert told.startswith("# Serving")
    assert "## Throughput" in told
    assert "## Load" not in told
    assert list((tmp_path / "serving").iterdir()) == []


def test_every_part_has_a_name_and_every_size_an_option():
    assert list(part.PARTS) == list(NAMES)
    asked = read(["--serve-pulls", "7", "--serve", "load"])
    assert (asked.serve_pulls, asked.serve) == (7, ["load"])
    assert replace(TINY, pulls=7).pulls == 7
    assert sys.modules[Sizes.__module__].NAMES == NAMES
