import builtins
import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, NotFound, Refused, WrongUsage
from adapterhub.train.data.read import read
from tests.train.data.builders import ROWS, text, written


def error(path, kind):
    """What reading a file says, and what to do next."""
    with pytest.raises(kind) as caught:
        read(path, path.name)
    return f"{caught.value} | {caught.value.hint}"


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "ndjson", "json", "parquet"])
def test_the_same_rows_come_out_of_every_kind(tmp_path, suffix):
    path = written(tmp_path / f"train.{suffix}", ROWS)
    table = read(path, "data/train")
    assert (table.rows, table.columns, table.name) == (ROWS, ("text", "label"), "data/train")
    assert table.digest == Digest.of(path.read_bytes())


def test_the_same_rows_have_the_same_digest_in_every_kind(tmp_path):
    kinds = ("csv", "tsv", "jsonl", "json", "parquet")
    tables = [read(written(tmp_path / f"train.{kind}", ROWS), kind) for kind in kinds]
    assert len({table.rows_digest for table in tables}) == 1
    assert len({table.digest for table in tables}) == len(kinds)


def test_a_packed_file_is_read_and_its_digest_is_that_of_the_packed_bytes(tmp_path):
    plain = written(tmp_path / "train.csv", ROWS)
    packed = tmp_path / "train.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert read(packed, "train.csv.gz").rows == read(plain, "train.csv").rows
    assert read(packed, "train.csv.gz").digest == Digest.of(packed.read_bytes())


def test_numbers_stay_as_they_are_in_the_file(tmp_path):
    rows = [{"label": 1, "weight": 0.5, "tokens": ["a", "b"]}]
    assert read(written(tmp_path / "a.jsonl", rows), "a").rows == rows
    assert read(written(tmp_path / "a.parquet", rows), "a").rows == rows
    assert read(text(tmp_path / "a.csv", "label,weight\n1,0.50\n"), "a").rows == [{"label": "1", "weight": "0.50"}]


def test_a_mark_before_the_text_is_no_part_of_the_first_name(tmp_path):
    assert read(text(tmp_path / "a.csv", "\ufefftext,label\nx,y\n"), "a").columns == ("text", "label")
    assert read(text(tmp_path / "a.jsonl", '\ufeff{"text": "x"}\n'), "a").columns == ("text",)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_place_is_the_line_a_record_begins_in(tmp_path, end):
    lines = ["text,label", '"two', 'lines",a', "", "b\u2028\x0cb,c"]
    table = read(text(tmp_path / "a.csv", end.join(lines)), "a.csv")
    assert [table.place(0), table.place(1)] == ["a.csv, line 2", "a.csv, line 5"]
    assert table.rows[1]["text"] == "b\u2028\x0cb"


def test_places_of_other_kinds_are_lines_and_rows(tmp_path):
    spaced = text(tmp_path / "a.jsonl", '{"text": "x"}\n\n{"text": "y\u2028z"}\n')
    assert list(read(spaced, "a.jsonl").places) == ["a.jsonl, line 1", "a.jsonl, line 3"]
    assert read(written(tmp_path / "a.parquet", ROWS), "a.parquet").place(1) == "a.parquet, row 2"
    assert read(written(tmp_path / "a.json", ROWS), "a.json").place(1) == "a.json, row 2"


def test_semicolons_stand_between_cells_where_the_comma_is_no_delimiter(tmp_path):
    table = read(text(tmp_path / "a.csv", 'text;label\n"1,5; or so";a\n'), "a")
    assert table.rows == [{"text": "1,5; or so", "label": "a"}]
    assert read(text(tmp_path / "b.csv", "a;b,c\n1;2,3\n"), "b").columns == ("a;b", "c")


def test_the_index_that_pandas_writes_is_a_column_without_a_name(tmp_path):
    assert read(text(tmp_path / "a.csv", ",text\n0,x\n"), "a").columns == ("", "text")


def test_a_document_may_be_longer_than_the_limit_of_the_csv_module(tmp_path):
    limit = csv.field_size_limit()
    assert len(read(text(tmp_path / "a.csv", f"text\n{'x' * (limit + 1)}\n"), "a").rows[0]["text"]) == limit + 1
    assert "got 2 cells" in error(text(tmp_path / "b.csv", f"text\n{'x' * (limit + 1)},\n"), Corrupt)
    assert csv.field_size_limit() == limit


def test_arrays_are_columns_and_their_rows_are_views(tmp_path):
    images = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    np.savez(tmp_path / "a.npz", images=images, labels=np.array([2, 0, 1]), side=np.array(["l", "r", "l"]))
    table = read(tmp_path / "a.npz", "a.npz")
    assert table.columns == ("image", "label", "side")
    assert (table.column("label"), table.column("side")) == ([2, 0, 1], ["l", "r", "l"])
    assert np.array_equal(table.rows[1]["image"], images[1])
    assert table.rows[1]["image"].base is table.rows[0]["image"].base


def test_a_column_of_jsonl_is_any_key_and_a_row_may_lack_it(tmp_path):
    table = read(text(tmp_path / "a.jsonl", '{"b": 1}\n{"a": 2, "b": 3}\n'), "a")
    assert (table.columns, table.column("a")) == (("b", "a"), [None, 2])


