"""Cheap to start, proven by lists and not by a stopwatch."""

import subprocess
import sys

import pytest

from tests.cli.builders import CommandLine, adapter, base
from tests.house.sources import ROOT

HEAVY = {
    "torch", "transformers", "peft", "safetensors", "numpy", "sqlmodel", "sqlalchemy", "huggingface_hub", "httpx2",
    "httpx", "rich", "yaml", "matplotlib", "sklearn", "pandas", "obstore", "fastapi", "pygments",
}  # fmt: skip
WATCHED = HEAVY | {"pydantic", "platformdirs", "typer"}
REPORT = f"""
import atexit, sys
atexit.register(lambda: print("LOADED", *sorted({WATCHED!r} & set(sys.modules)), file=sys.stderr))
"""


def loaded(text: str) -> set[str]:
    """What a script that ends with REPORT's line had loaded."""
    return set(text.strip().splitlines()[-1].removeprefix("LOADED").split())


def after(script: str) -> set[str]:
    """What is loaded when a script has run."""
    words = [sys.executable, "-c", f"{REPORT}\n{script}"]
    return loaded(subprocess.run(words, capture_output=True, text=True, check=True, cwd=ROOT).stderr)


def test_importing_the_package_loads_nothing_at_all():
    assert after("import adapterhub") == set()


def test_the_documents_need_pydantic_and_nothing_else():
    assert after("from adapterhub import Entry, Facts, Manifest, Note, Registry") == {"pydantic"}


@pytest.fixture
def store(tmp_path):
    run = CommandLine(tmp_path / "store", tmp_path)
    run("add", adapter(tmp_path / "poet"), "ada/poet")
    return run


@pytest.mark.parametrize("words", [["--help"], ["add", "--help"], ["remote", "--help"], ["--version"]])
def test_help_loads_typer_and_nothing_else(tmp_path, words):
    err = CommandLine(tmp_path / "store", tmp_path)(*words, prelude=REPORT).err
    assert loaded(err) - {"typer"} <= ({"pydantic"} if words != ["--help"] else set())


def test_a_wrong_word_loads_no_more_than_help_does(tmp_path):
    err = CommandLine(tmp_path / "store", tmp_path)("lsit", prelude=REPORT, code=2).err
    assert loaded(err) <= {"typer", "pydantic"}


LIGHT = {
    "list": ["list"],
    "show": ["show", "ada/poet"],
    "show a folder": ["show", "./poet"],
    "add": ["add", "./poet", "ada/again"],
    "scan": ["scan", "."],
    "path": ["path", "ada/poet"],
    "export": ["export", "ada/poet", "./out"],
    "log": ["log"],
    "tag": ["tag", "ada/poet", "seen"],
    "alias": ["alias", "ada/poet", "prod"],
    "check": ["check"],
    "remote list": ["remote", "list"],
    "base list": ["base", "list"],
}


@pytest.mark.parametrize("words", LIGHT.values(), ids=LIGHT)
def test_looking_and_adding_load_nothing_heavy(store, words):
    assert loaded(store(*words, prelude=REPORT).err) & HEAVY == set()


def test_push_and_pull_between_folders_load_nothing_heavy(store, tmp_path):
    store("remote", "add", "team", f"file://{tmp_path / 'team'}")
    assert loaded(store("push", "ada/poet", prelude=REPORT).err) & HEAVY == set()
    other = CommandLine(tmp_path / "other", tmp_path)
    other("remote", "add", "team", f"file://{tmp_path / 'team'}")
    assert loaded(other("pull", "ada/poet", prelude=REPORT).err) & HEAVY == set()


def test_showing_loads_no_more_than_showing_needs(store):
    unneeded = {"concurrent.futures", "adapterhub.store.session", "adapterhub.store.index", "adapterhub.store.check"}
    report = REPORT.replace(repr(WATCHED), repr(unneeded))
    assert loaded(store("show", "ada/poet", prelude=report).err) == set()


def test_no_plugin_of_another_package_is_looked_for(store):
    watch = "import importlib.metadata as m, sys\nm.entry_points = lambda **group: print(group, file=sys.stderr) or ()"
    assert store("show", "ada/poet", prelude=watch).err == ""


def test_an_audit_of_two_folders_loads_nothing_heavy(store, tmp_path):
    base(tmp_path / "base")
    assert loaded(store("audit", "./poet", "--base", "./base", prelude=REPORT).err) & HEAVY == set()


def test_the_matrix_loads_its_database_and_not_torch(store, tmp_path):
    store("base", "add", base(tmp_path / "base"))
    assert loaded(store("audit", prelude=REPORT).err) & HEAVY <= {"sqlmodel", "sqlalchemy"}


def test_search_loads_its_database_and_not_torch(store):
    assert loaded(store("search", "poet", prelude=REPORT).err) & HEAVY <= {"sqlmodel", "sqlalchemy"}
