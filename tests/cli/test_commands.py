"""Every command, typed as a person types it, and read as a person reads it."""

import re
from pathlib import Path

import pytest

from adapterhub.store.index.where import FIELDS, WORDS
from tests.cli.builders import adapter, base


@pytest.fixture
def stocked(call, tmp_path):
    """A store with one adapter that is pinned to its base, and a team's folder to push to."""
    adapter(tmp_path / "poet")
    base(tmp_path / "base")
    call("add", "./poet", "ada/poet", "--base", "./base", "--metric", "accuracy=0.91")
    call("remote", "add", "team", f"file://{tmp_path / 'team'}")
    return call


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_an_empty_store_says_how_to_begin(call):
    ran = call("list")
    assert ran.out == ""
    assert "adapterhub add FOLDER namespace/name" in ran.err


def test_looking_creates_nothing(call, tmp_path):
    for words in (["list"], ["search", "x"], ["check"], ["log"], ["base", "list"], ["remote", "list"]):
        call(*words)
    assert not (tmp_path / "store").exists()


def test_list_shows_what_was_added(stocked):
    heading, row = stocked("list").out.splitlines()
    assert heading.split() == ["REFERENCE", "TYPE", "RANK", "BASE", "ADDED", "DIGEST"]
    assert re.fullmatch(r"ada/poet@1  LORA     2  org/tiny  \d{4}-\d\d-\d\d  [0-9a-f]{12}", row)


def test_scan_shows_and_adds(stocked, tmp_path):
    adapter(tmp_path / "runs" / "a", seed=2)
    adapter(tmp_path / "runs" / "b", seed=2)
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "adapter_config.json").write_text('{"peft_type": "LORA"}')
    found = stocked("scan", "./runs").out
    assert "SAME AS" in found
    assert "cannot-be-added" in found
    assert "ada/a@1" not in found
    added = stocked("scan", "./runs", "--add", "--name", "ada/{folder}").out
    assert "ada/a@1" in added
    assert "cannot-be-added" in added, "what could not be added is not forgotten"
    assert "ada/b@1" in stocked("list").out


def test_names_without_add_are_wrong_usage(call):
    assert "--name means something only with --add" in call("scan", ".", "--name", "ada/{folder}", code=2).err


def test_an_alias_points_and_moves_only_as_expected(stocked):
    assert stocked("alias", "ada/poet", "prod").out == "prod → ada/poet@1\n"
    assert "prod" in stocked("list").out
    assert "means 1, not 7" in stocked("alias", "ada/poet", "prod", "--expect", "7", code=9).err


def test_tags_come_and_go(stocked):
    assert stocked("tag", "ada/poet", "a", "b").out == "ada/poet@1  a, b\n"
    assert stocked("tag", "ada/poet", "--drop", "a").out == "ada/poet@1  b\n"
    assert stocked("tag", "ada/poet", code=2).err.startswith("error: ")


def test_numbers_are_metrics_and_words_are_notes(stocked):
    out = stocked("note", "ada/poet", "bleu=31.5", "reviewer=ada").out
    assert re.findall(r"\w+ +(\S+)$", out, re.M) == ["0.91", "31.5", "ada"]
    assert "ada/poet@1" in stocked("search", "--where", "bleu>30").out


def test_search_says_when_nothing_is_like_that(stocked):
    assert stocked("search", "--where", "accuracy>0.95").err == "nothing is like that\n"


def test_a_base_is_pinned_later(stocked, tmp_path):
    adapter(tmp_path / "chat", seed=2)
    stocked("add", "./chat", "ada/chat")
    assert "by name only" in stocked("show", "ada/chat").out
    assert "pinned by bytes" in stocked("pin", "ada/chat", "--base", "./base").out
    assert "pinned by bytes" in stocked("show", "ada/chat").out


def test_push_sends_once_and_pull_brings_back(stocked):
    first, second = (stocked("push", "ada/poet").out for _ in range(2))
    assert "SENT" in first
    assert not first.endswith(" 0 B\n")
    assert second.endswith(" 0 B\n")
    stocked("remove", "ada/poet")
    assert "ada/poet@1" in stocked("pull", "ada/poet").out
    assert "ada/poet@1" in stocked("list", "--remote", "team").out


def test_remotes_are_named_tried_and_forgotten(stocked):
    stocked("push", "ada/poet")
    assert "file://" in stocked("remote", "list").out
    assert "1 version" in stocked("remote", "test", "team").out
    assert stocked("remote", "remove", "team").out.startswith("forgot team")
    assert "no remote" in stocked("pull", "ada/poet", code=3).err


