"""Reading over HTTP."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterhub.errors import NotFound, Refused, Unreachable
from adapterhub.protocols.http import Reader, TooLarge, http_error
from tests.remotes.servers import Handler, Server, cut, endless, instead, serving, status, times

DATA = bytes(range(256)) * 800


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "poem").write_bytes(DATA)
    with serving(tmp_path) as running:
        yield running


def reader(server: Server) -> Reader:
    return Reader(server.url, pause=0.001)


def test_a_file_is_read_whole_and_from_its_middle(server: Server) -> None:
    assert reader(server).read("poem") == DATA
    with reader(server).open("poem", 100_000) as stream:
        assert stream.read() == DATA[100_000:]
    assert [(served.start, served.sent) for served in server.served] == [(0, len(DATA)), (100_000, len(DATA) - 100_000)]


def test_seeking_asks_for_a_range(server: Server) -> None:
    with reader(server).open("poem") as stream:
        stream.seek(150_000)
        assert (stream.read(5), stream.tell()) == (DATA[150_000:150_005], 150_005)
        stream.seek(10)
        assert stream.read(5) == DATA[10:15]
        with pytest.raises(io.UnsupportedOperation):
            stream.seek(0, 2)
    assert [served.start for served in server.served] == [0, 150_000, 10]


def test_after_the_end_there_is_nothing(server: Server) -> None:
    server.faults.append(("poem", lambda handler, data, start: start >= len(data) and _no_range(handler)))
    with reader(server).open("poem", len(DATA) + 5) as stream:
        assert (stream.read(), stream.read()) == (b"", b"")


def _no_range(handler: Handler) -> bool:
    handler.answer(416, b"")
    return True


def test_a_body_cut_short_is_taken_up_where_it_broke(server: Server) -> None:
    server.faults.append(("poem", times(2, cut(50_000))))
    assert reader(server).read("poem") == DATA
    assert [served.start for served in server.served] == [0, 50_000, 100_000]


def test_a_server_that_ignores_ranges_is_skipped_forward(server: Server) -> None:
    server.faults.append(("poem", times(1, cut(50_000))))
    server.faults.append(("poem", instead(lambda whole: whole)))
    assert reader(server).read("poem") == DATA


def test_a_document_larger_than_any_honest_one_is_refused(server: Server) -> None:
    server.faults.append(("poem", endless))
    with pytest.raises(TooLarge, match="poem: more than 262144 bytes"):
        reader(server).read("poem", 1 << 18)


def test_nothing_is_compressed_on_the_way(server: Server) -> None:
    seen = []
    server.faults.append(("poem", lambda handler, *_: bool(seen.append(handler.headers["Accept-Encoding"]))))
    reader(server).read("poem")
    assert seen == ["identity"]


def test_a_redirect_is_followed_and_a_circle_is_unreachable(server: Server) -> None:
    def move(to: str) -> object:
        def answer(handler: Handler, data: bytes, start: int) -> bool:
            handler.send_response(302)
            handler.send_header("Location", to)
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            return True

        return answer

    server.faults += [("old", move("/poem")), ("circle", move("/circle"))]  # type: ignore[list-item]
    assert reader(server).read("old") == DATA
    with pytest.raises(Unreachable, match="circle: Exceeded maximum allowed redirects"):
        reader(server).read("circle")


def test_an_address_that_cannot_be_is_unreachable() -> None:
    with pytest.raises(Unreachable, match="http://exa mple"):
        Reader("http://exa mple\x01", pause=0).read("poem")


def test_a_server_with_trouble_is_told_in_words(server: Server) -> None:
    server.faults.append(("poem", status(500)))
    with pytest.raises(Unreachable, match=r"/poem: the server answered 500$"):
        reader(server).read("poem")


@pytest.mark.parametrize(
    ("code", "error"), [(404, NotFound), (410, NotFound), (401, Refused), (403, Refused), (500, Unreachable)]
)
def test_a_status_names_the_address(code: int, error: type[Exception]) -> None:
    refusal = http_error(code, "http://host/x")
    assert isinstance(refusal, error)
    assert f"http://host/x: HTTP {code}" in str(refusal)
