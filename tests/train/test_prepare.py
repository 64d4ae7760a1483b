"""A model is where it is trained before a method looks at it, unless it comes there in fewer bits."""

import pytest
import torch

from adapterhub.train import prepare as module
from adapterhub.train.methods import table
from adapterhub.train.prepare import prepare
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
