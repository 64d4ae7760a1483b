"""Files and functions stay small, and public things are documented and typed."""

import ast
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.house.sources import PACKAGE, Function, functions, modules, name, public, python, tree

DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "other"}
COMMANDS = PACKAGE / "cli" / "commands"


def offenders(paths: Iterable[Path], look: Callable[[Path], object]) -> dict[str, object]:
    """What `look` finds wrong, by file."""
    return {name(path): found for path in paths if (found := look(path))}


def lines(path: Path) -> int:
    return len(path.read_text().splitlines())


def test_a_file_has_at_most_300_lines():
    assert offenders(python(), lambda path: max(0, lines(path) - 300)) == {}


def test_half_of_the_files_of_the_package_have_at_most_120_lines():
    counts = sorted(map(lines, modules()))
    assert counts[len(counts) // 2] <= 120


def test_a_function_has_at_most_60_lines():
    def long(path: Path) -> list[str]:
        return [f.name for f in functions(path) if (f.end_lineno or 0) - f.lineno >= 60]

    assert offenders(python(), long) == {}


def test_nine_of_ten_functions_have_at_most_30_lines():
    counts = sorted((f.end_lineno or 0) - f.lineno + 1 for path in modules() for f in functions(path))
    assert counts[len(counts) * 9 // 10] <= 30


def weight(function: Function) -> float:
    """How many parameters a caller must keep in mind; what is given by name is read by its name and weighs half."""
    arguments = function.args
    given = [a for a in (*arguments.posonlyargs, *arguments.args) if a.arg not in ("self", "cls")]
    return len(given) + len(arguments.kwonlyargs) / 2


def test_a_function_takes_at_most_6_parameters():
    # The front door offers a person's options, each by its name; a command is their list.
    doors = ("hub", "composer", "auditor", "trainer")
    paths = [path for path in modules() if COMMANDS not in path.parents and path.stem not in doors]
    assert offenders(paths, lambda path: [f.name for f in functions(path) if weight(f) > 6]) == {}


def test_no_file_is_a_drawer_for_everything():
    assert [name(path) for path in python() if path.stem.lower() in DRAWERS] == []


def untold(path: Path) -> list[str]:
    """Public things without a promise. A method of at most five lines may leave it to its name and types."""
    found = [] if ast.get_docstring(tree(path)) else ["the module"]
    for node in public(path):
        brief = isinstance(node, Function) and (node.body[-1].end_lineno or 0) - node.body[0].lineno < 5
        if not ast.get_docstring(node) and not brief:
            found.append(node.name)
    return found


def test_everything_public_says_what_it_promises():
    assert offenders(modules(), untold) == {}


def test_a_test_is_a_sentence():
    def short(path: Path) -> list[str]:
        tests = [f.name for f in functions(path) if f.name.startswith("test_")]
        return [test for test in tests if test.count("_") < 2]

    assert offenders([path for path in python() if path.name.startswith("test_")], short) == {}


def test_the_init_of_a_package_holds_a_docstring_and_nothing_else():
    inits = [path for path in modules() if path.name == "__init__.py" and path.parent != PACKAGE]
    assert offenders(inits, lambda path: len(tree(path).body) != 1 or not ast.get_docstring(tree(path))) == {}


def test_every_folder_of_tests_is_a_package():
    folders = {path.parent for path in python() if path.name.startswith("test_")}
    assert [name(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
