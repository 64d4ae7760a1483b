"""What the pages about training show can be typed, is a config, compiles, and names everything there is."""

import re
import sys
from importlib import import_module
from typing import get_args

import pytest
import yaml

from adapterhub.train.compress.calibrate import METHODS as CALIBRATIONS
from adapterhub.train.config import ContinualConfig, OptimConfig, RobustConfig, TrainConfig
from adapterhub.train.methods.table import INITS, METHODS
from adapterhub.train.tasks.own import MEMBERS
from adapterhub.train.tasks.table import TASKS
from tests.house.sources import ROOT
from tests.house.test_docs import commands_of, parse, words_in_code

TRAINING, IDEAS = ((ROOT / "docs" / name).read_text() for name in ("training.md", "ideas.md"))
LEAST = {"base": "./base", "name": "a/b", "task": "text-classification", "data": {"train": "rows.csv"}}


def blocks(language: str, *texts: str) -> list[str]:
    return [block for text in texts for block in re.findall(rf"^```{language}\n(.*?)^```", text, re.S | re.M)]


@pytest.mark.parametrize("words", commands_of(TRAINING), ids=" ".join)
def test_a_command_line_of_the_page_can_be_typed(words):
    parse(words)


@pytest.mark.parametrize("text", blocks("yaml", TRAINING))
def test_a_config_of_the_page_is_one(text):
    TrainConfig.model_validate({**LEAST, **yaml.safe_load(text)})


@pytest.mark.parametrize("text", blocks("python", TRAINING))
def test_code_of_the_page_compiles(text):
    compile(text, "docs/training.md", "exec")


def test_the_task_of_the_page_has_every_member(tmp_path, monkeypatch):
    [text] = [block for block in blocks("python", TRAINING) if "class Score" in block]
    (tmp_path / "score_of_the_page.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    task = import_module("score_of_the_page").Score
    sys.modules.pop("score_of_the_page")
    assert {name for name in MEMBERS if hasattr(task, name)} == {*MEMBERS}


def test_the_loop_of_the_page_learns(capsys):
    [text] = [block for block in blocks("python", TRAINING) if "import fit" in block]
    exec(compile(text, "docs/training.md", "exec"), {})
    assert 0.8 < float(re.findall(r"[\d.]+", capsys.readouterr().out)[0]) <= 1


def test_the_page_names_every_task():
    assert {*TASKS} <= words_in_code(TRAINING)


def test_the_ideas_name_every_method_initialisation_attack_schedule_and_calibration():
    fields = (RobustConfig.model_fields["attack"], OptimConfig.model_fields["schedule"])
    named = {word for field in fields for word in get_args(field.annotation)}
    assert {*METHODS, *INITS, *CALIBRATIONS, *named} <= words_in_code(IDEAS)


def test_the_ideas_name_all_that_keeps_earlier_tasks_alive():
    assert [name for name in ContinualConfig.model_fields if f"`continual.{name}" not in IDEAS] == []


def test_links_within_the_pages_lead_to_headings():
    for text in (TRAINING, IDEAS):
        made = {re.sub(r"[^\w -]", "", line).strip().replace(" ", "-") for line in headings(text)}
        assert set(re.findall(r"\]\(#([^)]+)\)", text)) <= made


def headings(text: str) -> list[str]:
    outside = re.sub(r"```.*?```", "", text, flags=re.S)
    return [line.lstrip("# ").lower() for line in outside.splitlines() if line.startswith("#")]
