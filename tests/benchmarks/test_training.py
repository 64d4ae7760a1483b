"""Every part of training runs at a tiny size, remembers what it found, and fills its page."""

import importlib
import json
from dataclasses import replace

import pytest

from benchmarks import section
from benchmarks.__main__ import main
from benchmarks.section import Aim, Section, rendered
from benchmarks.training import arms, compared, digits, docstrings, eight, forgetting, part, robust, text
from benchmarks.training.docstrings import Text, split, write
from benchmarks.training.remembered import remembered
from benchmarks.training.sizes import NAMES, Sizes

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]
TINY = Sizes(rows=120, tests=2, tokens=8, epochs=0.25, steps=4, rates=1, seeds=1, blocks=1)


@pytest.fixture
def here(monkeypatch):
    """Everything in this process, and how often something was measured."""
    calls: list[str] = []

    def call(place, *words):
        calls.append(place)
        module, name = place.split(":")
        return json.loads(json.dumps(getattr(importlib.import_module(module), name)(*json.loads(json.dumps(words)))))

    for module in (arms, digits, eight, forgetting, part, text):
        monkeypatch.setattr(module, "apart", call)
    monkeypatch.setattr(part, "PACES", {"tiny": ("tiny", 3)})
    monkeypatch.setattr(digits, "VIT", (digits.VIT[0], digits.VIT[-1]))
    monkeypatch.setattr(eight, "VIT", (digits.VIT[0], digits.VIT[-1]))
    monkeypatch.setattr(robust, "ATTACKS", {"plain": None, "fgsm": {"attack": "fgsm", "epsilon": 0.15}})
    return calls


def rows(count=60):
    """Texts of every topic, out of modules of three."""
    return [
        Text(topic, f"{folder}/module{number // 3}.py", f"{topic} says {number} " + "word " * 20)
        for topic, folder in docstrings.TOPICS.items()
        for number in range(count)
    ]


@pytest.fixture
def few(monkeypatch):
    """Texts that need no reading of packages."""
    monkeypatch.setattr(docstrings, "texts", rows)


def test_every_part_of_training_is_measured_and_remembered(here, few, tmp_path):
    sections = part.measure(tmp_path, TINY)
    assert [one.title for one in sections] == [
        "Texts", "Turned digits", "A step", "Under attack", "Forgetting", "Eight bits",
    ]  # fmt: skip
    assert all(one.tables for one in sections)
    assert [one.title for one in sections if not one.aims] == ["A step"], "which aims at MiniLM, left out here"
    assert len({aim.what for one in sections for aim in one.aims}) == sum(len(one.aims) for one in sections)
    told = rendered(sections)
    for words in ("plain", "fgsm", "sequential", "replay", "optimizer", "LoRA, all linear, rank 8", "int8"):
        assert words in told
    assert sorted(path.name for path in (tmp_path / "plots").glob("*.png"))[:2] == [
        "cnn-turned-full-search.png", "cnn-turned-lora-rank-8-search.png",
    ]  # fmt: skip
    measured = len(here)
    again = part.measure(tmp_path, TINY)
    assert len(here) == measured
    assert [one.aims for one in again] == [one.aims for one in sections]


def test_both_arms_get_the_same_search_and_never_see_the_test_rows(few, tmp_path, monkeypatch):
    asked: list[dict] = []

    def call(place, *words):
        if place.endswith(":searched"):
            asked.append(words[1])
            return {"best": {"lr": words[1]["search"]["lr"][0]}, "rungs": []}
        if place.endswith(":run"):
            asked.append(words[1])
        return {"right": [1, 0]} if place.endswith(":run") else text.build(*words) if "text" in place else {}

    for module in (arms, text):
        monkeypatch.setattr(module, "apart", call)
    problem = text.problem(tmp_path, replace(TINY, rates=4, seeds=2))
    for way in text.ways(replace(TINY, frozen=1)):
        problem.found(way)
    assert len(asked) == 3 * (1 + 2)
    searches = [config for config in asked if config.get("search")]
    assert {len(config["search"]["lr"]) for config in searches} == {4}
    assert len({json.dumps([config["optim"], config["validation"], config["data"]]) for config in searches}) == 1
    assert not any("test" in config["data"] for config in asked)


