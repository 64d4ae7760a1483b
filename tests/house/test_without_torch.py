"""Registries and audits work where torch cannot be imported."""

import subprocess
import sys

import pytest

from tests.cli.builders import CommandLine, adapter, base
from tests.house.sources import ROOT

BLOCK = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "transformers", "peft"):
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)

sys.meta_path.insert(0, Absent())
"""


@pytest.fixture
def run(tmp_path):
    line = CommandLine(tmp_path / "store", tmp_path)
    adapter(tmp_path / "poet")
    base(tmp_path / "base")
    return lambda *words, **more: line(*words, prelude=BLOCK, **more)


def test_the_block_works():
    done = subprocess.run(
        [sys.executable, "-c", f"{BLOCK}\nimport torch"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert "torch is not installed here" in done.stderr


def test_a_walk_through_the_registry_without_torch(run, tmp_path):
    digest = run("add", "./poet", "ada/poet", "--base", "./base", "--json").json["digest"]
    assert run("show", "ada/poet", "--json").json["facts"]["rank"] == 2
    assert run("show", "./poet", "--json").json["facts"]["alpha"] == 4
    assert len(run("scan", ".", "--json").json) == 1
    run("remote", "add", "team", f"file://{tmp_path / 'team'}")
    run("push", "ada/poet")
    run("remove", "ada/poet@1")
    assert run("pull", "ada/poet", "--json").json[0]["digest"] == digest
    assert run("search", "--where", "rank>=2", "--json").json[0]["digest"] == digest
    run("export", "ada/poet", "./out")
    assert (tmp_path / "out" / "adapter_model.safetensors").read_bytes() == (
        tmp_path / "poet" / "adapter_model.safetensors"
    ).read_bytes()
    run("export", "ada/poet", "./named", "--base-name", "org/other")
    assert run("show", "./named", "--json").json["facts"]["base_name"] == "org/other"
    assert run("check", "--json").json["ok"]


def test_an_audit_without_torch(run):
    (report,) = run("audit", "./poet", "--base", "./base", "--json").json
    assert (report["verdict"], report["matched"]) == ("unpinned", 2)


def test_what_needs_torch_says_so(run):
    run("add", "./poet", "ada/poet")
    refused = run("merge", "ada/poet*0.5 + ada/poet*0.5", "ada/both", code=7)
    assert refused.code == 7
    assert "error: this needs torch" in refused.err
    assert "hint: pip install torch" in refused.err
    assert [row["reference"] for row in run("list", "--json").json] == ["ada/poet@1"]
