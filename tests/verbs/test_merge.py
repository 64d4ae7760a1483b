"""`merge` and `stack`: what they say about where they came from."""

from pathlib import Path

import pytest

from adapterhub.errors import AdapterHubError, NotFound, WrongUsage
from adapterhub.hub import Hub
from tests.builders import adapter_files, tiny_adapter, tiny_base, tree, write_files


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """Two adapters of different ranks on one base."""
    hub, base = Hub.open(tmp_path / "store"), tiny_base(tmp_path / "base", modules=("k_proj", "q_proj", "v_proj"))
    hub.add(tiny_adapter(tmp_path / "a", rank=2), "ada/sql", base=base)
    hub.add(tiny_adapter(tmp_path / "b", rank=4, seed=1), "ada/chat", base=base)
    return hub


def test_a_merge_names_its_parents_its_recipe_and_the_base_they_share(hub: Hub) -> None:
    done = hub.merge("ada/sql*0.7 - ada/chat*0.3", "ada/mix")
    one, two = hub.show("ada/sql"), hub.show("ada/chat")
    assert [(parent.digest, parent.weight) for parent in done.manifest.parents] == [
        (one.digest, 0.7),
        (two.digest, -0.3),
    ]
    assert done.manifest.recipe == {"method": "sum"}
    assert done.manifest.base == one.manifest.base
    assert done.facts.rank == 6
    assert done.relative_error is not None
    assert done.relative_error < 1e-6


def test_the_same_merge_is_the_same_entry(hub: Hub) -> None:
    assert hub.merge("ada/sql + ada/chat", "ada/mix").digest == hub.merge("ada/sql + ada/chat", "ada/mix").digest
    assert [row.reference for row in hub.list()] == ["ada/chat@1", "ada/mix@1", "ada/sql@1"]


def test_a_folder_may_stand_in_an_expression(hub: Hub, tmp_path: Path) -> None:
    done = hub.merge(f"{tmp_path}/a + ada/chat", "ada/mix")
    assert done.manifest.base is None  # a folder says no base, so they do not agree
    assert len(done.manifest.parents) == 2


def test_a_plan_says_what_would_be_done_and_writes_nothing(hub: Hub) -> None:
    before = tree(hub.store)
    plan = hub.merge_plan("ada/sql*0.5 + ada/chat*0 + ada/chat@1")
    assert (plan.rank, [row["weight"] for row in plan.operands]) == (6, [0.5, 0.0, 1.0])
    assert tree(hub.store) == before


@pytest.mark.parametrize("expression", ["ada/sql + ada/wide", "ada/sql*0", "ada/sql + ada/dora"])
def test_a_plan_makes_the_same_mistakes_as_a_merge(hub: Hub, tmp_path: Path, expression: str) -> None:
    hub.add(write_files(tmp_path / "wide", adapter_files(size=8)), "ada/wide")
    hub.add(tiny_adapter(tmp_path / "dora", seed=2, use_dora=True), "ada/dora")
    with pytest.raises(AdapterHubError) as planned:
        hub.merge_plan(expression)
    with pytest.raises(AdapterHubError) as made:
        hub.merge(expression, "ada/mix")
    assert (type(planned.value), str(planned.value)) == (type(made.value), str(made.value))


def test_a_plan_counts_ranks_where_they_meet(hub: Hub, tmp_path: Path) -> None:
    hub.add(tiny_adapter(tmp_path / "k", rank=3, modules=["k_proj"]), "ada/key")
    plan = hub.merge_plan("ada/sql + ada/key")
    assert plan.rank == hub.merge("ada/sql + ada/key", "ada/mix").facts.rank == 3


@pytest.mark.parametrize("name", ["mix", "team:ada/mix", "ada/mix@sha256:0123abcd", "./mix", "ada/mix@"])
def test_a_plan_refuses_the_names_a_merge_refuses(hub: Hub, name: str) -> None:
    before = tree(hub.store)
    with pytest.raises(AdapterHubError) as planned:
        hub.merge_plan("ada/sql + ada/chat", name=name)
    with pytest.raises(AdapterHubError) as made:
        hub.merge("ada/sql + ada/chat", name)
    assert (type(planned.value), str(planned.value)) == (type(made.value), str(made.value))
    assert tree(hub.store) == before


def test_a_plan_tells_that_a_version_is_taken(hub: Hub) -> None:
    hub.alias("ada/sql@1", "prod")
    found = {
        name: [finding.check for finding in hub.merge_plan("ada/sql + ada/chat", name=name).findings]
        for name in ("ada/sql", "ada/sql@1", "ada/sql@prod", "ada/sql@2")
    }
    assert found == {"ada/sql": [], "ada/sql@1": ["name-taken"], "ada/sql@prod": ["name-taken"], "ada/sql@2": []}


@pytest.mark.parametrize(
    ("expression", "name", "method", "error"),
    [
        ("ada/none + ada/sql", "ada/mix", "sum", NotFound),
        ("ada/sql + ", "ada/mix", "sum", AdapterHubError),
        ("ada/sql", "mix", "sum", AdapterHubError),
        ("ada/sql", "ada/mix", "stir", WrongUsage),
    ],
)
def test_a_merge_that_cannot_be_leaves_the_store_as_it_was(
    hub: Hub, expression: str, name: str, method: str, error: type[Exception]
) -> None:
    before = tree(hub.store)
    with pytest.raises(error):
        hub.merge(expression, name, method)
    assert tree(hub.store) == before


