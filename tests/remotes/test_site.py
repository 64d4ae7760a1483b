"""A static web site is a registry that can only be read, and is not to be trusted."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterhub.errors import BadReference, Corrupt, NotFound, Refused, Unreachable
from adapterhub.hub import Hub
from adapterhub.reference import parse
from adapterhub.remotes.site import Site
from adapterhub.store.store import Store
from adapterhub.transfer.copy import copy
from tests.builders import POET, digest_of, entry, filled, read_all, tree
from tests.contract import ReadingContract, library
from tests.remotes.servers import Server, cut, endless, instead, nginx, serving, stall, status, times

BIG = parse("ada/big@1")


class TestSite(ReadingContract):
    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Iterator[Site]:
        with serving(library(tmp_path).root) as server:
            yield site(server)


class TestSiteBehindNginx(ReadingContract):
    @pytest.fixture
    def shelf(self, tmp_path: Path) -> Iterator[Site]:
        folder, tmp = tmp_path / "site", tmp_path / "nginx"
        tmp.mkdir()
        with nginx(library(folder).root, tmp) as url:
            yield Site(url)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A library on the web, with ada/big beside it: weights of one megabyte."""
    store = library(tmp_path / "site")
    store.publish(entry(7, rank=2, size=1 << 16), BIG)
    with serving(store.root) as running:
        yield running


def site(server: Server) -> Site:
    opened = Site(server.url)
    opened.reader.pause = 0.001
    return opened


def blob(path: str, seed: int = 7, **about: int) -> str:
    """Where a file of an entry lies on the site."""
    file = (entry(seed, size=1 << 16) if seed == 7 else entry(seed)).manifest.file(path)
    assert file is not None
    return file.sha256


WEIGHTS = "adapter_model.safetensors"
LARGE = blob(WEIGHTS)
SIZE = next(file.size for file in entry(7, size=1 << 16).manifest.files if file.path == WEIGHTS)


def test_a_pinned_reference_needs_no_catalog(server: Server) -> None:
    (server.folder / "catalog.json").unlink()
    for word in ("ada/poet@1", "ada/poet@prod", f"ada/poet@{entry(1).digest}"):
        assert site(server).resolve(parse(word)).digest == entry(1).digest
    assert read_all(site(server).open(entry(1).digest))
    for word in ("ada/poet", "ada/poet@sha256:01234567"):
        with pytest.raises(NotFound, match=r"has no catalog\.json, so it cannot be listed") as refusal:
            site(server).resolve(parse(word))
        assert "name@1" in refusal.value.hint
    assert "not known to be ada/poet: " in site(server).resolve(parse(f"ada/poet@{entry(1).digest}")).detail


def test_the_newest_version_says_when_the_catalog_was_made(server: Server) -> None:
    shelf = site(server)
    assert shelf.resolve(POET).detail == f"by the catalog made {shelf.catalog().time}"
    assert shelf.resolve(POET.at("1")).detail == ""
    with pytest.raises(NotFound, match=f"not in the catalog of .*, made {shelf.catalog().time}"):
        shelf.resolve(parse("ada/newer"))


def test_a_short_digest_that_two_versions_share_asks_for_more_digits(server: Server) -> None:
    shelf = site(server)
    first, second, *_ = shelf.catalog().entries
    alike = [
        line.model_copy(update={"digest": "sha256:" + "ab" * 31 + end}) for line, end in ((first, "00"), (second, "11"))
    ]
    shelf._catalog = shelf.catalog().model_copy(update={"entries": tuple(alike)})
    with pytest.raises(BadReference, match=r"several versions begin so: @1 abababababab, @1\.1 ab"):
        shelf.resolve(POET.at("sha256:abababab"))


def test_a_site_cannot_be_written(server: Server) -> None:
    with pytest.raises(Refused, match=r"cannot publish ada/poet: .* is a web site, which can only be read"):
        site(server).publish(entry(), POET)
    with pytest.raises(Refused, match="cannot remove ada/poet"):
        site(server).remove(POET)


def test_an_address_that_is_no_registry_says_what_it_should_be(server: Server) -> None:
    (server.folder / "registry.json").unlink()
    with pytest.raises(NotFound, match=r"no registry there \(registry\.json is missing\)") as refusal:
        list(site(server).list())
    assert "the folder which holds registry.json" in refusal.value.hint


