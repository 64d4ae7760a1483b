"""Workers that trained apart, each an entry, become one by a merge that loses nothing, since they share A."""

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.verbs.training import Workshop, rows, write_rows


@pytest.fixture(scope="module")
def workers(tmp_path_factory):
    """A store with two halves of the rows learned by two workers from one seed."""
    place = Workshop.of(tmp_path_factory.mktemp("here"), adapter={"method": "frozen-a"}, optim={"epochs": 12})
    every = rows(64, 1)
    for name, half in (("one", every[:32]), ("two", every[32:])):
        write_rows(place.folder / f"{name}.csv", half)
        place.train(name=f"w/{name}", data={"train": f"{name}.csv"})
    return place


def factors(place, reference):
    """What is trained, by name; the factor that is the same for all apart."""
    return load_file(place.hub.path(reference) / "adapter_model.safetensors")


def test_workers_of_one_seed_share_a_and_nothing_else(workers):
    one, two = factors(workers, "w/one"), factors(workers, "w/two")
    same = {name for name in one if np.array_equal(one[name], two[name])}
    assert len(same) == 13, "A of each module"
    assert len(one) - len(same) >= 13


def test_their_mean_is_exact_at_their_rank_and_names_both(workers):
    merged = workers.hub.merge("w/one*0.5 + w/two*0.5", "w/both", rank=4, choose="w/one")
    assert merged.relative_error < 1e-6
    parents = [workers.hub.show(name).digest for name in ("w/one", "w/two")]
    assert [(parent.digest, parent.weight) for parent in merged.manifest.parents] == [(one, 0.5) for one in parents]
    assert merged.facts.rank <= 4
    assert merged.manifest.base.weights_digest == workers.hub.show("w/one").manifest.base.weights_digest


def test_their_heads_are_the_mean_too_where_that_is_asked(workers):
    merged = workers.hub.merge("w/one*0.5 + w/two*0.5", "w/mean", rank=8, choose="mean")
    assert merged.relative_error < 1e-6
    assert merged.manifest.recipe["choose"] == "mean"
    one, two, both = (factors(workers, name) for name in ("w/one", "w/two", "w/mean"))
    heads = [name for name in both if "classifier" in name]
    assert len(heads) == 2
    for name in heads:
        np.testing.assert_allclose(both[name], (one[name] + two[name]) / 2, rtol=1e-6, atol=1e-7)
    found = workers.hub.evaluate("w/mean", workers.folder / "test.csv", config=workers.config)
    assert found.metrics["accuracy"] > 0.7
