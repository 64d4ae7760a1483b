"""Data, as far as it is cheap to know."""

import io
import json

import numpy as np
import pytest

from adapterhub.errors import Corrupt, NotFound
from adapterhub.formats.data import claims, facts
from tests.formats.foreign_files import Folder, checks


def arrays(**named):
    stream = io.BytesIO()
    np.savez(stream, **named)
    return stream.getvalue()


def array(value):
    stream = io.BytesIO()
    np.save(stream, value, allow_pickle=True)
    return stream.getvalue()


def test_tables_have_rows_and_columns():
    told = facts(Folder({"a.csv": b'text,label\n"x\ny",1\nz,0\n', "b.tsv": b"q\tw\n1\t2\n"}))
    assert told.kind == told.format == "data"
    assert told.details["kinds"] == {"csv": 1, "tsv": 1}
    assert told.details["rows"] == {"a.csv": 2, "b.tsv": 1}
    assert told.details["columns"] == {"a.csv": ["text", "label"], "b.tsv": ["q", "w"]}


def test_lines_of_json_are_rows():
    told = facts(Folder({"a.jsonl": b'{"text": "x", "label": 1}\n\n{"text": "y"}\n'}))
    assert (told.type, told.details["rows"], told.details["columns"]["a.jsonl"]) == (
        "jsonl",
        {"a.jsonl": 2},
        ["label", "text"],
    )


def test_arrays_have_types_and_shapes():
    told = facts(Folder({"test.npz": arrays(images=np.zeros((3, 8, 8), np.float32), labels=np.zeros(3, np.int64))}))
    assert told.details["arrays"] == {"images": ["F32", [3, 8, 8]], "labels": ["I64", [3]]}


def test_one_array_has_its_files_name():
    told = facts(Folder({"x.npy": array(np.zeros((2, 2), np.float16)), "y.txt": b"two"}))
    assert told.details["arrays"] == {"x.npy": ["F16", [2, 2]]}
    assert told.details["files"] == 2


def test_pictures_are_counted_in_folders():
    told = facts(Folder({f"{kind}/{n}.png": b"\x89PNG" for kind in ("cat", "dog") for n in range(3)}))
    assert (told.type, told.details) == ("png", {"files": 6, "kinds": {"png": 6}})


def test_objects_in_an_array_are_a_warning_and_nothing_is_loaded():
    told = facts(Folder({"x.npy": array(np.array([{}], dtype=object))}))
    assert [(f.check, f.severity) for f in told.findings] == [("unread-array", "warning")]


def test_a_broken_array_is_told():
    assert checks(facts(Folder({"x.npz": b"PK\x03\x04rubbish"}))) == ["unread-array"]


@pytest.mark.parametrize("content", [b'{"a": [', b"\xff\xfe\x00", b"[" * 100_000])
def test_a_table_that_cannot_be_read_is_still_data(content):
    assert "rows" not in facts(Folder({"x.jsonl": content})).details


def test_a_pointer_of_git_lfs_is_no_data():
    with pytest.raises(Corrupt, match="Git LFS"):
        facts(Folder({"x.parquet": b"version https://git-lfs.github.com/spec/v1\n"}))


def test_nothing_is_no_data():
    with pytest.raises(NotFound, match="no data"):
        facts(Folder({"README.md": b""}))


@pytest.mark.parametrize(
    ("names", "claimed"),
    [
        (["a.csv"], True), (["a/b.png", "LICENSE", "card.md"], True), (["A.JPG"], True), (["x.md"], False), ([], False),
        (["a.csv", "run.exe"], False), (["a.json", "config.json"], False), (["a.txt", "w.safetensors"], False),
    ],
)  # fmt: skip
def test_data_is_claimed_where_nothing_else_lies(names, claimed):
    assert claims(Folder(dict.fromkeys(names, b"{}"))) == claimed


def test_the_facts_can_be_written():
    assert json.loads(facts(Folder({"a.csv": "schön,x\n1,2\n".encode()})).to_bytes())["details"]["columns"]


def test_a_table_that_is_larger_than_promised_is_read_no_further(monkeypatch):
    monkeypatch.setattr("adapterhub.formats.data.CHEAP", 1000)
    members = Folder({"a.csv": b"a,b\n" + b"1,2\n" * 10_000})
    monkeypatch.setattr(Folder, "size", lambda self, name: 900)
    assert "rows" not in facts(members).details