BROKEN = {
    "ragged.csv": ('text,label\n"x\ny",a\nz\n', "ragged.csv, line 4: got 1 cells, wanted 2"),
    "quote.csv": ('text,label\nx,a\n"y,b\nz,c\n', "quote.csv, line 3: cannot be read: unexpected end of data"),
    "twice.csv": ("text,text\nx,a\n", "twice.csv, line 1: several columns are called 'text'"),
    "unnamed.csv": ("text;;\nx;;\n", "unnamed.csv, line 1: columns 2, 3 have no name"),
    "numbers.tsv": ("\n1\t0.5\n2\t0.6\n", "numbers.tsv, line 2: numbers, where the names"),
    "list.jsonl": ('{"a": 1}\n[1]\n', "list.jsonl, line 2: got '[1]', wanted an object"),
    "cut.jsonl": ('{"a": 1}\n{"a": \n', "cut.jsonl, line 2, column 7: not JSON: Expecting value"),
    "half.jsonl": ('{"a": "\\ud83d"}\n', "half.jsonl, line 1: half a surrogate pair is no character"),
    "deep.jsonl": ("[" * 200_000, "deep.jsonl, line 1: cannot be read"),
    "object.json": ('{"rows": []}', "object.json, line 1: got '{\"rows\": []}', wanted a list"),
    "lines.json": ('{"a": 1}\n{"a": 2}\n', "with an object a line it is called .jsonl"),
    "mixed.json": ('[{"a": 1}, 2]', "mixed.json, row 2: got '2', wanted an object"),
    "not.parquet": ("text,label\n", "not.parquet, row 1: not Parquet, or damaged"),
    "not.npz": ("text,label\n", "not.npz, the arrays: not npz, or damaged"),
    "pointer.csv": (
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n",
        "pointer.csv: a Git LFS pointer",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_named_with_its_place(tmp_path, name):
    content, told = BROKEN[name]
    assert told in error(text(tmp_path / name, content), Corrupt)


EMPTY = {"a.csv": "", "b.csv": "\n\n", "c.csv": "text,label\n", "d.jsonl": "\n", "e.json": "[]", "f.json": " "}


@pytest.mark.parametrize("name", EMPTY)
def test_an_empty_file_is_told(tmp_path, name):
    assert error(text(tmp_path / name, EMPTY[name]), WrongUsage).startswith(f"{name}: ")


def test_a_parquet_file_without_rows_is_told(tmp_path):
    import pyarrow
    from pyarrow import parquet

    parquet.write_table(pyarrow.table({"text": pyarrow.array([], "string")}), tmp_path / "a.parquet")
    assert "a.parquet: no rows" in error(tmp_path / "a.parquet", WrongUsage)


def test_a_byte_that_is_not_utf8_is_named_with_its_place(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbftext\nfine\ncaf\xe9\n")
    assert "a.csv, line 3: byte 16 (0xe9) is not UTF-8" in error(path, Corrupt)
    assert path.read_bytes()[16] == 0xE9


def test_what_is_utf16_is_guessed(tmp_path):
    (tmp_path / "a.csv").write_bytes("text\nfine\n".encode("utf-16"))
    assert "`iconv -f UTF-16 -t UTF-8 a.csv`" in error(tmp_path / "a.csv", Corrupt)


def test_a_file_cut_while_it_was_packed_is_told(tmp_path):
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"text\n" + b"x\n" * 1000)[:-10])
    assert "a.csv.gz: cannot be unpacked" in error(path, Corrupt)


def test_arrays_of_unequal_length_and_pickles_are_not_taken(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 2)), labels=np.zeros(2))
    assert "got image (3, 2), label (2,)" in error(tmp_path / "a.npz", Corrupt)
    np.savez(tmp_path / "b.npz", labels=np.array([{}], dtype=object), allow_pickle=True)
    assert "allow_pickle=False" in error(tmp_path / "b.npz", Corrupt)
    np.savez(tmp_path / "c.npz", n=np.int64(3))
    assert "got n ()" in error(tmp_path / "c.npz", Corrupt)


@pytest.mark.parametrize(("name", "end"), [("a.xlsx", ".xlsx"), ("a", "nothing"), ("a.parquet.gz", ".parquet.gz")])
def test_an_unknown_kind_is_told_with_the_known_ones(tmp_path, name, end):
    told = error(text(tmp_path / name, "x"), WrongUsage)
    assert f"the name ends in {end!r}" in told
    assert ".jsonl, .ndjson, .json, .parquet" in told


def test_what_is_not_there_is_told_with_what_is_close(tmp_path):
    written(tmp_path / "train.csv", ROWS)
    assert "did you mean 'train.csv'?" in error(tmp_path / "trian.csv", NotFound)
    assert f"looked in {tmp_path / 'none'}" in error(tmp_path / "none" / "x.csv", NotFound)


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, monkeypatch):
    path = written(tmp_path / "a.parquet", ROWS)
    real = builtins.__import__

    def without(name, *rest):
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert "pip install 'adapterhub[train]'" in error(path, Refused)


def test_what_to_do_about_a_path_that_leads_nowhere_fits_where_it_was_written(tmp_path, monkeypatch):
    def hint(path, word):
        with pytest.raises(NotFound) as caught:
            read(path, word)
        assert f"looked in {tmp_path}" in str(caught.value)
        return caught.value.hint

    monkeypatch.chdir(tmp_path)
    nowhere = Path("gone.csv")
    assert hint(nowhere, "gone.csv") == "what is there: nothing"
    written(tmp_path / "poems.jsonl", ROWS)
    assert hint(nowhere, "gone.csv") == "what is there: poems.jsonl"
    assert hint(tmp_path / "gone.csv", "gone.csv") == "in a config, paths are relative to its folder"
    assert hint(Path("poem.jsonl"), "poem.jsonl") == "did you mean 'poems.jsonl'?"
