import json
from datetime import date
from hashlib import sha256

import numpy as np

from adapterhub.train.data.table import file_digest
from tests.train.data.builders import table

CAFÉ = table([{"b": "café", "a": 1}, {"b": None, "a": 2}, {"b": "x"}])


def test_the_digest_of_the_rows_is_that_of_jsonl_with_sorted_keys():
    lines = [json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False) for row in CAFÉ.rows]
    assert CAFÉ.rows_digest.hex == sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def test_a_part_keeps_its_places_and_the_digest_of_the_file():
    part = CAFÉ.take([2, 0], "train.csv (test)")
    assert [part.place(0), part.place(1)] == ["train.csv, line 4", "train.csv, line 2"]
    assert (part.digest, part.name, len(part)) == (CAFÉ.digest, "train.csv (test)", 2)
    assert part.rows_digest not in (CAFÉ.rows_digest, CAFÉ.take([0, 2]).rows_digest)


def test_a_column_has_none_where_a_row_lacks_it():
    assert CAFÉ.column("a") == [1, 2, None]


def test_rows_are_compared_by_the_columns_that_are_asked_for():
    one, two, _ = CAFÉ.lines(["a"])
    assert (one, two) == (b'{"a":1}', b'{"a":2}')


def test_files_bytes_arrays_and_dates_have_digests(tmp_path):
    (tmp_path / "a.png").write_bytes(b"picture")
    zeros = np.zeros((2, 2), np.uint8)
    cells = [tmp_path / "a.png", b"picture", zeros, date(2024, 2, 29)]
    lines = list(table([{"x": cell} for cell in cells]).lines())
    hexed = sha256(b"picture").hexdigest()
    assert lines[0] == lines[1] == f'{{"x":"sha256:{hexed}"}}'.encode()
    assert json.loads(lines[2])["x"] == ["|u1", [2, 2], f"sha256:{sha256(bytes(4)).hexdigest()}"]
    assert lines[3] == b'{"x":"2024-02-29"}'


def test_arrays_of_the_same_bytes_and_another_shape_or_type_are_others():
    cells = [np.zeros((2, 2), np.uint8), np.zeros(4, np.uint8), np.zeros(1, np.uint32)]
    assert len(set(table([{"x": cell} for cell in cells]).lines())) == 3


def test_a_file_that_changed_has_another_digest(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"one")
    before = file_digest(path)
    path.write_bytes(b"three")
    assert file_digest(path) != before
