"""Every check finds the fault that is its own, and a pair with that fault has no other finding."""

import pytest

from adapterhub.audit.adapter import Target
from adapterhub.audit.checks.table import CHECKS
from adapterhub.audit.fit import fit
from adapterhub.facts import Facts
from adapterhub.formats.peft_config import read
from adapterhub.manifest import BasePin
from tests.audit.builders import LAYERS, adapter, card, pinned

Q, EMBED, HEAD = "model.layers.0.q_proj", "model.embed_tokens", "lm_head"
OTHER = "sha256:" + "9" * 64
EXPERTS = "model.layers.0.mlp.experts.down_proj"


def named(name, **more):
    return Facts(format="peft", base_name=name, **more)


def packed(base, module):
    """The same base with a module in bytes, as bitsandbytes packs four bits: the header tells no shape."""
    leaf = f"{module}.weight"
    rows = [row for row in base.tensors if row.name != leaf]
    row = base.by_name[leaf]
    rows.append(row.model_copy(update={"dtype": "U8", "shape": (15, 1)}))
    rows.append(row.model_copy(update={"name": f"{leaf}.absmax", "shape": (1,)}))
    return base.model_copy(update={"tensors": tuple(rows)})


def eight_bits(base, module):
    leaf = f"{module}.weight"
    rows = [row.model_copy(update={"dtype": "I8"}) if row.name == leaf else row for row in base.tensors]
    rows.append(base.by_name[leaf].model_copy(update={"name": f"{module}.SCB", "shape": (6,)}))
    return base.model_copy(update={"tensors": tuple(rows)})


def hub(base, source):
    return base.model_copy(update={"source": source})


def tied_base():
    base = card({**LAYERS, EMBED: (9, 5)})
    return base.model_copy(update={"config": {"tie_word_embeddings": True, "vocab_size": 9}})


FAULTS = {
    "missing-module": (adapter({**LAYERS, "model.layers.0.k_proj": (6, 5)}), card()),
    "shape": (adapter(), card({**LAYERS, Q: (8, 5)})),
    "vocabulary": (adapter({**LAYERS, EMBED: (12, 5)}), card({**LAYERS, EMBED: (9, 5)})),
    "drift": (adapter(**pinned(card())), card(changed=(Q,))),
    "no-hashes": (adapter(pin=BasePin(evidence="bytes", weights_digest=OTHER)), card()),
    "model-type": (adapter(model_type="opt"), card()),
    "base-name": (
        adapter(pin=BasePin(evidence="revision", source="hf:org/tiny", revision="abc1"), facts=named("org/other")),
        card(),
    ),
    "other-base": (adapter(facts=named("org/tiny")), hub(card(), "hf:org/other")),
    "pin-contradicted": (
        adapter(**pinned(card(), noted=BasePin(evidence="bytes", weights_digest=OTHER))),
        card(),
    ),
    "quantised-elsewhere": (adapter(facts=named("org/tiny-bnb-4bit")), card()),
    "tied-target": (adapter({**LAYERS, HEAD: (9, 5)}), tied_base()),
    "quantised-target": (adapter(), eight_bits(card(), Q)),
    "target": (adapter(listed=("q_proj", "v_proj", "qproj")), card()),
    "fewer-layers": (
        adapter(
            {module: shape for module, shape in LAYERS.items() if ".2." not in module}, listed=("q_proj", "v_proj")
        ),
        card(),
    ),
    "targets-nothing": (adapter({}), card()),
    "unread-module": (adapter(unread=("model.layers.0.mlp.experts",)), card()),
    "saved-tensor": (adapter(saved={"score.weight": (7, 5)}), card(**{"score.weight": (2, 5)})),
    "unexpected-tensor": (adapter(saved={"norm.bias": (5,)}, reasons={"norm.bias": "bias"}), card()),
    "pickle-beside": (adapter(files=("adapter_config.json", "training_args.bin")), card()),
    "misread": (
        adapter(config=read(b'{"peft_type":"LORA","r":4,"lora_alpha":8.5,"target_modules":["q"]}', "c")),
        card(),
    ),
}


@pytest.mark.parametrize("check", FAULTS)
def test_a_fault_makes_its_finding_and_no_other(check):
    one, base = FAULTS[check]
    assert {found.check for found in fit(one, base).findings} == {check}


def test_what_is_packed_has_no_shape_and_both_are_said():
    found = {found.check for found in fit(adapter(), packed(card(), Q)).findings}
    assert found == {"quantised-target", "unshaped-target"}


def test_square_experts_of_an_unknown_peft_are_ambiguous():
    one = adapter({})
    one.targets[EXPERTS] = Target((2, 4, 4), stacked=True)
    base = card({}, **{EXPERTS: (2, 4, 4)})
    assert {found.check for found in fit(one, base).findings} == {"ambiguous-experts"}


def test_what_lies_in_other_tensors_is_not_compared():
    """One matrix for each expert where it was trained, one tensor for all of them here."""
    block = "model.layers.0.mlp.experts"
    trained = card({f"{block}.{n}.down_proj": (4, 3) for n in range(2)})
    report = fit(
        adapter({f"{block}.1.down_proj": (4, 3)}, **pinned(trained)), card({}, **{f"{block}.down_proj": (2, 4, 3)})
    )
    assert {found.check for found in report.findings} == {"uncompared"}
    assert report.verdict == "unpinned"


def test_every_check_has_a_fault_here():
    elsewhere = {"unshaped-target", "ambiguous-experts", "uncompared"}
    assert CHECKS.keys() == FAULTS.keys() | elsewhere


def test_every_finding_has_a_place_a_reason_and_a_remedy():
    for one, base in FAULTS.values():
        for found in fit(one, base).findings:
            assert found.check in CHECKS
            assert found.place
            assert found.message
            assert found.remedy


def test_a_sound_pair_has_no_finding():
    assert fit(adapter(**pinned(card())), card()).findings == ()