def pull(server: Server, store: Store, reference: str = "ada/big@1") -> int:
    """Bytes that a pull received."""
    return copy(parse(reference), site(server), store).published.received


def test_a_broken_connection_is_taken_up_at_the_same_byte(server: Server, tmp_path: Path) -> None:
    server.faults.append((LARGE, times(3, cut(200_000))))
    pull(server, Store(tmp_path / "store", "ada"))
    asked = [served.start for served in server.served if LARGE in served.path]
    assert asked == [0, 200_000, 400_000, 600_000]
    assert server.sent(LARGE) == SIZE


PULL = "import sys; from adapterhub import Hub; Hub.open(sys.argv[1]).pull(['ada/big@1'], sys.argv[2])"


def test_a_killed_pull_goes_on_where_it_stopped_and_fetches_only_the_rest(server: Server, tmp_path: Path) -> None:
    server.faults.append((LARGE, times(1, stall(700_000))))
    store = Store(tmp_path / "store", "ada")
    part = store.layout.incoming / f"{LARGE}.part"
    with subprocess.Popen([sys.executable, "-c", PULL, str(store.root), server.url]) as puller:
        while not part.exists() or part.stat().st_size < 600_000:
            assert puller.poll() is None
            time.sleep(0.01)
        os.kill(puller.pid, signal.SIGKILL)
    there = part.stat().st_size
    assert list(store.list()) == []
    server.served.clear()
    received = pull(server, store)
    assert [(served.start, served.sent) for served in server.served if LARGE in served.path] == [(there, SIZE - there)]
    assert received < SIZE - there + 10_000
    assert read_all(store.open(digest_of(store, BIG)))[WEIGHTS] == read_all(entry(7, size=1 << 16))[WEIGHTS]


def test_a_server_that_knows_no_ranges_is_read_from_the_start_and_the_rest_kept(server: Server, tmp_path: Path) -> None:
    store = Store(tmp_path / "store", "ada")
    store.create()
    store.layout.incoming.mkdir()
    data = (server.folder / "blobs" / "sha256" / LARGE[:2] / LARGE).read_bytes()
    (store.layout.incoming / f"{LARGE}.part").write_bytes(data[:500_000])
    server.faults.append((LARGE, instead(lambda whole: whole)))
    pull(server, store)
    assert digest_of(store, BIG) == digest_of(Store(server.folder), BIG)


LIES = {
    "other bytes": instead(lambda data: data[::-1]),
    "a page that says all is well": instead(b"<html>hello</html>"),
    "nothing": instead(b""),
    "one byte less": instead(lambda data: data[:-1]),
    "one byte more": instead(lambda data: data + b"x"),
    "no end": endless,
}


@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("path", [WEIGHTS, "manifest"])
def test_a_site_that_lies_is_corrupt_and_nothing_is_named(server: Server, tmp_path: Path, lie: str, path: str) -> None:
    store = Store(tmp_path / "store", "ada")
    where = LARGE if path == WEIGHTS else digest_of(Store(server.folder), BIG).hex
    server.faults.append((where, LIES[lie]))
    with pytest.raises(Corrupt):
        pull(server, store)
    assert list(store.list()) == []
    assert [path for path in tree(store.root) if LARGE in path] == []


PAGES = [b"<html>", b"", b"[" * 100_000, b'{"digest":"../../x"}', b"\xff\xfe"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: ascii(page[:9]))
def test_a_version_that_is_a_web_page_is_corrupt(server: Server, page: bytes) -> None:
    server.faults.append(("versions/1", instead(page)))
    with pytest.raises(Corrupt, match=r"versions/1: not a version's file"):
        site(server).resolve(POET.at("1"))


@pytest.mark.parametrize("word", [b"../../x", b"\xff", b"", b"a b"])
def test_an_alias_that_is_no_word_is_corrupt(server: Server, word: bytes) -> None:
    server.faults.append(("aliases/prod", instead(word)))
    with pytest.raises(Corrupt, match="aliases/prod: not an alias's file"):
        site(server).resolve(POET.at("prod"))