def test_parents_of_different_bases_are_told(tmp_path):
    hub = Hub.open(tmp_path / "store")
    for seed, name in enumerate(("one", "two")):
        base = tiny_base(tmp_path / f"base-{name}", seed=seed)
        hub.add(tiny_adapter(tmp_path / name, seed=seed), f"ada/{name}", base=base)
    assert [finding.check for finding in hub.merge_plan("ada/one + ada/two").findings] == ["bases-differ"]
    merged = hub.merge("ada/one + ada/two", "ada/mix")
    assert "bases-differ" in {finding.check for finding in merged.findings}
    assert merged.manifest.base is None
    same = hub.merge("ada/one + ada/one", "ada/same")
    assert "bases-differ" not in {finding.check for finding in same.findings}
    assert same.manifest.base == hub.show("ada/one").manifest.base


@pytest.mark.parametrize("energy", [1.5, 0.0, -1.0, float("nan")])
def test_an_energy_that_is_no_part_is_told_with_one_that_is(hub: Hub, energy: float) -> None:
    with pytest.raises(WrongUsage, match="energy") as caught:
        hub.merge("ada/sql + ada/chat", "ada/mix", energy=energy)
    assert "--energy 0.9" in caught.value.hint


def test_a_plan_tells_what_a_merge_costs_and_what_it_loses(hub: Hub) -> None:
    mix = "ada/sql*0.7 + ada/chat*0.3"
    exact, cut, done = hub.merge_plan(mix), hub.merge_plan(mix, rank=1), hub.merge(mix, "ada/mix")
    assert (exact.exact, cut.exact, cut.expected_error) == (True, False, None)
    assert 0 < (done.relative_error or 0) <= (exact.expected_error or 0)
    assert exact.writes == 4 * exact.parameters == 4 * (done.facts.parameters or 0)
    assert exact.reads == sum(f.size for name in ("sql", "chat") for f in hub.show(f"ada/{name}").manifest.files)
    assert min(exact.flops, cut.flops, exact.memory) > 0


@pytest.mark.parametrize("method", ["dare_linear", "della", "breadcrumbs", "dare_ties"])
def test_a_method_that_keeps_nothing_says_so(hub: Hub, method: str) -> None:
    done = hub.merge("ada/sql + ada/chat", "ada/mix", method, set={"density": 1e-9})
    (found,) = (one for one in done.findings if one.check in ("nothing-kept", "untrained"))
    assert (found.check, found.place) == ("nothing-kept", "density")
    assert f"{method} keeps at density 1e-09" in found.message
    assert "layers.0.q_proj, layers.0.v_proj" in found.message
    kept = hub.merge("ada/sql + ada/chat", "ada/kept", method)
    assert "nothing-kept" not in {one.check for one in kept.findings}


RECIPE = """
adapters:
  - {adapter: ada/sql, weight: 0.7}
  - {adapter: ada/chat, weight: 0.3, modules: {"*.v_proj": 0.0}}
method: ties
set: {density: 0.5}
rules:
  - {modules: "*.q_proj", method: svd, rank: 1}
"""


def test_a_recipe_file_says_more_than_an_expression(hub: Hub, tmp_path: Path) -> None:
    path = write_files(tmp_path, {"mix.yaml": RECIPE.encode()}) / "mix.yaml"
    plan = hub.merge_plan(str(path))
    assert [(one.module, one.method, one.weights, one.rank) for one in plan.modules] == [
        ("layers.0.q_proj", "svd", (0.7, 0.3), 1),
        ("layers.0.v_proj", "ties", (0.7,), 2),
    ]
    done = hub.merge(str(path), "ada/mix")
    assert done.manifest.recipe == {
        "method": "ties",
        "set": {"density": 0.5},
        "rules": [{"modules": "*.q_proj", "method": "svd", "rank": 1}],
        "modules": {"1": {"*.v_proj": 0.0}},
    }


def test_a_seed_is_kept_where_something_is_drawn_and_only_there(hub: Hub) -> None:
    drawn = hub.merge("ada/sql + ada/chat", "ada/a", "dare_linear", seed=7)
    assert drawn.manifest.recipe == {"method": "dare_linear", "seed": 7}
    assert hub.merge("ada/sql + ada/chat", "ada/b", "svd", seed=7).manifest.recipe == {"method": "svd"}
    again = hub.merge("ada/sql + ada/chat", "ada/c", "dare_linear", seed=7)
    other = hub.merge("ada/sql + ada/chat", "ada/d", "dare_linear", seed=8)
    assert again.digest == drawn.digest != other.digest


def test_the_error_is_told_by_module_and_in_total(hub: Hub) -> None:
    done = hub.merge("ada/sql*0.7 + ada/chat*0.3", "ada/mix", rank=1)
    assert set(done.errors) == {"layers.0.q_proj", "layers.0.v_proj"}
    assert min(done.errors.values()) <= (done.relative_error or 0) <= max(done.errors.values())
    assert (done.facts.rank, done.manifest.recipe) == (1, {"method": "sum", "rank": 1})


def test_a_rank_servers_do_not_take_is_told(hub: Hub, tmp_path: Path) -> None:
    for seed, name in enumerate("xy"):
        hub.add(write_files(tmp_path / name, adapter_files(12, seed=seed, size=32)), f"ada/{name}")
    assert [finding.check for finding in hub.merge_plan("ada/x + ada/y").findings] == ["rank-large"]
    assert hub.merge_plan("ada/x + ada/y", rank=12).findings == ()


def test_progress_is_told_module_by_module(hub: Hub) -> None:
    told: list[tuple[int, int]] = []
    hub.merge("ada/sql + ada/chat", "ada/mix", progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
