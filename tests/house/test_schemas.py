"""schemas/ is exported, never edited."""

import json

import pytest

from adapterhub import schemas
from adapterhub.errors import NotFound
from tests.house.sources import ROOT

FOLDER = ROOT / "schemas"


@pytest.mark.parametrize("name", schemas.DOCUMENTS)
def test_a_schema_is_fresh(name):
    assert (FOLDER / f"{name}.schema.json").read_text() == schemas.text(name), "make schemas"


def test_there_is_a_file_for_each_document_and_no_other():
    assert {path.name for path in FOLDER.iterdir()} == {f"{name}.schema.json" for name in schemas.DOCUMENTS}


@pytest.mark.parametrize("name", schemas.DOCUMENTS)
def test_a_schema_says_what_the_document_is(name):
    assert schemas.schema(name)["description"]


def test_writing_gives_the_same_files(tmp_path):
    written = schemas.write(tmp_path / "new")
    assert [path.read_text() for path in written] == [schemas.text(name) for name in schemas.DOCUMENTS]


def test_an_unknown_document_is_not_found():
    with pytest.raises(NotFound, match="poem: no such document") as error:
        schemas.schema("poem")
    assert "manifest" in error.value.hint


def test_the_schema_of_a_manifest_takes_a_manifest():
    schema = json.loads(schemas.text("manifest"))
    assert set(schema["required"]) == {"kind"}
    assert set(schema["properties"]) == {"kind", "files", "base", "parents", "recipe", "training"}
