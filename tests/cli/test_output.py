"""JSON: one document, every promised field, whatever the terminal speaks."""

import json
import os

import pytest

from adapterhub.cli.output import plain, print_findings, print_json
from adapterhub.finding import Finding
from tests.cli.builders import adapter, base

PROMISED = {"reference", "digest", "manifest", "facts", "metrics", "tags", "cost", "findings"}


@pytest.fixture
def stocked(call, tmp_path):
    """A store with one adapter."""
    adapter(tmp_path / "poet")
    base(tmp_path / "base")
    call("add", "./poet", "ada/poet")
    return call


@pytest.mark.parametrize("words", [["show", "ada/poet"], ["show", "./poet"], ["add", "./poet", "ada/poet"]])
def test_what_is_promised_is_there_also_where_it_is_empty(stocked, words):
    shown = json.loads(stocked(*words, "--json").out)
    assert set(shown) >= PROMISED
    assert (shown["metrics"], shown["tags"], shown["findings"]) == ({}, [], [])
    assert set(shown["manifest"]) >= {"kind", "files", "base", "parents", "recipe", "training"}
    assert set(shown["facts"]) >= {"format", "type", "rank", "alpha", "targets", "dtype", "base_name"}


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (["list"], {"reference", "digest", "facts"}),
        (["search", "poet"], {"reference", "digest", "facts"}),
        (["scan", "."], {"path", "digest", "facts", "health", "duplicates"}),
        (["log"], {"time", "action", "reference", "digest", "by"}),
        (["audit", "./poet", "--base", "./base"],
         {"adapter", "digest", "base", "verdict", "evidence", "matched", "missing", "drifted", "mismatched",
          "unexpected", "findings"}),
        (["remove", "ada/poet"], {"reference", "digest"}),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)  # fmt: skip
def test_a_list_is_a_list_of_documents(stocked, words, fields):
    (row,) = json.loads(stocked(*words, "--json").out)
    assert set(row) >= fields


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (["check"], {"ok", "damage"}),
        (["sweep"], {"deleted", "freed"}),
        (["alias", "ada/poet", "prod"], {"alias", "reference", "digest"}),
        (["tag", "ada/poet", "x"], PROMISED),
        (["note", "ada/poet", "a=b"], PROMISED),
        (["base", "add", "./base"], {"name", "source", "layout_digest", "weights_digest"}),
        (["base", "show", "./base"], {"name", "source", "layout_digest", "weights_digest"}),
        (["path", "ada/poet"], {"reference", "path"}),
        (["export", "ada/poet", "./out"], {"reference", "digest", "folder", "files"}),
        (["remote", "add", "team", "file:///srv/team"], {"name", "url"}),
        (["catalog"], {"path"}),
        (["schema"], {"manifest", "facts"}),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, list) else "",
)
def test_one_thing_is_one_document(stocked, words, fields):
    assert set(json.loads(stocked(*words, "--json").out)) >= fields


def test_an_empty_list_is_a_document_too(call):
    assert json.loads(call("list", "--json").out) == []


def test_what_is_left_out_is_said_beside_the_document(call, tmp_path):
    adapter(tmp_path / "poet")
    (tmp_path / "poet" / "training_args.bin").write_bytes(b"\x80\x04.")
    ran = call("add", "./poet", "ada/poet", "--json")
    assert "left out training_args.bin: " in ran.err
    assert json.loads(ran.out)["left_out"][0]["path"] == "training_args.bin"


def test_json_is_utf8_whatever_the_terminal_speaks(run, tmp_path):
    adapter(tmp_path / "poet", base_model_name_or_path="org/模型")
    run("add", "./poet", "ada/poet")
    assert run("list", "--json", PYTHONIOENCODING="ascii", LC_ALL="C").json[0]["facts"]["base_name"] == "org/模型"
    assert "org/" in run("list", PYTHONIOENCODING="ascii").out


def test_a_file_name_that_is_no_text_is_still_shown(run, tmp_path):
    adapter(tmp_path / "poet")
    (tmp_path / "poet").rename(tmp_path / os.fsdecode(b"po\xe9t"))
    assert run("scan", ".", "--json").json[0]["facts"]["rank"] == 2
    assert "LORA" in run("scan", ".").out


def test_a_message_that_names_its_place_is_not_told_it_twice(capsys):
    told = [Finding(check="c", severity="info", place="x.npy", message=text) for text in ("x.npy: cut", "cut")]
    print_findings(told)
    assert capsys.readouterr().out == "info  x.npy: cut [c]\n" * 2


def test_a_list_is_written_row_by_row_and_is_one_document(capsys):
    rows = [Finding(check="one", severity="info"), Finding(check="two", severity="error", place="é\n"), {"n": []}]
    print_json(rows)
    out = capsys.readouterr().out
    assert json.loads(out) == plain(rows)
    assert out == json.dumps(plain(rows), indent=2, ensure_ascii=False) + "\n"
    print_json([])
    assert capsys.readouterr().out == "[]\n"


def test_what_a_terminal_would_obey_or_turn_round_for_is_written_as_its_code(capsys):
    said = {"a\x9b2J\x7f": "\u202etxt \U000e0001 \x1b[2J", "kept": "ünï 漢字 😀\n"}
    for value in (said, Finding(check="c", severity="info", place="p", message=said["a\x9b2J\x7f"])):
        print_json(value)
        out = capsys.readouterr().out
        assert all(letter == "\n" or letter.isprintable() for letter in out)
        assert json.loads(out) == plain(value)
        if value is said:
            assert "ünï 漢字 😀" in out
