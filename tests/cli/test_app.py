"""One light table, one file for each command, and help for people."""

import ast
from importlib import import_module

import pytest

from adapterhub.cli.app import ALIASES, COMMANDS, GROUPS, SECTIONS
from adapterhub.cli.options import EVERYWHERE
from tests.house.sources import PACKAGE, tree

FILES = PACKAGE / "cli" / "commands"
WORDS = [
    *([name] for name in COMMANDS if name not in GROUPS),
    *(["remote", word] for word in ("add", "list", "remove", "test")),
    *(["base", word] for word in ("add", "list", "show", "diff")),
    *(["token", word] for word in ("create", "list", "revoke")),
]
WRONG = ["add", "add ./a", "show a/b --what", "sweep --grace soon", "x", "audit --require good"]


def test_a_row_of_the_table_is_a_file_and_a_file_is_a_row():
    assert {path.stem for path in FILES.glob("*.py")} - {"__init__"} == set(COMMANDS)


def test_no_command_stands_in_two_sections():
    assert sum(map(len, SECTIONS.values())) == len(COMMANDS)


def test_help_lists_every_command_with_its_line(call):
    out = " ".join(call("--help").out.split())
    assert all(f"{name} {line}" in out for name, line in COMMANDS.items())


def test_adapterhub_alone_is_a_question_for_help(call):
    assert call().out == call("--help").out == call("-h").out


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_the_help_of_a_command_has_all_a_person_needs(call, words):
    out = call(*words, "--help").out
    first = out.split("\n\n")[1].strip()
    assert first.endswith(".")
    assert len(words) > 1 or first == COMMANDS[words[0]] or first.startswith(COMMANDS[words[0]])
    assert all(option in out for option in EVERYWHERE)
    assert f"  adapterhub {' '.join(words)}" in out.partition("Examples:")[2]
    assert max(map(len, out.splitlines())) <= 120


@pytest.mark.parametrize("name", GROUPS)
def test_a_group_alone_lists_its_commands(call, name):
    out = call(name).out
    assert COMMANDS[name] in out
    rows = import_module(f"adapterhub.cli.commands.{name}").COMMANDS
    assert "list" in rows
    assert all(f"\n  {word} " in out for word in rows)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_an_alias_is_the_command_and_stays_out_of_the_help(call, alias, name):
    assert call(alias, "--help").out.replace(f"adapterhub {alias}", f"adapterhub {name}") == call(name, "--help").out
    assert f"\n  {alias} " not in call("--help").out


@pytest.mark.parametrize(
    ("words", "meant"), [(["lst"], "list"), (["pul", "ada/a"], "pull"), (["remote", "ad"], "add"), (["chek"], "check")]
)
def test_a_mistyped_command_is_wrong_usage_and_gets_a_guess(call, words, meant):
    err = call(*words, code=2).err
    assert "Did you mean " in err
    assert f"'{meant}'" in err
    assert "--help" in err.splitlines()[-1]


@pytest.mark.parametrize("words", [line.split() for line in WRONG], ids=WRONG)
def test_wrong_usage_shows_the_usage_and_prints_nothing(call, words):
    ran = call(*words, code=2)
    assert "Value error" not in ran.err
    assert ran.err.startswith("Usage: adapterhub")
    assert ran.err.splitlines()[-1] in (f"hint: adapterhub {words[0]} --help", "hint: adapterhub --help")
    assert ran.out == ""


def test_the_version_is_printed(call):
    assert call("--version").out.startswith("adapterhub 0.")


@pytest.mark.parametrize("path", sorted(FILES.glob("*.py")), ids=lambda path: path.stem)
def test_a_command_has_no_logic(path):
    loops = (ast.For, ast.While, ast.Try)
    assert [node for node in ast.walk(tree(path)) if isinstance(node, loops)] == [] or path.stem == "add"
    assert len(path.read_text().splitlines()) <= 75


@pytest.mark.parametrize("words", [["--help"], ["list", "--help"], ["remote", "--help"], ["--version"], ["remote"]])
def test_help_and_version_are_text_also_with_json_and_the_help_says_so(call, words):
    assert call(*words, "--json").out == call(*words).out
    assert "except with --help and --version" in " ".join(call("list", "--help").out.split())
