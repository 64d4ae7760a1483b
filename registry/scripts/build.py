"""Make the registry again, from the images to the catalog: a few minutes, on one core.

    python -m registry.scripts.build

It is built in a folder beside the old one and changes places with it at the end. All of it is written by `Hub.add`.
"""

import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from torch import nn

from adapterhub import Hub
from registry.scripts import train
from registry.scripts.digits import DOMAINS, Labelled, Splits, load, seen_as
from registry.scripts.layout import PARTS, REGISTRY, size_of
from registry.scripts.plan import ADAPTERS, BASES, AdapterPlan, BasePlan, config_of
from registry.scripts.readme import write_table

if TYPE_CHECKING:
    from adapterhub.verbs.shown import Shown

AUTHOR = "adapterhub"
IMAGES = "CC-BY-4.0"
VERSIONS = ("numpy", "peft", "torch", "transformers")
TEST_DICE = 2
SOURCE = (
    "From scikit-learn's `load_digits`: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI, "
    "1998, https://doi.org/10.24432/C50P49, CC BY 4.0. Images are 8×8 whole numbers from 0 to 16.\n"
)


class Work(NamedTuple):
    """What every step needs: the hub that is filled, the images, a folder for passing things on."""

    hub: Hub
    splits: Splits
    folder: Path


def main() -> None:
    """Build, swap, tell."""
    began = time.monotonic()
    os.environ["ADAPTERHUB_USER"] = AUTHOR
    with tempfile.TemporaryDirectory(prefix=".building-", dir=REGISTRY) as folder:
        fresh = Path(folder) / "registry"
        hub = build(fresh, Path(folder))
        write_table(hub, REGISTRY / "README.md")
        swap(fresh, REGISTRY, Path(folder) / "old")
    print(f"{size_of(REGISTRY) / 1e6:.2f} MB in {time.monotonic() - began:.0f} seconds")


def build(root: Path, folder: Path) -> Hub:
    """Fill a new registry: images, bases, adapters, catalog."""
    train.make_repeatable()
    train.quietly()
    work = Work(Hub.open(root), load(), folder)
    data = publish_data(work)
    for base in BASES:
        publish_base(work, base, data)
    for adapter in ADAPTERS:
        publish_adapter(work, adapter, data)
    work.hub.alias("digits/rotated@2", "stable")
    work.hub.catalog()
    return work.hub


def publish_data(work: Work) -> dict[str, str]:
    """The images as entries; their digests by name."""
    splits = work.splits
    train_parts = {"train": splits.train, "validation": splits.validation}
    train_folder, test_folder = work.folder / "train", work.folder / "test"
    for name, part in train_parts.items():
        save_arrays(train_folder / f"{name}.npz", {"images": part.images, "labels": part.labels})
    seen = {domain: seen_as(domain, splits.test.images, TEST_DICE) for domain in DOMAINS}
    save_arrays(test_folder / "test.npz", {"labels": splits.test.labels, **seen})
    write_card(train_folder, "digits/train@1", "The upright digits that weights are fitted to and choices made on.")
    write_card(test_folder, "digits/test@1", f"{len(splits.test)} held-out digits, once for each domain.")
    entries = {
        name: work.hub.add(folder, f"digits/{name}@1", license=IMAGES, tags=["images"])
        for name, folder in (("train", train_folder), ("test", test_folder))
    }
    return {name: entry.digest for name, entry in entries.items()}


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """An npz whose bytes depend on the arrays alone."""
    path.parent.mkdir(exist_ok=True)
    np.savez(path, **arrays)  # type: ignore[arg-type]


def write_card(folder: Path, title: str, text: str) -> None:
    """A README.md, which `Hub.add` keeps as the entry's card."""
    (folder / "README.md").write_text(f"# {title}\n\n{text}\n\n{SOURCE}", "utf-8")