@pytest.mark.parametrize("data", [b"", b"<html>", b'{"time":"x","entries":[{"reference":"ada/poet@1"}]}'])
def test_a_catalog_that_is_garbage_is_corrupt(server: Server, data: bytes) -> None:
    server.faults.append(("catalog.json", instead(data)))
    with pytest.raises(Corrupt, match=r"catalog\.json: "):
        site(server).resolve(POET)


def test_a_note_about_something_else_is_corrupt(server: Server) -> None:
    note = min((server.folder / "notes" / entry(1).digest.hex).glob("*.json"))
    server.faults.append((note.name, instead(note.read_bytes().replace(b"sha256:", b"sha512:"))))
    with pytest.raises(Corrupt):
        site(server).open(entry(1).digest)


@pytest.mark.parametrize(
    ("code", "error", "tries"),
    [(403, Refused, 1), (401, Refused, 1), (418, Unreachable, 1), (500, Unreachable, 5), (503, Unreachable, 5)],
)
def test_a_status_means_an_error_of_ours_and_passing_ones_are_tried_again(
    server: Server, code: int, error: type[Exception], tries: int
) -> None:
    server.faults.append(("versions/1", status(code)))
    with pytest.raises(error, match=f"versions/1: .*{code}") as refusal:
        site(server).resolve(POET.at("1"))
    assert getattr(refusal.value, "hint", "")
    assert len(server.served) == tries


def test_a_fault_that_passes_is_not_seen(server: Server, tmp_path: Path) -> None:
    server.faults.append(("", times(4, status(503))))
    assert pull(server, Store(tmp_path / "store", "ada"), "ada/poet@1") > 0


def test_a_blob_that_is_not_there_is_not_found(server: Server, tmp_path: Path) -> None:
    server.faults.append((LARGE, status(404)))
    with pytest.raises(NotFound, match=f"{LARGE}: HTTP 404"):
        pull(server, Store(tmp_path / "store", "ada"))


def test_a_line_that_breaks_again_and_again_is_unreachable_and_what_came_is_kept(
    server: Server, tmp_path: Path
) -> None:
    server.faults.append((LARGE, times(1, cut(300_000))))
    server.faults.append((LARGE, times(5, cut(0))))
    store = Store(tmp_path / "store", "ada")
    with pytest.raises(Unreachable, match=LARGE) as refusal:
        pull(server, store)
    assert "What arrived is kept" in refusal.value.hint
    server.served.clear()
    pull(server, store)
    assert SIZE - server.sent(LARGE) > 200_000


def test_where_nobody_listens_is_unreachable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    with serving(tmp_path) as server:
        url = server.url
    with pytest.raises(Unreachable, match=url) as refusal:
        Hub.open(tmp_path / "store").pull(["ada/poet@1"], url)
    assert (refusal.value.code, "is the server running" in refusal.value.hint) == (8, True)


def test_offline_asks_nobody(server: Server, tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="not asked, since --offline was given"):
        Hub.open(tmp_path / "store", offline=True).pull(["ada/poet@1"], server.url)
    assert server.served == []


def test_a_site_mends_a_store(server: Server, tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    hub.remote_add("web", server.url)
    hub.pull(["ada/poet@1"])
    file = hub.desk.store.layout.blob(entry(1).manifest.files[0].blob)
    file.unlink()
    assert hub.check(repair=True).ok


def test_what_a_site_shows_is_not_remembered_as_facts(server: Server, tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    hub.remote_add("web", server.url)
    assert hub.show("web:ada/poet@1").facts.rank == 2
    assert list(tree(hub.store / "cache")) == []


def test_a_remote_test_counts_the_versions(server: Server, tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    hub.remote_add("web", server.url)
    assert hub.remote_test("web").kind == "read only, 3 versions"
    assert [line.reference for line in hub.list("web")] == ["ada/poet@1", "ada/poet@1.1", "bob/ode@1"]


def test_a_short_pull_of_many_files_asks_for_each_once(server: Server, tmp_path: Path) -> None:
    store = filled(tmp_path / "store", "x/y")
    pull(server, store, "ada/poet@1")
    blobs = [served.path for served in server.served if served.path.startswith("blobs/")]
    assert len(blobs) == len(set(blobs)) == 2  # the config was here already
