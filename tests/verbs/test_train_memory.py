"""Memory that does not do is told with what helps, wherever it runs out; and a run that goes on keeps to its limit."""

import pytest
from transformers import AutoModelForSequenceClassification

from adapterhub.errors import Refused
from adapterhub.train import micro_batch
from adapterhub.train.engine import checkpoint
from adapterhub.train.resources.micro import Micro
from adapterhub.train.tasks.classification import Classification
from tests.verbs.training import Stop, Stopper, Workshop

SHORT = {"epochs": None, "steps": 4}


@pytest.fixture
def place(tmp_path):
    return Workshop.of(tmp_path / "here", optim={**SHORT, "micro_batch": None})


def hungry(*_, **__):
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes")


def found(size):
    return lambda *_: Micro(size, 16, 0, 0, 0, {})


def cut(place, at, monkeypatch, fits=None, **how):
    """Train to a step and crash; at how many at once the state then is."""
    if fits:
        monkeypatch.setattr(micro_batch, "micro_batch", found(fits))
    with pytest.raises(Stop):
        place.train(watchers=(Stopper(at),), checkpoint_every=1, **how)
    (path,) = place.hub.desk.store.layout.runs.glob("*/state.safetensors")
    return checkpoint.load(path).plain["progress"]["micro"]


def test_a_run_that_goes_on_keeps_to_a_limit_it_is_given_then(place, monkeypatch):
    assert cut(place, 2, monkeypatch, fits=8) == 8
    monkeypatch.undo()
    with pytest.raises(Refused, match="1MB does not hold that") as refusal:
        place.train(memory="1MB")
    assert "more --memory" in refusal.value.hint
    assert place.names == []


def test_it_goes_on_with_fewer_at_once_and_never_with_more(place, monkeypatch):
    assert cut(place, 2, monkeypatch, fits=8) == 8
    assert cut(place, 3, monkeypatch, fits=2, memory="8GB") == 2
    assert cut(place, 4, monkeypatch, fits=16, memory="8GB") == 2
    monkeypatch.setattr(micro_batch, "micro_batch", None)
    assert place.train().steps == 4, "nothing is measured without a limit"


def test_memory_that_runs_out_while_rows_are_measured_fails_a_rung_and_not_the_search(place, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(Classification, "answers", hungry)
        (rung,) = place.hub.train_search(place.config, search={"lr": [1e-2]}).rungs
        assert rung.value is None
        assert "20 rows do not fit, which are measured at once" in rung.fault
        with pytest.raises(Refused, match="20 rows do not fit") as refusal:
            place.train()
    assert "data.max_length" in refusal.value.hint
    (rung,) = place.hub.train_search(place.config, search={"lr": [1e-2]}).rungs
    assert rung.value is not None, "another time there may be more"


def test_so_it_does_where_the_base_is_opened(place, monkeypatch):
    monkeypatch.setattr(Classification, "open", hungry)
    with pytest.raises(Refused, match=r"memory: the base does not fit on cpu: .* 9 bytes") as refusal:
        place.train()
    assert "a smaller base" in refusal.value.hint


def test_so_it_does_where_an_entry_is_measured(place, monkeypatch):
    place.train()
    monkeypatch.setattr(Classification, "open", hungry)
    with pytest.raises(Refused, match="memory: the base does not fit on cpu") as refusal:
        place.hub.evaluate("ada/topic", place.folder / "test.csv")
    assert refusal.value.hint


def test_a_folder_is_not_blamed_for_memory_that_runs_out(place, monkeypatch):
    monkeypatch.setattr(AutoModelForSequenceClassification, "from_pretrained", hungry)
    with pytest.raises(Refused, match="memory: the base does not fit on cpu"):
        place.train()


def test_what_an_initialisation_looks_at_is_not_blamed_on_the_rank(place, monkeypatch):
    monkeypatch.setattr(Classification, "loss", hungry)
    with pytest.raises(Refused, match=r"adapter\.init: eva looks at 16 examples at once, which do not fit") as refusal:
        place.train(adapter={"init": "eva"})
    assert "optim.batch" in refusal.value.hint
