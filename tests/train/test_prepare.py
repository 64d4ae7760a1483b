"""A model is where it is trained before a method looks at it, unless it comes there in fewer bits."""

import pytest
import torch

from adapterhub.errors import WrongUsage
from adapterhub.train import prepare as module
from adapterhub.train.methods import table
from adapterhub.train.prepare import prepare, resolved
from adapterhub.verbs.train_config import read_config
from tests.verbs.training import Workshop

THERE = torch.device("meta")
"""A device that is not the processor, on every machine."""


class Seen(Exception):
    """What `look` raises."""


def look(model, config, heads, **how):
    raise Seen(str(next(model.parameters()).device))


@pytest.mark.parametrize(("adapter", "device"), [({"init": "pissa"}, "meta"), ({"quantize": "int8"}, "cpu")])
def test_a_method_finds_the_model_on_the_device_it_is_trained_on(tmp_path, monkeypatch, adapter, device):
    place = Workshop.of(tmp_path, adapter=adapter)
    monkeypatch.setattr(module, "pick", lambda word, process: THERE)
    monkeypatch.setattr(table, "attach", look)
    with pytest.raises(Seen, match=device):
        prepare(read_config(place.config)[0], tmp_path, tmp_path / "tiny")


class Learned:
    """Of a task, what it read off the rows."""

    def __init__(self, **learned):
        self.learned = learned


def config_of(tmp_path):
    return read_config(Workshop.of(tmp_path).config)[0]


def test_what_a_task_learned_stands_in_the_config_as_if_it_had_been_written(tmp_path):
    assert resolved(config_of(tmp_path), Learned(labels=["a", "b"])).data.labels == ("a", "b")


@pytest.mark.parametrize(
    ("learned", "told"),
    [
        ({"labels": 5}, r"labels: .*, got 5"),
        ({"labels": ("", "a")}, r"labels: it names nothing, got \('', 'a'\)"),
        ({"max_length": "x"}, r"max_length: .*, got 'x'"),
        ({"foo": 1}, r"foo: Extra inputs .*, got 1"),
    ],
)
def test_what_no_config_could_say_is_told_as_the_tasks(tmp_path, learned, told):
    with pytest.raises(WrongUsage, match=rf"^text-classification: .* cannot stand in data: {told}$") as refusal:
        resolved(config_of(tmp_path), Learned(**learned))
    assert "`learned`" in refusal.value.hint
