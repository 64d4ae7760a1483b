"""What `train --init TASK` writes is a config, and its commented lines are the defaults."""

import re

import pytest
import yaml

from adapterhub.errors import WrongUsage
from adapterhub.train.config import DataConfig, TrainConfig
from adapterhub.train.tasks.table import TASKS, wanted_columns
from adapterhub.train.tasks.template import SAID, template

EVERY = [*TASKS, "mine:task"]


def read(text: str) -> TrainConfig:
    return TrainConfig.model_validate(yaml.safe_load(text))


def uncommented(text: str) -> str:
    """Every commented field said aloud."""
    return re.sub(r"^( *)# ( *[a-z_]+: )", r"\1\2", text, flags=re.M)


@pytest.mark.parametrize("task", EVERY)
def test_a_template_is_a_config_of_its_task(task):
    config = read(template(task))
    assert config.task == task
    assert set(wanted_columns(config)) == (set(TASKS[task].reads[0]) if task in TASKS else set())


@pytest.mark.parametrize("task", EVERY)
def test_what_is_commented_is_the_default(task):
    said, aloud = read(template(task)), read(uncommented(template(task)))
    same = {"robust": None, "sync": None, "search": said.search}
    assert aloud.model_copy(update=same) == said
    assert aloud.robust == type(aloud.robust)()


@pytest.mark.parametrize("task", EVERY)
def test_what_is_not_commented_is_the_default_too(task):
    said = read(template(task))
    bare = TrainConfig(base=said.base, name=said.name, task=task, data=said.data)
    three = bare.optim.model_copy(update={"epochs": 3})
    assert said == bare.model_copy(update={"optim": three})


def test_every_field_is_explained():
    aloud = yaml.safe_load(uncommented(template("mine:task")))
    assert set(aloud) == set(TrainConfig.model_fields)
    for section, model in TrainConfig.model_fields.items():
        fields = getattr(read(uncommented(template("mine:task"))), section)
        if hasattr(fields, "model_fields_set"):
            assert set(aloud[section]) == set(type(fields).model_fields), model


def test_every_column_has_its_words():
    assert set(SAID) <= set(DataConfig.model_fields)
    assert {field for row in TASKS.values() for field in row.fields} == set(SAID)


@pytest.mark.parametrize("task", EVERY)
def test_a_template_fits_a_terminal(task):
    assert max(map(len, template(task).splitlines())) <= 100


def test_an_unknown_task_has_no_template():
    with pytest.raises(WrongUsage, match="no task is called 'mind-reading'"):
        template("mind-reading")
