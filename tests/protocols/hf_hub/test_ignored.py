"""What a .gitignore keeps out is what git says it does."""

import subprocess
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapterhub.errors import WrongUsage
from adapterhub.protocols.hf_hub.ignored import Ignored

PATHS = (
    "a", "b", "ab", "a.log", ".env", "a/b", "a/b.log", "a/b/a", "a/b/ab", "b/a/b.log", "b/.env", "a b", "a ", "[a]",
    "a*b", "#a", "!a", "a-b", "a\\b", "b/a/a/b", "run/1/out.txt", "ä", "B",
)  # fmt: skip


@pytest.fixture(scope="module")
def git(tmp_path_factory: pytest.TempPathFactory):
    """What git keeps out of these paths."""
    folder = tmp_path_factory.mktemp("git")
    subprocess.run(["git", "init", "-q", folder], check=True)

    def ask(text: str, paths: tuple[str, ...]) -> set[str]:
        (folder / ".gitignore").write_bytes(text.encode())
        words = ["git", "-c", "core.excludesFile=/dev/null", "check-ignore", "--no-index", "--stdin", "-z"]
        told, alone = "\0".join(paths).encode(), {"HOME": str(folder)}
        said = subprocess.run(words, cwd=folder, input=told, capture_output=True, env=alone, check=False)
        assert said.returncode in (0, 1), said.stderr
        return set(said.stdout.decode().split("\0")) - {""}

    return ask


def ours(text: str) -> set[str]:
    ignored = Ignored.of(text)
    return {path for path in PATHS if ignored.has(path)}


RULES = (
    "", "# a\n\n", "a", "/a", "a/", "a/b", "/a/b", "*.log", "*", "*\n!a", "*\n!a\n!a/b", "a/*\n!a/b", "**", "**/b",
    "a/**", "a/**/b", "**/a/b", "/**", "**/", "a/**/", "b/**/b", "[ab]", "[!a]", "[^a]b", "[a-b]*", "[]a]", "[a", "[",
    "]", "\\#a", "\\!a", "a\\ ", "a ", "a   ", "a\\", "a\\\\b", "\\[a\\]", "a\\*b", "?", "??", "a?b", "run/*/out.txt",
    ".*", "!a", "a\r\nb\r\n", "\ufeffa", "/", "//", "a//b", "!", "*/", "/*", "/*/", "/*\n!/b\n/b/*\n!/b/a", "a**",
    "a**b", "***", "a.*", "[a-]b", "[-a]*", "a[-]b", "[\\]]", "[[]a*", "B", "ä", "[ä]*", "#", "\\", "* ", " a",
    "[b-a]", "[!b-a]*",
)  # fmt: skip


@pytest.mark.parametrize("text", RULES)
def test_a_rule_means_what_it_means_to_git(git, text):
    assert ours(text) == git(text, PATHS)


LINE = st.text("ab*/?!.\\ #[]-", max_size=7).filter(lambda line: "[" not in line or "/" not in line)


@settings(max_examples=300, deadline=None)
@given(st.lists(LINE, max_size=4))
def test_rules_together_mean_what_they_mean_to_git(git, lines):
    text = "\n".join(lines)
    assert ours(text) == git(text, PATHS)


def test_what_is_ours_is_never_kept_out():
    ignored = Ignored.of("*\n.*\n*.json")
    assert ignored.has("a.json")
    assert not ignored.has("adapterhub.json")
    assert not ignored.has(f".adapterhub/notes/{'0' * 64}/{'1' * 64}.json")


def test_no_pattern_takes_long():
    begun = time.process_time()
    long = Ignored.of("*a" * 100 + "b\n" + "**/a/" * 100 + "b")
    assert not long.has("a" * 1000)
    assert not long.has("/".join("a" * 200))
    assert time.process_time() - begun < 5


def test_too_many_rules_are_refused():
    assert Ignored.of("a\n" * 1000).has("a")
    with pytest.raises(WrongUsage, match="1001 rules"):
        Ignored.of("a\n" * 1001)