def publish_base(work: Work, plan: BasePlan, data: Mapping[str, str]) -> None:
    """Train a base and put it into the registry."""
    model = train.new_base(plan)
    seconds = timed(lambda: train.fit(model, images_for(plan, work), plan.fit, plan.seed))
    metrics = {f"accuracy_{domain}": on_test(model, work.splits.test, domain) for domain in DOMAINS}
    metrics["accuracy"] = metrics.pop("accuracy_upright")
    folder = work.folder / plan.name.replace("/", "-")
    model.save_pretrained(folder)
    text = f"A vision transformer for upright 8×8 digits, {plan.layers} layers of {plan.hidden}: {plan.about}."
    write_card(folder, plan.reference, text)
    tell(
        work.hub.add(
            folder,
            plan.reference,
            metrics=metrics,
            tags=["digits"],
            cost=cost_of(model, seconds),
            training=training_of(plan, data),
        )
    )


def publish_adapter(work: Work, plan: AdapterPlan, data: Mapping[str, str]) -> None:
    """Train an adapter on its base and put it into the registry."""
    base = train.open_base(work.hub.path(f"{plan.base}@1"))
    alone = on_test(base, work.splits.test, plan.domain)
    model = train.new_adapter(base, plan)
    seconds = timed(lambda: train.fit(model, images_for(plan, work), plan.fit, plan.seed))
    own, upright = (on_test(model, work.splits.test, domain) for domain in (plan.domain, "upright"))
    folder = work.folder / plan.reference.replace("/", "-")
    train.save_adapter(model, folder, plan.base)
    write_card(folder, plan.reference, adapter_text(plan, alone, own, upright))
    tell(
        work.hub.add(
            folder,
            plan.reference,
            base=f"{plan.base}@1",
            metrics={"accuracy": own, "accuracy_upright": upright},
            tags=["digits", plan.domain],
            cost=cost_of(model, seconds),
            training=training_of(plan, data),
        )
    )


def adapter_text(plan: AdapterPlan, alone: float, own: float, upright: float) -> str:
    """What the card of an adapter says."""
    return (
        f"A LoRA adapter (rank {plan.rank}) of `{plan.base}` for digits {DOMAINS[plan.domain].about}, trained for "
        f"{plan.fit.steps} steps.\nOn held-out images it reads {own:.1%} of them (the base alone {alone:.1%}), and "
        f"{upright:.1%} of the upright ones."
    )


def images_for(plan: BasePlan | AdapterPlan, work: Work) -> Labelled:
    """What this plan is trained on."""
    return train.training_images(plan, work.splits.train)


def on_test(model: nn.Module, test: Labelled, domain: str) -> float:
    """The accuracy on the held-out images as a domain shows them, as they lie in `digits/test`."""
    return train.accuracy(model, Labelled(seen_as(domain, test.images, TEST_DICE), test.labels))


def timed(work: Callable[[], object]) -> float:
    """The seconds something takes."""
    began = time.monotonic()
    work()
    return time.monotonic() - began


def cost_of(model: nn.Module, seconds: float) -> dict[str, Any]:
    """What the training took, in seconds, and how many numbers it fitted."""
    fitted = sum(weight.numel() for weight in model.parameters() if weight.requires_grad)
    return {"seconds": round(seconds, 1), "trainable_parameters": fitted}


def training_of(plan: BasePlan | AdapterPlan, data: Mapping[str, str]) -> dict[str, Any]:
    """What a manifest says of a training: choices, seed, data by digest, and the builds it ran on."""
    return {
        "config": config_of(plan),
        "seed": plan.seed,
        "data": dict(data),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in VERSIONS}},
    }


def tell(shown: "Shown") -> None:
    """One line about what was added."""
    print(f"{shown.reference:24} {shown.digest[:19]}  {json.dumps(shown.metrics)}", flush=True)


def swap(fresh: Path, registry: Path, old: Path) -> None:
    """Put the new parts where the old ones are; if that fails half-way, the old ones come back."""
    old.mkdir()
    there = [name for name in PARTS if (registry / name).exists()]
    try:
        for name in there:
            (registry / name).rename(old / name)
        for name in PARTS:
            (fresh / name).rename(registry / name)
    except BaseException:
        for name in PARTS:
            if (old / name).exists():
                shutil.rmtree(registry / name, ignore_errors=True)
                (registry / name).unlink(missing_ok=True)
                (old / name).rename(registry / name)
        raise


if __name__ == "__main__":
    main()
