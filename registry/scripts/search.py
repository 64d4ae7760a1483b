"""Where the numbers in `plan.py` and the mix of the demo come from: validation images only.

python -m registry.scripts.search fits [ADAPTER…]     other rates and steps for each adapter (some minutes)
python -m registry.scripts.search mixes               every pair of the registry's adapters, weighed equally
"""

import sys
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path

from torch import nn

from registry.scripts.digits import Labelled, load, seen_as
from registry.scripts.layout import REGISTRY, copy_registry
from registry.scripts.plan import ADAPTERS, AdapterPlan
from registry.scripts.train import accuracy, fit, make_repeatable, new_adapter, open_base, training_images

RATES = (2e-3, 3e-3, 5e-3)
STEPS = (300, 600)
WEIGHTS = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
VALIDATION_DICE = 1


def search_fits(base: Path, plans: Iterable[AdapterPlan]) -> None:
    """Train each adapter at every rate and length; print the accuracy on its domain and upright."""
    splits = load()
    for plan, steps, rate in product(plans, STEPS, RATES):
        model = new_adapter(open_base(base), plan)
        fit(model, training_images(plan, splits.train), replace(plan.fit, steps=steps, rate=rate), plan.seed)
        own, upright = (on(model, splits.validation, domain) for domain in (plan.domain, "upright"))
        print(f"{plan.reference:20} {steps:4} steps at {rate:.0e}: own {own:.3f}  upright {upright:.3f}", flush=True)


def on(model: nn.Module, validation: Labelled, domain: str) -> float:
    """The accuracy on the validation images as a domain shows them."""
    return accuracy(model, Labelled(seen_as(domain, validation.images, VALIDATION_DICE), validation.labels))


def search_mixes(registry: Path) -> None:
    """Stack every pair of adapters of the first base at every weight; print the accuracies on both domains."""
    from adapterhub import Hub

    hub = Hub.open(registry)
    validation = load().validation
    model = open_base(hub.path("digits/vit"))
    plans = [plan for plan in ADAPTERS if plan.base == "digits/vit" and plan.reference != "digits/rotated@1"]
    for one, other in combinations(plans, 2):
        domains = ["upright", one.domain, other.domain]
        domains += ["mirrored_shifted"] * ({one.domain, other.domain} == {"mirrored", "shifted"})
        with hub.stack(model, f"{one.name} + {other.name}") as stack:
            for weight in WEIGHTS:
                stack.weights = {one.name: weight, other.name: weight}
                row = "  ".join(f"{domain} {on(model, validation, domain):.3f}" for domain in domains)
                print(f"{one.domain} + {other.domain} at {weight}: {row}", flush=True)


def main(words: list[str]) -> None:
    """Search what the first word says, on a copy of the registry."""
    make_repeatable()
    with tempfile.TemporaryDirectory() as folder:
        copy = copy_registry(REGISTRY, Path(folder) / "registry")
        if words[:1] == ["mixes"]:
            return search_mixes(copy)
        from adapterhub import Hub

        base = Hub.open(copy).path("digits/vit")
        plans = [plan for plan in ADAPTERS if plan.base == "digits/vit" and plan.version == "1"]
        return search_fits(base, [plan for plan in plans if plan.name in words[1:] or not words[1:]])


if __name__ == "__main__":
    main(sys.argv[1:])