def test_bases_are_listed_shown_and_compared(stocked, tmp_path):
    base(tmp_path / "tuned", seed=2)
    stocked("base", "add", "./tuned")
    assert {line.split()[0] for line in stocked("base", "list").out.splitlines()} == {"NAME", "base", "tuned"}
    assert "3 with 48 parameters" in stocked("base", "show", "./base").out
    assert stocked("base", "diff", "./base", "./tuned").out.count("other values") == 3


def test_the_audit_says_what_fits_and_leaves_with_6_when_something_does_not(stocked, tmp_path):
    base(tmp_path / "wide", size=8)
    assert re.search(r"ada/poet@1 +base +exact", stocked("audit", "ada/poet", "--base", "./base").out)
    misfit = stocked("audit", "ada/poet", "--base", "./wide", code=6).out
    assert "ada/poet@1 on wide: misfit" in misfit
    assert "8×8" in misfit
    stocked("audit", "./poet", "--base", "./base")
    stocked("audit", "./poet", "--base", "./base", "--require", "exact", code=6)


def test_a_matrix_of_many_pairs_prints_verdicts_and_not_reasons(stocked, tmp_path):
    for number in range(10):
        base(tmp_path / f"b{number}", size=8, seed=number)
    bases = [word for number in range(10) for word in ("--base", f"./b{number}")]
    ran = stocked("audit", "ada/poet", *bases, code=6)
    assert len(ran.out.splitlines()) == 11
    assert "10 pairs have findings" in ran.err


def test_a_merge_is_planned_then_made(stocked, tmp_path):
    adapter(tmp_path / "chat", seed=2, rank=1)
    stocked("add", "./chat", "ada/chat")
    expression = "- ada/poet*0.5 + ada/chat*0.5"
    assert "rank 3; nothing was written" in stocked("merge", expression, "ada/mix", "--dry-run").out
    assert "relative error" in stocked("merge", expression, "ada/mix").out
    assert stocked("show", "ada/mix").out.count("  parent ") == 2


def test_what_is_removed_is_swept_and_the_rest_is_intact(stocked):
    assert stocked("rm", "ada/poet@1").out == "removed ada/poet@1\n"
    assert "wait" in stocked("gc").out
    assert re.match(r"freed \d.* in 3 blobs", stocked("sweep", "--grace", "0").out)
    assert stocked("fsck").out == "intact: 0 blobs\n"


def test_damage_is_named_and_leaves_with_5(stocked, tmp_path):
    blob = max((p for p in (tmp_path / "store" / "blobs").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    blob.chmod(0o644)
    blob.write_bytes(b"x")
    ran = stocked("check", code=5)
    assert f"corrupt-blob  {blob}, needed by ada/poet@1" in ran.out
    assert "adapterhub check --repair" in ran.err


def test_path_and_export_print_where(stocked, tmp_path):
    folder = stocked("path", "ada/poet").out.strip()
    assert names(Path(folder)) == names(tmp_path / "poet")
    assert stocked("export", "ada/poet", "./out").out.splitlines()[0] == "ada/poet@1 → out"
    assert stocked("export", "ada/poet", "./poet/adapter_config.json", code=9).out == ""


def test_the_log_tells_who_did_what(stocked):
    stocked("alias", "ada/poet", "prod")
    rows = [line.split()[2:5] for line in stocked("log").out.splitlines()[1:]]
    assert rows == [["ada", "publish", "ada/poet@1"], ["ada", "alias", "ada/poet@1"]]


def test_the_store_may_be_given_anywhere(call, tmp_path):
    adapter(tmp_path / "poet")
    call("--store", "./other", "add", "./poet", "ada/poet")
    assert "ada/poet@1" in call("list", "--store=other").out
    assert call("list").out == ""


def test_schemas_are_printed_and_written(call, tmp_path):
    assert '"title": "Manifest"' in call("schema", "manifest").out
    assert call("schema", "--folder", "./out").out.count(".schema.json") == len(names(tmp_path / "out"))
    assert "no such document" in call("schema", "poem", code=3).err


def test_the_help_of_search_names_every_field(call):
    said = set(re.findall(r"\w+", call("search", "--help").out))
    assert {*FIELDS, *WORDS} <= said


def test_the_help_offers_nothing_that_is_always_refused(call):
    for words in (["add"], ["pin"], ["base", "add"], ["base", "show"]):
        assert "hf:" not in call(*words, "--help").out


def test_a_merge_of_two_shapes_is_refused_by_its_plan(stocked, tmp_path):
    adapter(tmp_path / "wide", size=8)
    stocked("add", "./wide", "ada/wide")
    assert "different shapes" in stocked("merge", "ada/poet + ada/wide", "ada/mix", "--dry-run", code=6).err
