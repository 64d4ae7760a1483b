"""A foreign grammar lives in one file, and what is unsafe has one door."""

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.house.sources import PACKAGE, modules, name, python, texts

WORKER = "formats/pickle_worker.py"
"""A program of its own: the child process that looks at a pickle and prints what it found."""


def found(pattern: str, paths: Iterable[Path]) -> list[str]:
    """Every line that matches, with its place."""
    search = re.compile(pattern).search
    return [
        f"{name(path)}:{number}: {line.strip()}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if search(line)
    ]


def all_but(*places: str) -> list[Path]:
    """The package's modules, without some files or folders."""
    left_out = [PACKAGE / place for place in places]
    return [path for path in modules() if not any(place in (path, *path.parents) for place in left_out)]


def test_only_one_file_spells_the_tensor_names_of_peft():
    assert found(r"lora_[AB]\b|lora_embedding|lora_magnitude", all_but("formats/peft_keys.py")) == []


def test_only_one_file_may_load_a_pickle():
    pattern = r"torch\.load\(|^\s*(import|from) (pickle|dill|joblib)|allow_pickle=True|yaml\.(unsafe_)?load\("
    assert found(pattern, all_but("formats/pickles.py", WORKER)) == []


def test_a_library_never_prints_and_never_exits():
    assert found(r"^\s*(print\(|sys\.exit\(|raise SystemExit|exit\()", all_but("cli", "__main__.py", WORKER)) == []


def test_an_error_has_a_class_of_its_own():
    assert found(r"raise (RuntimeError|Exception|BaseException|OSError|IOError)\b", modules()) == []


def test_no_text_names_the_machine_it_was_written_on():
    assert found(r"(?<![\w.~$}*:>])/(?:home|root|Users|work)/\w", texts()) == []


def test_nothing_is_left_unfinished():
    words = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X", "raise Not" + "ImplementedError"))
    assert found(rf"\b({words})\b|\bbreakpoint\(\)|^\s*pass\s+#|^\s*\.\.\.\s+#", python()) == []


def test_no_test_is_skipped_in_silence():
    tests = [path for path in python() if path.name.startswith("test_") and path != Path(__file__)]
    assert found(r"mark\.(skip|xfail)|pytest\.(skip|xfail|importorskip)\(|assert True\b", tests) == []


@pytest.mark.parametrize("line", ["x = 'base.lora_A.weight'", "w = lora_embedding_B"])
def test_the_rule_about_peft_sees_what_it_looks_for(tmp_path, line, monkeypatch):
    module = PACKAGE / "planted.py"
    monkeypatch.setattr(type(module), "read_text", lambda *_: line)
    assert found(r"lora_[AB]\b|lora_embedding|lora_magnitude", [module]) == [f"adapterhub/planted.py:1: {line}"]
