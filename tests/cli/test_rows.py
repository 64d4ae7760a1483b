"""Lists of entries, as people and programs read them."""

import json

import pytest

from adapterhub.reference import parse
from adapterhub.store.store import Store
from tests.cli.builders import CommandLine, adapter


@pytest.fixture
def run(tmp_path):
    """A store of three adapters: one whose version, and one whose manifest cannot be read."""
    run = CommandLine(tmp_path / "store", tmp_path)
    for name in ("poet", "rotten", "torn"):
        run("add", adapter(tmp_path / name, rank=len(name)), f"ada/{name}")
    store = Store(tmp_path / "store")
    store.layout.blob(store.resolve(parse("ada/rotten")).digest).unlink()
    (store.root / "names/ada/torn/versions/1").write_bytes(b"rot")
    return run


@pytest.mark.parametrize("words", [["list"], ["search"], ["search", "ada"]])
def test_what_cannot_be_read_has_a_row_with_the_reason(run, words):
    done = run(*words)
    head, poet, rotten, torn = done.out.splitlines()
    assert head.endswith("UNREADABLE")
    assert poet.startswith("ada/poet@1")
    assert "is missing" in rotten
    assert torn.startswith("ada/torn@1")
    assert "not a version's file" in torn
    assert done.err == "2 versions cannot be read: `adapterhub check` says more\n"


def test_programs_read_the_whole_reason(run):
    rows = {row["reference"]: row["unreadable"] for row in json.loads(run("list", "--json").out)}
    assert rows["ada/poet@1"] == ""
    assert rows["ada/torn@1"].partition(": ")[2].startswith("not a version's file")
    found = {row["reference"]: row.get("unreadable", "") for row in json.loads(run("search", "--json").out)}
    assert found == rows


def test_where_all_can_be_read_nothing_is_said(tmp_path):
    run = CommandLine(tmp_path / "store", tmp_path)
    run("add", adapter(tmp_path / "poet"), "ada/poet")
    for word in ("list", "search"):
        done = run(word)
        assert "UNREADABLE" not in done.out
        assert done.err == ""


def test_bytes_that_are_no_text_are_wrong_words_to_search_for(run):
    assert "cannot search for" in run("search", "\udcff", code=2).err
    assert "cannot search for" in run("search", "--where", "tag=\udcff", code=2).err


def test_a_misspelt_metric_is_named_with_what_it_may_have_been(run):
    run("note", "ada/poet", "accuracy=0.9")
    done = run("search", "--where", "acuracy>0.5", code=2)
    assert "acuracy" in done.err
    assert "did you mean accuracy?" in done.err
