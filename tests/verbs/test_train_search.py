"""A search tells each thing once, and a rung that comes to nothing is no end of it."""

import pytest

from adapterhub.train.resources import precision
from tests.verbs.training import Workshop, rows, write_rows

RATES = [1e-3, 2e-3, 3e-3]


@pytest.fixture
def place(tmp_path):
    return Workshop.of(tmp_path / "here", optim={"epochs": None, "steps": 2}, search={"lr": RATES})


def test_what_is_odd_about_all_rungs_is_told_once(place):
    write_rows(place.folder / "validation.csv", rows(64, 1)[:10])
    said = []
    place.hub.train_search(place.config, tell=said.append, optim={"warmup": 1000})
    warned = [line.partition(": ")[2].partition(":")[0] for line in said if not line.startswith("training ")]
    assert len(warned) == len(set(warned)) == 2
    assert sum(line.startswith("training ") for line in said) == len(RATES)


def test_what_is_odd_about_one_rung_is_told_of_that_one(place):
    said = []
    place.hub.train_search(place.config, tell=said.append, search={"lr": [1e-3], "rank": [4, 100]})
    told = [line.partition(":")[0] for line in said]
    assert told == ["training ada/topic", "warning", "training ada/topic"]
    assert said[1].startswith("warning: adapter.rank: 100, ")


def test_a_rung_that_overflows_in_fp16_has_no_value_and_the_others_are_run(place, monkeypatch):
    steps = []

    def step(self, optimizer):
        steps.append(1)
        if len(steps) < 3:
            raise precision.Diverged("precision: fp16 gradients overflow even when …", hint="use bf16")
        return whole(self, optimizer)

    whole = precision.Precision.step
    monkeypatch.setattr(precision.Precision, "step", step)
    found = place.hub.train_search(place.config)
    assert [rung.value is None for rung in found.rungs] == [True, True, False]
    assert found.rungs[0].fault.startswith("precision: fp16 gradients overflow")


def test_a_search_forgets_nothing_of_a_run_with_the_same_fields(place):
    place.write(validation={"patience": 3}, optim={"epochs": 1}, search={"lr": [2e-2]})
    said = []
    place.train()
    found = place.hub.train_search(place.config, tell=said.append)
    assert place.train().again
    assert place.hub.train_search(place.config, tell=said.append).rungs == found.rungs
    assert len(said) == 1, "the second search trains nothing"