def test_a_module_is_in_one_split_only_and_topics_are_balanced():
    parts = split(rows(), 120, 4)
    assert {name: len(texts) for name, texts in parts.items()} == {"train": 105, "validation": 15, "test": 60}
    modules = [{one.module for one in texts} for texts in parts.values()]
    assert not modules[0] & modules[1]
    assert not (modules[0] | modules[1]) & modules[2]
    for texts in parts.values():
        counts = [sum(one.topic == topic for one in texts) for topic in docstrings.TOPICS]
        assert len(set(counts)) == 1


def test_the_same_texts_are_the_same_files_in_whatever_order_they_were_found(tmp_path):
    digest = write(tmp_path / "a", split(rows(), 120, 4))
    assert write(tmp_path / "b", split(rows()[::-1], 120, 4)) == digest
    assert write(tmp_path / "c", split(rows(), 150, 4)) != digest


def test_too_few_texts_of_a_topic_are_told():
    with pytest.raises(SystemExit, match=r"array: .* wanted"):
        split(rows(6), 1500, 4)


def test_texts_say_neither_their_package_nor_their_module(monkeypatch):
    monkeypatch.setattr(docstrings, "TOPICS", {"science": "scipy/linalg"})
    found = docstrings.texts()
    assert len(found) > 30
    words = {(word, one.module) for one in found for word in one.text.lower().split()}
    assert not [word for word, module in words if word in ("scipy", "linalg") or word in module.split("/")]
    assert len({one.text[: docstrings.LEAST].lower() for one in found}) == len(found)
    assert not [one.module for one in found if "tests" in one.module]


def test_what_was_asked_differently_is_measured_again(tmp_path):
    done: list[int] = []
    deed = lambda: done.append(1) or len(done)  # noqa: E731
    path = tmp_path / "a" / "found.json"
    assert [remembered(path, {"seed": seed}, deed) for seed in (0, 0, 1, 1)] == [1, 1, 2, 2]


def test_an_aim_that_is_missed_is_told():
    aims = [Aim("near", "within 1", "0.5", True), Aim("fast", "below 2", "3", False)]
    told = rendered([Section("One", "Words.", [[("a", "b"), ("1", "2")]], aims)])
    assert "| fast | below 2 | 3 | **no** |" in told
    assert "## One\n\nWords.\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |" in told


def test_a_rung_that_answered_nothing_right_did_not_fail():
    rungs = [{"lr": 1e-4, "value": 0.0}, {"lr": 1e-3, "value": 0.5}, {"lr": 1e-2}]
    found = arms.Found(text.WAYS[0], {"rungs": rungs, "best": rungs[1]}, [], {})
    assert compared.searched([found])[1][1:] == ("0.0001: 0.0 %", "0.001: 50.0 %", "0.01: failed", "no")


def test_shares_and_bytes_are_written_for_people():
    assert section.percent(0.125, 1) == "12.5 %"
    assert (section.megabytes(2_500_000), section.megabytes(1.5e9)) == ("2.5", "1,500")


def test_one_part_of_training_alone_is_printed_and_goes_on_in_a_folder(here, tmp_path, capsys):
    words = ["--only", "train", "--train", "robust", "--train-steps", "3", "--train-seeds", "1"]
    for _ in range(2):
        main([*words, "--folder", str(tmp_path)])
        told = capsys.readouterr().out
        assert told.startswith("# Training")
        assert "## Under attack" in told
        assert "## Texts" not in told
    assert here.count("benchmarks.training.runs:run") == 3


def test_every_part_has_a_name():
    assert list(part.PARTS) == list(NAMES)
