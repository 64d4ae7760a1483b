"""Paths in a table are files beside it: wherever the program runs, and part of the rows' digest."""

import pytest

from adapterhub.errors import NotFound
from adapterhub.train.config import DataConfig
from adapterhub.train.data.read import media, read
from adapterhub.train.data.split import splits
from tests.train.data.builders import picture, written

KINDS = ["photos.csv", "photos.jsonl", "photos.json", "photos.parquet"]


@pytest.fixture
def rows(tmp_path):
    picture(tmp_path / "cats/1.png", 10)
    picture(tmp_path / "dogs/1.png", 200)
    return [{"image": "cats/1.png", "label": "cat"}, {"image": "dogs/1.png", "label": "dog"}]


@pytest.mark.parametrize("name", KINDS)
def test_a_path_is_relative_to_the_folder_of_the_table(tmp_path, rows, name, monkeypatch):
    monkeypatch.chdir("/")
    table = read(written(tmp_path / name, rows), name, ("image",))
    assert table.column("image") == [tmp_path / "cats/1.png", tmp_path / "dogs/1.png"]
    assert table.column("label") == ["cat", "dog"]


def test_the_digest_of_the_rows_covers_the_pictures(tmp_path, rows):
    path = written(tmp_path / "photos.csv", rows)
    before = read(path, "photos.csv", ("image",))
    digest = before.rows_digest
    picture(tmp_path / "cats/1.png", 11)
    after = read(path, "photos.csv", ("image",))
    assert after.digest == before.digest
    assert after.rows_digest != digest


def test_the_digest_is_the_same_in_another_folder(tmp_path, rows):
    here = read(written(tmp_path / "photos.csv", rows), "photos.csv", ("image",))
    for shade, kind in ((10, "cats"), (200, "dogs")):
        picture(tmp_path / "elsewhere" / kind / "1.png", shade)
    there = read(written(tmp_path / "elsewhere/photos.csv", rows), "photos.csv", ("image",))
    assert there.rows_digest == here.rows_digest


def test_a_picture_that_is_not_there_is_told_with_its_row(tmp_path, rows):
    path = written(tmp_path / "photos.csv", [*rows, {"image": "cats/2.png", "label": "cat"}])
    with pytest.raises(NotFound, match=r"photos\.csv, line 4, column 'image': no file 'cats/2\.png'"):
        read(path, "photos.csv", ("image",))


def test_words_far_too_long_for_a_name_are_no_file(tmp_path):
    path = written(tmp_path / "photos.jsonl", [{"image": "A" * 5000}])
    with pytest.raises(NotFound, match="line 1"):
        read(path, "photos.jsonl", ("image",))


def test_objects_of_parquet_keep_their_bytes_or_give_their_path(tmp_path, rows):
    cells = [{"bytes": b"png", "path": "lost.png"}, {"bytes": None, "path": "cats/1.png"}]
    path = written(tmp_path / "photos.parquet", [{"image": cell} for cell in cells])
    assert read(path, "photos.parquet", ("image",)).column("image") == [cells[0], tmp_path / "cats/1.png"]


def test_a_column_nobody_asks_for_stays_as_it_is(tmp_path, rows):
    path = written(tmp_path / "photos.csv", [{"text": "a cat", "image": "lost.png", "label": "x"}] * 2)
    assert read(path, "photos.csv").column("image") == ["lost.png"] * 2
    config = DataConfig(train="photos.csv")
    found = splits(config, tmp_path, {"text": "text", "label": "label"})
    assert found.train.column("image") == ["lost.png"] * 2


def test_the_splits_read_the_column_the_task_wants(tmp_path, rows):
    written(tmp_path / "photos.csv", [{"photo": row["image"], "label": row["label"]} for row in rows])
    config = DataConfig(train="photos.csv", validation="photos.csv", image="photo")
    found = splits(config, tmp_path, {"image": "photo", "label": "label"})
    assert found.train.column("photo") == found.validation.column("photo") == [tmp_path / row["image"] for row in rows]


def test_columns_with_media_are_those_of_image_and_audio():
    assert media({"audio": "sound", "label": "label", "image": "image"}) == ("image", "sound")
