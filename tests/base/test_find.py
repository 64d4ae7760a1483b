"""Names of live models against checkpoints: transformers builds and saves both, and is the judge."""

import pytest

from adapterhub.base.card import Card, card_of
from adapterhub.base.find import find
from adapterhub.base.names import match
from adapterhub.base.naming.renames import RENAMES
from adapterhub.base.row import TensorRow
from adapterhub.base.slices import FUSED
from adapterhub.formats.members import FolderMembers
from tests.base.models import MODELS, built, shapes

ONLY_IN_GGUF = {"gptneox", "llama"}
TURNED = {"gpt_oss"}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """The card of a model's checkpoint, and the shapes of the live model."""
    known = {}

    def of(model_type):
        if model_type not in known:
            folder = tmp_path_factory.mktemp("models")
            model = built(model_type)
            model.save_pretrained(str(folder))
            members = FolderMembers({path.name: path for path in folder.iterdir()})
            known[model_type] = card_of(members, hashes=False), shapes(model)
        return known[model_type]

    return of


@pytest.mark.parametrize("model_type", MODELS)
def test_every_layer_of_the_live_model_is_found_in_its_checkpoint_with_its_shape(saved, model_type):
    card, live = saved(model_type)
    found = find(live, card)
    assert found.naming.missing == ()
    assert {name: weight.shape for name, weight in found.weights.items()} == live


@pytest.mark.parametrize("model_type", MODELS)
def test_what_the_checkpoint_calls_its_layers_is_found_in_the_live_model(saved, model_type):
    card, live = saved(model_type)
    there = find(live, card)
    whole = {name: weight for name, weight in there.weights.items() if not weight.rule}
    back = match([there.naming.targets[name] for name in whole], live, model_type)
    assert back.missing == ()
    assert {back.targets[there.naming.targets[name]]: name for name in whole} == {name: name for name in whole}


def test_every_renamed_and_fused_type_is_measured():
    types = set().union(*(row.types for row in (*RENAMES.values(), *FUSED)))
    assert types - set(MODELS) == ONLY_IN_GGUF - set(MODELS)


RULES = {
    "llama": "identity",
    "llava": "wrapper model.language_model. to language_model.model.",
    "qwen2_5_vl": "wrapper model.language_model. to model.",
    "mixtral": "moe 5 to 4, experts stacked",
    "qwen2_moe": "experts stacked",
    "gte": "gte 5 to 4, apart, tied",
    "gpt2": "tied",
    "whisper": "tied",
}


@pytest.mark.parametrize("model_type", RULES)
def test_the_rule_is_named(saved, model_type):
    card, live = saved(model_type)
    assert set(find(live, card).rule.split(", ")) == set(RULES[model_type].split(", "))


@pytest.mark.parametrize("model_type", ["gemma3", "llava", "mistral3", "paligemma", "qwen2_vl", "internvl"])
def test_what_was_trained_on_the_language_model_alone_is_found_in_the_wrapper(saved, model_type):
    card, live = saved(model_type)
    inside = "model.language_model."
    alone = {name.replace(inside, "model."): live[name] for name in live if name.startswith(inside)}
    found = find(alone, card)
    assert found.naming.missing == ()
    assert {name: weight.shape for name, weight in found.weights.items()} == alone


@pytest.mark.parametrize("model_type", ["qwen2_moe", "gpt_oss", "granitemoe"])
def test_one_expert_finds_its_slice_of_a_stack(saved, model_type):
    _, live = saved(model_type)
    rows = tuple(TensorRow(name=name, dtype="F32", shape=shape) for name, shape in live.items() if "experts" in name)
    inner = 24 if model_type != "qwen2_moe" else 12
    stacked = Card(layout_digest="", model_type=model_type, config={"hidden_size": 16}, tensors=rows)
    block = next(row.name for row in rows if row.name.endswith(".gate_up_proj")).removesuffix(".gate_up_proj")
    wanted = {f"{block}.3.{leaf}": (inner, 16) for leaf in ("gate_proj", "up_proj", "w1", "w3")}
    wanted |= {f"{block}.0.{leaf}": (16, inner) for leaf in ("down_proj", "w2")}
    found = find(wanted, stacked)
    assert {name: weight.shape for name, weight in found.weights.items()} == wanted
    assert found.rule == "experts apart"
    assert found.weights[f"{block}.3.w1"].part == "gate_proj of expert 3"


def test_identity_looks_at_nothing_else(saved):
    card, live = saved("llama")
    assert find(live, card).weights.keys() == live.keys()
    assert "reachable" not in vars(card)
