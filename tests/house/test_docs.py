"""Documentation is tested: what has a name is explained, and what is shown runs."""

import os
import re
import shlex
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from adapterhub import errors
from adapterhub.cli.app import COMMANDS, GROUPS, root
from adapterhub.cli.options import EVERYWHERE, take
from adapterhub.store.index.where import FIELDS, WORDS
from tests.house.sources import ROOT, texts

README = (ROOT / "README.md").read_text()
SERVED = "".join((ROOT / f"docs/{name}.md").read_text() for name in ("server", "serving"))


def words_in_code(text: str) -> set[str]:
    """Every word that stands in `code` or in a code block."""
    code = re.findall(r"```.*?```|`[^`\n]+`", text, re.S)
    return {word for part in code for word in re.findall(r"[\w:/.-]+", part)}


@pytest.mark.parametrize("name", [*COMMANDS, *EVERYWHERE, "make demo", "make test"])
def test_the_readme_names_everything_that_has_a_name(name):
    assert set(name.split()) <= words_in_code(README)


def test_the_readme_names_every_field_of_a_condition():
    assert {*FIELDS, *WORDS} <= words_in_code(README.partition("## Searching")[2].partition("\n## ")[0])


def test_the_readme_explains_every_exit_code():
    said = re.sub(r"\s+", " ", README).partition("Exit codes:")[2].partition(".")[0]
    codes = {getattr(errors, name).code for name in errors.__all__}
    assert {int(code) for code in re.findall(r"\b(\d+) [a-z]", said)} == {0, *codes}


def commands_of(text: str) -> list[list[str]]:
    """Every command line in the code blocks of a text, in sh blocks bare and in others behind a $."""
    lines = []
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.S | re.M):
        for line in block.splitlines():
            bare = line.removeprefix("$ ") if language != "sh" else line
            if bare.startswith("adapterhub ") and (language == "sh" or line != bare):
                lines.append(shlex.split(bare, comments=True)[1:])
    return lines


def parse(words: list[str]) -> None:
    """Read a command line as far as its function, which is not called."""
    _, rest = take(words)
    command, ctx = root(), None
    while isinstance(command, TyperGroup):
        ctx = command.make_context(rest[0], list(rest), parent=ctx)
        _, command, rest = command.resolve_command(ctx, [*ctx._protected_args, *ctx.args])
    command.make_context(command.name, list(rest), parent=ctx)


@pytest.mark.parametrize("words", commands_of(README) + commands_of(SERVED), ids=" ".join)
def test_a_command_line_of_the_readme_and_of_the_pages_about_servers_can_be_typed(words):
    parse(words)


def examples() -> list[list[str]]:
    """The examples in the help of every command."""
    modules = {name: import_module(f"adapterhub.cli.commands.{name}") for name in COMMANDS}
    alone = [line for name, module in modules.items() if name not in GROUPS for line in module.EXAMPLES]
    grouped = [line for name in GROUPS for _, lines in modules[name].COMMANDS.values() for line in lines]
    return [shlex.split(line)[1:] for line in (*alone, *grouped) if line.startswith("adapterhub ")]


@pytest.mark.parametrize("words", examples(), ids=" ".join)
def test_an_example_of_the_help_can_be_typed(words):
    parse(words)


def test_a_line_that_cannot_be_typed_is_caught():
    with pytest.raises(typer.TyperException, match="--bass"):
        parse(["add", "./a", "ada/a", "--bass", "./b"])


def test_the_quickstart_runs(tmp_path):
    (tmp_path / "registry").symlink_to(ROOT / "registry")
    block = next(block for block in re.findall(r"^```sh\n(.*?)^```", README, re.S | re.M) if "adapterhub pull" in block)
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "ADAPTERHUB_HOME": str(tmp_path / "store"), "PATH": beside}
    done = subprocess.run(
        ["bash", "-euxo", "pipefail", "-c", block],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"ada/mix@1 .* 0 B$", done.stdout, re.M), "the second push sends nothing"


@pytest.mark.parametrize("path", [p for p in texts() if p.suffix == ".md"], ids=lambda p: p.name)
def test_links_to_files_lead_somewhere(path):
    targets = re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text())
    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_groups_are_commands():
    assert set(GROUPS) <= set(COMMANDS)


def test_the_changelog_begins_with_what_is_new():
    assert re.search(r"^## ", (ROOT / "CHANGELOG.md").read_text(), re.M)


def test_every_target_of_the_makefile_that_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`make ([a-z]+)`", README)) <= targets


def test_the_makefile_parses():
    done = subprocess.run(["make", "help"], capture_output=True, text=True, cwd=ROOT, check=True)
    assert {"demo", "test", "check", "fix", "schemas", "bench"} <= set(done.stdout.split())
