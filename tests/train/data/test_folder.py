import shutil

import pytest

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.train.data.read import read
from tests.train.data.builders import picture, text


@pytest.fixture
def photos(tmp_path):
    for name, shade in (("dog/2.png", 3), ("dog/10.PNG", 4), ("cat/1.png", 1)):
        picture(tmp_path / "photos" / name, shade)
    text(tmp_path / "photos" / "dog" / ".DS_Store", "x")
    text(tmp_path / "photos" / "README.txt", "x")
    (tmp_path / "photos" / ".cache").mkdir()
    return tmp_path / "photos"


def test_a_folder_for_each_label_is_a_table_sorted_by_label_and_name(photos):
    table = read(photos, "photos/")
    assert table.columns == ("image", "label")
    assert table.column("label") == ["cat", "dog", "dog"]
    assert table.column("image") == [photos / "cat/1.png", photos / "dog/10.PNG", photos / "dog/2.png"]
    assert table.place(1) == "photos/dog/10.PNG"


def test_the_digest_of_a_folder_is_that_of_its_files_wherever_it_lies(photos, tmp_path):
    first = read(photos, "photos")
    copy = read(shutil.copytree(photos, tmp_path / "elsewhere"), "elsewhere")
    assert (copy.digest, copy.rows_digest) == (first.digest, first.rows_digest)
    picture(tmp_path / "elsewhere" / "cat" / "1.png", 200)
    changed = read(tmp_path / "elsewhere", "elsewhere")
    assert changed.digest != first.digest
    assert changed.rows_digest != first.rows_digest


def test_sounds_are_in_a_column_of_their_own(tmp_path):
    for label in ("bark", "meow"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "a.wav").write_bytes(label.encode())
    assert read(tmp_path, "sounds").columns == ("audio", "label")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.csv", "file_name,label,note\na.png,x,one\nsub/b.png,y,two\n"),
        ("metadata.jsonl", '{"file_name": "a.png", "label": "x"}\n{"file_name": "sub/b.png", "label": "y"}\n'),
    ],
)
def test_metadata_says_what_the_rows_are(tmp_path, name, content):
    picture(tmp_path / "a.png", 1), picture(tmp_path / "sub" / "b.png", 2)
    text(tmp_path / name, content)
    table = read(tmp_path, "photos")
    assert table.columns[:2] == ("image", "label")
    assert table.column("image") == [tmp_path / "a.png", tmp_path / "sub" / "b.png"]
    assert "file_name" not in table.rows[0]
    assert table.place(1).startswith(f"photos/{name}, line ")


@pytest.mark.parametrize("name", ["b.png", "../a.png", "/etc/hosts"])
def test_metadata_names_files_in_its_folder_only(tmp_path, name):
    picture(tmp_path / "a.png", 1), picture(tmp_path / "in" / "a.png", 1)
    text(tmp_path / "in" / "metadata.csv", f"file_name,label\na.png,x\n{name},y\n")
    with pytest.raises(NotFound, match=f"in/metadata.csv, line 3: no file '{name}'"):
        read(tmp_path / "in", "in")


def test_metadata_without_names_of_files_is_told(tmp_path):
    text(tmp_path / "metadata.csv", "file,label\na.png,x\n")
    with pytest.raises(WrongUsage, match=r"photos/metadata.csv has no column 'file_name'; it has file, label"):
        read(tmp_path, "photos")


def test_a_folder_with_nothing_in_it_is_told(tmp_path):
    with pytest.raises(WrongUsage, match="empty: no folder with pictures or sounds"):
        read(tmp_path, "empty")


def test_pictures_without_labels_are_told(tmp_path):
    picture(tmp_path / "a.png", 1)
    with pytest.raises(WrongUsage, match="photos: 1 files, and no folder for each label"):
        read(tmp_path, "photos")


def test_a_label_without_pictures_is_told(photos):
    (photos / "eel").mkdir()
    with pytest.raises(WrongUsage, match="photos/eel: no pictures or sounds"):
        read(photos, "photos")


def test_pictures_and_sounds_together_are_told(photos):
    text(photos / "cat" / "purr.wav", "x")
    with pytest.raises(WrongUsage, match=r"got purr.wav \(audio\), 1.png \(image\)"):
        read(photos, "photos")
