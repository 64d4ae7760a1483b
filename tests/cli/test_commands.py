"""Every command, typed as a person types it, and read as a person reads it."""

import json
import re
from pathlib import Path

import pytest

from adapterhub.store.index.where import FIELDS, WORDS
from adapterhub.store.store import Store
from tests.builders import POET, entry_of
from tests.cli.builders import adapter, base, safetensors


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
    ran = stocked("scan", "./runs", "--add", "--name", "ada/{folder}", code=3)
    assert "ada/a@1" in ran.out
    assert "cannot-be-added" in ran.out, "what could not be added is not forgotten"
    assert ran.err == "2 added, 1 not: 1 incomplete; their findings say why\n"
    assert "ada/b@1" in stocked("list").out
    again = stocked("scan", "./runs/a", "./runs/b", "--add", "--json")
    assert [row["reference"] for row in again.json] == ["ada/b@1", "ada/b@1"]
    assert again.err == "0 added, 2 in the store already, 0 not\n"


def test_a_scan_shows_paths_below_the_folder_that_was_scanned(call, tmp_path):
    for name in ("one", "two", "three"):
        adapter(tmp_path / "runs" / "deep" / name)
    rows = [line.split() for line in call("scan", tmp_path / "runs").out.splitlines()[1:]]
    assert [row[0] for row in rows] == ["deep/one", "deep/three", "deep/two"]
    assert [row[-2:] for row in rows] == [["deep/three", "+1"], ["deep/one", "+1"], ["deep/one", "+1"]]
    assert call("scan", "./runs/deep/one").out.splitlines()[1].split()[0] == "runs/deep/one"
    assert call("scan", "./runs/deep/one", "./runs/deep/two").out.splitlines()[1].split()[0] == "runs/deep/one"


@pytest.mark.parametrize("template", ["ada/{folder:>9999999999}", "ada/{run}", "", "team:ada/{folder}", "{folder}"])
def test_a_template_is_checked_before_anything_is_read(call, tmp_path, template):
    adapter(tmp_path / "runs" / "a")
    code = 2 if "ada/{" in template and not template.startswith("team") else 4
    ran = call("scan", "./nowhere", "--add", "--name", template, code=code)
    assert "the template" in ran.err
    assert "{folder}, {parent}, {grandparent}" in ran.err


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
    long = stocked("note", "ada/poet", "accuracy_of_the_second_run=1").out
    assert re.findall(r"^  (\w+) +\S+$", long, re.M) == ["accuracy", "accuracy_of_the_second_run", "bleu", "reviewer"]


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
    told = stocked("base", "diff", "./base", "./tuned").out
    assert re.search(r"layers.0.k_proj.weight +1 +\d.*\d$", told, re.M)
    assert "base and tuned share 0 tensors" in told


def test_the_audit_says_what_fits_and_leaves_with_6_when_something_does_not(stocked, tmp_path):
    base(tmp_path / "wide", size=8)
    assert stocked("audit", "ada/poet", "--base", "./base").out.startswith("ada/poet@1 on base: exact\n")
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
    planned = stocked("merge", expression, "ada/mix", "--dry-run").out
    assert "rank 3, 192 B at most; nothing was written" in planned
    assert "exact but for one rounding" in planned
    assert "relative error" in stocked("merge", expression, "ada/mix").out
    assert "[name-taken]" in stocked("merge", expression, "ada/chat@1", "--dry-run").out
    stocked("merge", expression, "mix", "--dry-run", code=4)
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


def test_an_export_in_normal_form_says_what_became_otherwise(call, tmp_path):
    config = {"fine_tune_type": "lora", "lora_parameters": {"rank": 2, "scale": 3.0}}
    names = ("model.layers.0.self_attn.q_proj.lora_a", "model.layers.0.self_attn.q_proj.lora_b")
    (tmp_path / "mlx").mkdir()
    (tmp_path / "mlx" / "adapter_config.json").write_text(json.dumps(config))
    tensors = {name: (shape, bytes([0x3C]) * 32) for name, shape in zip(names, ((4, 2), (2, 4)), strict=True)}
    (tmp_path / "mlx" / "adapters.safetensors").write_bytes(safetensors(tensors))
    ran = call("export", "./mlx", "./out", "--format", "peft", "--base-name", "org/tiny")
    assert ran.out.splitlines()[:3] == ["./mlx → out", "  adapter_config.json", "  adapter_model.safetensors"]
    assert "info  adapter_config.json: LORA of the format mlx is written as LORA of PEFT, of rank 2" in ran.out
    assert json.loads(call("show", "./out", "--json").out)["facts"]["base_name"] == "org/tiny"
    assert "got 'kohya', and only peft" in call("export", "./mlx", "./more", "--format", "kohya", code=2).err
    assert "base_name: got an empty name" in call("export", "./out", "./more", "--base-name", "", code=2).err
    assert call("export", "./out", "./more", "--normal-form").code == 0


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
    for words in (["fuse"], ["extract"]):
        assert "hf:" not in call(*words, "--help").out


def test_a_merge_of_two_shapes_is_refused_by_its_plan(stocked, tmp_path):
    adapter(tmp_path / "wide", size=8)
    stocked("add", "./wide", "ada/wide")
    assert "different shapes" in stocked("merge", "ada/poet + ada/wide", "ada/mix", "--dry-run", code=6).err


def test_a_minus_without_its_space_is_explained(stocked):
    for words in (["-ada/poet"], ["--", "-ada/poet"], ["ada/poet -ada/poet*0.5"], ["-ada/poet*0.5 + ada/poet"]):
        err = stocked("merge", *words, "ada/mix", code=None).err
        assert "no space after" in err
        assert "hint: write '- ada/poet" in err


@pytest.mark.parametrize("license", ["MIT\nApache-2.0", "\x1b[2J", "MIT\t"])
def test_a_licence_is_one_line_of_printable_text(call, tmp_path, license):
    adapter(tmp_path / "poet")
    assert "one line of printable text" in call("add", "./poet", "ada/poet", "--license", license, code=2).err
    assert call("list").out == ""


def test_a_text_noted_after_a_number_replaces_it(stocked):
    assert "accuracy    good\n" in stocked("note", "ada/poet", "accuracy=good").out
    assert "0.91" not in stocked("show", "ada/poet").out


def test_broken_settings_name_the_file_and_what_to_do(call, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "settings.json").write_text("{")
    err = call("remote", "list", code=5).err
    assert err.count(f"{tmp_path}/store/settings.json") == 2
    assert "Value error" not in err


def test_an_entry_of_no_known_format_is_shown_with_the_reason(call, tmp_path):
    Store(tmp_path / "store").publish(entry_of({"weights.xyz": b"1"}), POET)
    assert "no known format" in call("show", "ada/poet").out
    call("export", "ada/poet", "./out")
    assert (tmp_path / "out" / "weights.xyz").read_bytes() == b"1"
