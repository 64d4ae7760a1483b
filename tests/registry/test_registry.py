"""The registry that ships with the project is whole, small, and says of itself what can be measured."""

import json
import os
from pathlib import Path

import pytest

from adapterhub import Hub
from adapterhub.store.catalog import Catalog, make_catalog
from adapterhub.store.store import Store
from registry.scripts.demo import MIX, accuracies, held_out, open_base
from registry.scripts.digits import Labelled
from registry.scripts.layout import PARTS, REGISTRY, copy_registry, size_of
from registry.scripts.plan import ADAPTERS, BASES, AdapterPlan, BasePlan
from registry.scripts.readme import table

ONE_IMAGE = 1 / 360 + 1e-6
"""Another processor may round one image to another digit."""


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Hub:
    """A hub over a copy, as looking at the registry itself would leave caches in it."""
    return Hub.open(copy_registry(REGISTRY, tmp_path_factory.mktemp("embedded") / "registry"))


@pytest.fixture(scope="module")
def images(hub: Hub) -> dict[str, Labelled]:
    return held_out(hub)


def test_it_is_whole_and_nothing_in_it_is_without_a_name(hub: Hub) -> None:
    checked = hub.check()
    assert checked.damage == ()
    assert checked.unreferenced == 0


def test_it_is_below_five_megabytes() -> None:
    assert size_of(REGISTRY) < 5_000_000


def test_it_holds_what_the_plan_says(hub: Hub) -> None:
    planned = {plan.reference for plan in (*BASES, *ADAPTERS)} | {"digits/train@1", "digits/test@1"}
    assert {row.reference for row in hub.list()} == planned


def test_its_catalog_is_fresh(hub: Hub) -> None:
    kept = Catalog.from_bytes((REGISTRY / "catalog.json").read_bytes(), "catalog.json")
    assert kept.model_copy(update={"time": ""}) == make_catalog(Store(hub.store)).model_copy(update={"time": ""})


def test_the_table_in_its_readme_is_what_it_says_of_itself(hub: Hub) -> None:
    assert table(hub) in (REGISTRY / "README.md").read_text()


@pytest.mark.parametrize("plan", ADAPTERS, ids=lambda plan: plan.reference)
def test_an_adapter_fits_its_base_and_reads_what_its_metrics_say(
    hub: Hub, images: dict[str, Labelled], plan: AdapterPlan
) -> None:
    (report,) = hub.audit([plan.reference], [plan.base])
    assert report.verdict == "exact"
    model = open_base(hub, plan.base)
    with hub.stack(model, plan.reference):
        measured = accuracies(model, {domain: images[domain] for domain in (plan.domain, "upright")})
    metrics = hub.show(plan.reference).metrics
    assert metrics["accuracy"] == pytest.approx(measured[plan.domain], abs=ONE_IMAGE)
    assert metrics["accuracy_upright"] == pytest.approx(measured["upright"], abs=ONE_IMAGE)


@pytest.mark.parametrize("plan", BASES, ids=lambda plan: plan.reference)
def test_a_base_reads_upright_digits_as_its_metrics_say(hub: Hub, images: dict[str, Labelled], plan: BasePlan) -> None:
    metrics = hub.show(plan.reference).metrics
    measured = accuracies(open_base(hub, plan.name), images)
    assert metrics["accuracy"] == pytest.approx(measured.pop("upright"), abs=ONE_IMAGE)
    assert {name: metrics[f"accuracy_{name}"] for name in measured} == pytest.approx(measured, abs=ONE_IMAGE)
    assert metrics["accuracy"] > 0.95


def test_an_adapter_of_the_other_base_is_a_misfit(hub: Hub) -> None:
    (report,) = hub.audit(["digits/rotated-wide"], ["digits/vit"])
    assert (report.verdict, report.matched) == ("misfit", 0)


def test_every_adapter_reads_its_domain_far_better_than_its_base(hub: Hub) -> None:
    bases = {plan.name: hub.show(plan.reference).metrics for plan in BASES}
    for plan in ADAPTERS:
        gain = hub.show(plan.reference).metrics["accuracy"] - bases[plan.base][f"accuracy_{plan.domain}"]
        assert gain > 0.1, f"{plan.reference}: {gain}"


def test_the_second_version_is_better_than_the_first(hub: Hub) -> None:
    first, second = (hub.show(f"digits/rotated@{version}").metrics["accuracy"] for version in "12")
    assert second > first + 0.1


def test_an_adapter_says_what_it_was_trained_on(hub: Hub) -> None:
    shown = hub.show("digits/mirrored")
    assert shown.manifest.training is not None
    data = shown.manifest.training["data"]
    assert data == {name: hub.show(f"digits/{name}").digest for name in ("train", "test")}
    assert shown.manifest.base is not None
    assert shown.manifest.base.weights_digest == hub.base_show("digits/vit").weights_digest


def test_no_file_of_it_names_a_machine() -> None:
    texts = [path for name in PARTS for path in (REGISTRY / name).rglob("*.json")] + [REGISTRY / "catalog.json"]
    blobs = [path for path in (REGISTRY / "blobs").rglob("*") if path.is_file()]
    for path in (*texts, *blobs):
        data = path.read_bytes()
        assert not any(word in data for word in (b"/tmp/", b"/home/", b"/Users/", os.fsencode(REGISTRY.parent))), path


def test_every_deed_in_it_was_done_by_the_project(hub: Hub) -> None:
    assert {event.by for event in hub.log()} == {"adapterhub"}
    assert {json.loads(path.read_bytes())["by"] for path in (REGISTRY / "notes").rglob("*.json")} == {"adapterhub"}


def test_the_mix_of_the_demo_reads_both_domains_better_than_the_base_and_than_the_other_adapter(
    hub: Hub, images: dict[str, Labelled]
) -> None:
    model = open_base(hub, "digits/vit")
    one, other = (term.partition("*")[0].removeprefix("digits/") for term in MIX.split(" + "))
    with hub.stack(model, MIX):
        mixed = accuracies(model, {domain: images[domain] for domain in (one, other)})
    for domain, rival in ((one, other), (other, one)):
        with hub.stack(model, f"digits/{rival}"):
            assert mixed[domain] > accuracies(model, {domain: images[domain]})[domain] + 0.1


def test_a_copy_leaves_a_local_stores_belongings_behind(tmp_path: Path) -> None:
    source = copy_registry(REGISTRY, tmp_path / "one")
    (source / "settings.json").write_text("{}")
    assert {path.name for path in copy_registry(source, tmp_path / "two").iterdir()} == set(PARTS)
