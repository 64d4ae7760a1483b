"""What could be trained and not be published is refused before the first step, in a run, a plan and a search."""

import pytest
from transformers import AutoModelForSequenceClassification

from adapterhub.errors import DoesNotFit, Refused, WrongUsage
from adapterhub.train.engine.step import Stepper
from adapterhub.train.methods import lora
from adapterhub.train.methods.table import METHODS
from tests.verbs.training import Stop, Stopper, Workshop

OWN = """
from torch import nn
from adapterhub.train.tasks.text_classification import prepare


def make(config, base, train):
    return Own(prepare(config.model_copy(update={"task": "text-classification"}), base, train))


class Own:
    def __init__(self, task):
        self.task = task
        for name in ("learned", "peft_type", "metric", "examples", "length", "collate", "loss", "answers", "measure"):
            setattr(self, name, getattr(task, name))

    def open(self, folder):
        model = self.task.open(folder)
        model.k = nn.Linear(4, 4)
        return model

    def heads(self, model):
        return ("classifier",)
"""
"""A task of one's own with a module that no base has."""

HEADS = {
    "none": ([], "no weights for classifier"),
    "another": (["bert"], "no weights for classifier"),
    "a part": (["bert.pooler"], "the heads are bert.pooler"),
}


@pytest.fixture
def place(tmp_path):
    return Workshop.of(tmp_path / "here")


@pytest.fixture
def untrained(monkeypatch):
    """Whoever makes a step fails."""

    def step(*_):
        raise AssertionError("something was trained")

    monkeypatch.setattr(Stepper, "__call__", step)
    monkeypatch.setattr(Stepper, "probe", step)


VERBS = ("train", "train_plan", "train_search")


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("case", HEADS)
def test_a_head_that_is_drawn_must_be_saved(place, verb, case):
    heads, said = HEADS[case]
    place.write(adapter={"heads": heads})
    with pytest.raises(WrongUsage, match=said) as refusal:
        getattr(place.hub, verb)(place.config)
    assert "classifier]" in refusal.value.hint


def labelled(folder, *labels):
    """Give the base in a folder a head for these labels."""
    names = dict(enumerate(labels))
    AutoModelForSequenceClassification.from_pretrained(folder, id2label=names).save_pretrained(folder)


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("targets", ["all-linear", ["query"]])
def test_so_must_one_that_is_drawn_for_other_labels_than_those_of_the_base(place, targets):
    labelled(place.folder / "tiny", "song", "tale")
    place.write(adapter={"heads": [], "targets": targets})
    with pytest.raises(WrongUsage, match="no weights for classifier"):
        place.train()


def test_one_that_the_base_has_for_these_labels_may_stay_as_it_is(place):
    labelled(place.folder / "tiny", "poem", "prose")
    place.write(adapter={"heads": [], "targets": ["query"]}, optim={"epochs": None, "steps": 2})
    assert "modules_to_save" not in place.train().facts.details


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize("verb", VERBS)
def test_a_module_the_base_has_not_is_no_place_for_an_adapter(place, verb):
    (place.folder / "owntask.py").write_text(OWN)
    place.write(task="owntask:make", data={"text": "text", "label": "label"})
    with pytest.raises(DoesNotFit, match=r"ada/topic is a partial fit on tiny.*k: tiny has no such module") as refusal:
        getattr(place.hub, verb)(place.config)
    assert "adapter.heads" in refusal.value.hint


@pytest.mark.parametrize("method", METHODS)
def test_what_can_be_published_is_let_through(place, method):
    adapter = {} if method == "full" else {"rank": 4}
    place.write(adapter={"rank": 8, "method": method, **adapter})
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(1),))


def no_memory(*_, **__):
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def test_memory_that_does_not_do_for_an_adapter_is_told_and_fails_a_rung(place, monkeypatch):
    inject = lora.inject
    small = lambda request, *rest, **fields: (  # noqa: E731
        inject if request.adapter.rank < 8 else no_memory
    )(request, *rest, **fields)
    monkeypatch.setattr(lora, "inject", small)
    place.write(optim={"epochs": 1}, search={"lr": [2e-2], "rank": [4, 8]})
    found = place.hub.train_search(place.config)
    assert [(rung.rank, rung.value is None, rung.fault[:32]) for rung in found.rungs] == [
        (4, False, ""),
        (8, True, "memory: an adapter of rank 8 doe"),
    ]
    assert found.best.rank == 4
    with pytest.raises(Refused, match="rank 8 does not fit beside the base") as refusal:
        place.train(adapter={"rank": 8})
    assert "a smaller adapter.rank" in refusal.value.hint


def test_a_warmup_beyond_the_end_and_a_rank_beyond_all_weights_are_told(place):
    place.write(adapter={"rank": 100}, optim={"warmup": 1000, "epochs": None, "steps": 2})
    checks = ["long-warmup", "rank-exceeds-layer"]
    assert [found.check for found in place.hub.train_plan(place.config).findings] == checks
    said = []
    trained = place.train(tell=said.append)
    assert sorted(found.check for found in trained.findings) == checks
    assert said[0].startswith("warning: optim.warmup: 1,000 steps, and the run has 2: its rate ends at 4e-05")
    assert said[1].startswith("warning: adapter.rank: 100, and no weight that is changed has a rank above ")
