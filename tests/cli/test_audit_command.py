"""`audit` and the commands that ask it, as they are typed."""

import pytest

from tests.cli.builders import CommandLine, adapter, base


@pytest.fixture
def call(tmp_path) -> CommandLine:
    """A store with an adapter that is pinned to one of two known bases, and one that is pinned to none."""
    run = CommandLine(tmp_path / "store", tmp_path)
    base(tmp_path / "base")
    base(tmp_path / "wide", size=8)
    run("add", adapter(tmp_path / "poet"), "ada/poet", "--base", "./base")
    run("add", adapter(tmp_path / "chat", rank=20, size=40, seed=2), "ada/chat")
    run("base", "add", "./wide")
    return run


def test_the_whole_store_is_a_matrix_and_what_fits_nowhere_is_named(call):
    ran = call("audit", code=6)
    assert [line.split() for line in ran.out.splitlines()[:3]] == [
        ["base", "wide"],
        ["ada/chat@1", "misfit", "misfit"],
        ["ada/poet@1", "exact", "misfit"],
    ]
    assert "fits none of these bases: ada/chat@1\n" in ran.err


def test_without_bases_one_that_is_good_enough_is_enough(call):
    call("audit", "ada/poet", "--require", "exact")
    call("audit", "ada/chat", code=6)
    call("audit", "ada/poet", "--base", "./base", "--base", "./wide", code=6)
    call("audit", "--require", "misfit")


def test_json_has_all_that_is_promised_of_every_pair(call):
    reports = call("audit", "--json", code=6).json
    assert len(reports) == 4
    promised = "adapter digest base verdict evidence matched missing drifted mismatched unexpected findings"
    assert all(set(promised.split()) <= report.keys() for report in reports)
    (shape,) = (found for found in reports[3]["findings"] if found["check"] == "shape")
    assert shape.keys() == {"check", "severity", "place", "message", "remedy"}


def test_the_page_is_written_beside_what_is_printed(call, tmp_path):
    ran = call("audit", "ada/poet", "--html", "page.html", "--json")
    assert ran.err == "page.html: written\n"
    assert ran.json[0]["verdict"] == "exact"
    assert "ada/poet@1" in (tmp_path / "page.html").read_text()


def test_an_engine_alone_is_asked(call):
    told = call("audit", "ada/chat", "--engine", "vllm", code=6).out
    assert "  warning  vLLM: refuses a rank above 16" in told
    assert "SGLang" not in told
    assert "llama.cpp" in call("audit", "ada/chat", "--engine", "vlm", code=2).err


def test_add_refuses_a_base_it_does_not_fit_unless_it_is_named(call):
    refused = call("add", "./chat", "ada/pinned", "--base", "./base", code=6)
    assert "misfit=True (--misfit) allows it" in refused.err
    call("add", "./chat", "ada/pinned", "--base", "./base", "--misfit")


def test_pull_says_what_came_fits_and_can_be_told_what_is_wanted(call, tmp_path):
    call("remote", "add", "team", f"file://{tmp_path / 'team'}")
    call("push", "ada/poet")
    other = CommandLine(tmp_path / "other", tmp_path)
    other("remote", "add", "team", f"file://{tmp_path / 'team'}")
    assert "ada/poet@1 is a misfit on wide" in other("pull", "ada/poet", "--base", "./wide", code=6).err
    assert other("list", "--json").json == []
    ran = other("pull", "ada/poet", "--base", "./base", "--require", "exact")
    assert ran.err.startswith("ada/poet@1 fits ")
    assert "(exact)" in ran.err


def test_merge_refuses_what_has_no_base_in_common_unless_it_is_named(call, tmp_path):
    folder = adapter(tmp_path / "far", seed=3)
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes().replace(b"layers.0", b"blocks.0"))
    call("add", "./far", "ada/far")
    assert "ada/far@1 is a misfit on base" in call("merge", "ada/poet + ada/far", "ada/both", "--dry-run", code=6).err
    call("merge", "ada/poet + ada/far", "ada/both", "--dry-run", "--misfit")
