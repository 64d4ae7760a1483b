"""Checks of modules."""

import pytest

from adapterhub.audit.fit import fit
from adapterhub.formats.peft_config import read
from tests.audit.builders import LAYERS, adapter, card


def test_many_missing_places_end_with_how_many_more_there_are():
    strange = {f"other.block{n}.weird": (2, 2) for n in range(25)}
    found = [found for found in fit(adapter({**LAYERS, **strange}), card()).findings if found.check == "missing-module"]
    assert len(found) == 20
    assert found[-1].message == "tiny has no such module; so have 5 more places"


def test_a_target_that_only_the_base_has_is_no_fault():
    base = card({**LAYERS, "model.layers.0.k_proj": (6, 5)})
    assert fit(adapter(listed=("q_proj", "v_proj", "k_proj")), base).findings == ()


def test_shapes_that_agree_are_one_finding():
    base = card({module: (6, 7) if "q_proj" in module else shape for module, shape in LAYERS.items()})
    (found,) = fit(adapter(), base).findings
    assert found.place == "model.layers.0-2.q_proj"


FIRST = {module: shape for module, shape in LAYERS.items() if ".2." not in module}
LEAVES = ("q_proj", "v_proj")


def test_the_first_layers_of_a_deeper_base_say_that_the_model_is_another():
    """Six-layer GPT-2 inside the one of twelve: all names and shapes agree."""
    report = fit(adapter(FIRST, listed=LEAVES), card())
    (found,) = report.findings
    assert (report.verdict, found.check, found.severity) == ("unpinned", "fewer-layers", "warning")
    assert found.place == "model.layers.0-1.q_proj, model.layers.0-1.v_proj"
    assert "the first 2 of the 3 of tiny" in found.message


def small(one, base=None):
    return [found for found in fit(one, base or card()).findings if found.check == "fewer-layers"]


@pytest.mark.parametrize(
    "chosen",
    [
        {"listed": ("layers.0.q_proj", *LEAVES)},
        {"listed": LEAVES, "config": read(b'{"r": 4, "layers_to_transform": [0, 1]}', "config")},
        {},
    ],
)
def test_layers_that_were_chosen_are_no_smaller_model(chosen):
    assert [
        found.check for found in fit(adapter(FIRST, **chosen), card()).findings if found.check == "fewer-layers"
    ] == []


def test_a_digit_in_a_module_s_own_name_chooses_no_layer():
    layers = {f"decoder.layers.{n}.fc1": (6, 5) for n in range(3)}
    first = {module: shape for module, shape in layers.items() if ".2." not in module}
    assert small(adapter(first, listed=("fc1",)), card(layers))


def test_the_last_layers_are_no_smaller_model():
    last = {module: shape for module, shape in LAYERS.items() if ".0." not in module}
    assert small(adapter(last, listed=LEAVES)) == []


def test_one_kind_of_module_that_all_layers_have_is_no_smaller_model():
    some = {module: shape for module, shape in LAYERS.items() if not module.endswith("2.v_proj")}
    assert small(adapter(some, listed=LEAVES)) == []


def test_layers_a_base_has_beyond_those_of_its_config_predict_further_tokens():
    base = card().model_copy(update={"config": {"num_hidden_layers": 2}})
    assert small(adapter(FIRST, listed=LEAVES), base) == []


def test_of_a_misfit_the_layers_are_no_news():
    wide = card(dict.fromkeys(LAYERS, (9, 9)))
    report = fit(adapter(FIRST, listed=LEAVES), wide)
    assert report.verdict == "misfit"
    assert "fewer-layers" not in {found.check for found in report.findings}
