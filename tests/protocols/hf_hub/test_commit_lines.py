"""Commits as they are sent: what huggingface_hub writes is read, what lies is refused."""

import contextlib
import io
import json

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete
from huggingface_hub._commit_api import _prepare_commit_payload
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import AdapterHubError, WrongUsage
from adapterhub.protocols.hf_hub import commit_lines
from adapterhub.protocols.hf_hub.commit_lines import Deleted, Header, Large, Regular, check_lines, read_lines, split

HEADER = {"key": "header", "value": {"summary": "a title", "description": "more", "parentCommit": "a" * 40}}


def body(*documents):
    return b"".join(json.dumps(one).encode() + b"\n" for one in documents)


def read(*documents):
    return list(read_lines(split(io.BytesIO(body(*documents)))))


def test_what_huggingface_hub_writes_is_read():
    small, large = CommitOperationAdd("a.txt", b"hello"), CommitOperationAdd("in/w.bin", b"weights")
    small._upload_mode, large._upload_mode, small._should_ignore, large._should_ignore = "regular", "lfs", False, False
    gone = [CommitOperationDelete("old.txt"), CommitOperationDelete("old/")]
    sent = _prepare_commit_payload([small, large, *gone], {}, "a title", "more", "a" * 40)
    assert read(*sent) == [
        Header("a title", "more", "a" * 40),
        Regular("a.txt", b"hello"),
        Large("in/w.bin", large.upload_info.sha256.hex(), 7),
        Deleted("old.txt", False),
        Deleted("old", True),
    ]


def test_empty_lines_are_nothing():
    assert len(list(read_lines(split(io.BytesIO(b"\n" + body(HEADER) + b"\n\n"))))) == 1


@pytest.mark.parametrize(
    "line",
    [
        {"key": "file", "value": {"path": "../a", "content": "", "encoding": "base64"}},
        {"key": "file", "value": {"path": "/a", "content": "", "encoding": "base64"}},
        {"key": "file", "value": {"path": "a\\b", "content": "", "encoding": "base64"}},
        {"key": "file", "value": {"path": "a", "content": "?", "encoding": "base64"}},
        {"key": "file", "value": {"path": "a", "content": 3, "encoding": "base64"}},
        {"key": "file", "value": {"path": "a", "content": "", "encoding": "rot13"}},
        {"key": "file", "value": {"path": 5}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "A" * 64}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "a" * 64, "size": -1}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "a" * 64, "size": True}},
        {"key": "lfsFile", "value": {"path": "a", "oid": "a" * 64, "size": "1"}},
        {"key": "deletedFolder", "value": {"path": "/"}},
        {"key": "nonsense", "value": {}},
        {"key": ["file"], "value": {}},
        {"key": "file", "value": None},
        HEADER,
        [],
        None,
    ],
)
def test_a_line_that_makes_no_sense_is_refused(line):
    with pytest.raises(WrongUsage):
        read(HEADER, line)


def test_the_header_comes_first_and_is_text():
    with pytest.raises(WrongUsage, match="the first line"):
        read({"key": "deletedFile", "value": {"path": "a"}})
    with pytest.raises(WrongUsage, match="empty"):
        read()
    with pytest.raises(WrongUsage, match="are text"):
        read({"key": "header", "value": {"summary": 5}})
    assert read({"key": "header", "value": {"summary": "\ud800", "description": None}}) == [Header("?", "", None)]


@pytest.mark.parametrize("parent", ["main", "\ud800", "a" * 41, 5, ["a" * 40], "abcd", "x" * 9000])
def test_the_parent_is_a_commit(parent):
    with pytest.raises(WrongUsage, match="hex digits, got") as refusal:
        read({"key": "header", "value": {"summary": "x", "parentCommit": parent}})
    assert len(str(refusal.value)) < 200
    (header,) = read({"key": "header", "value": {"summary": "x", "parentCommit": "AB" * 20}})
    assert header.parent == "ab" * 20


def test_a_line_or_a_number_of_lines_without_end_is_refused(monkeypatch):
    monkeypatch.setattr(commit_lines, "LONGEST", 200)
    with pytest.raises(WrongUsage, match="a line of more than"):
        read(HEADER, {"key": "file", "value": {"path": "a", "content": "A" * 200, "encoding": "base64"}})
    monkeypatch.setattr(commit_lines, "MOST", 3)
    with pytest.raises(WrongUsage, match="more than 3 lines"):
        read(HEADER, *[{"key": "deletedFile", "value": {"path": "a"}}] * 3)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data):
    with contextlib.suppress(AdapterHubError):
        list(read_lines(split(io.BytesIO(body(HEADER) + data))))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["key", "value", "path", "content", "oid", "size", "encoding", "summary"]), inner)))  # fmt: skip  # noqa: E501
def test_no_document_does_more_than_be_refused(document):
    with contextlib.suppress(AdapterHubError):
        read(HEADER, document)


def test_a_body_is_looked_through_and_can_be_read_from_its_beginning(monkeypatch):
    monkeypatch.setattr(commit_lines, "MOST", 3)
    stream = io.BytesIO(body(HEADER) + b"no json\n\n" + b"{}\n")
    check_lines(stream)
    assert stream.tell() == 0
    with pytest.raises(WrongUsage, match="more than 3 lines"):
        check_lines(io.BytesIO(body(HEADER) + b"no json\n{}\n{}"))
