"""Checks of who the base is."""

import pytest

from adapterhub.audit.fit import fit
from adapterhub.facts import Facts
from adapterhub.manifest import BasePin
from tests.audit.builders import adapter, card, pinned

Q = "model.layers.0.q_proj"


def on_hub(base, source):
    return base.model_copy(update={"source": source})


def named(name, revision=None):
    return Facts(format="peft", base_name=name, base_revision=revision)


def checks(report):
    return {found.check: found for found in report.findings}


def test_drift_tells_that_the_name_is_the_same():
    one = adapter(**pinned(card()), facts=named("org/tiny"))
    found = checks(fit(one, on_hub(card(changed=(Q,)), "hf:org/tiny@abc123")))
    assert found.keys() == {"drift"}
    assert "although it is called org/tiny too" in found["drift"].message
    assert "although" not in checks(fit(one, card(changed=(Q,))))["drift"].message


def test_a_digest_that_belongs_to_another_name_is_found():
    one = adapter(**pinned(card()), facts=named("org/other"))
    found = checks(fit(one, on_hub(card(), "hf:org/tiny")))
    assert found.keys() == {"base-name"}
    assert "names org/other, the pinned digest is that of org/tiny" in found["base-name"].message


@pytest.mark.parametrize("name", ["org/tiny", "ORG/Tiny", "/data/tiny", "../tiny"])
def test_the_same_name_or_somebodys_path_contradicts_no_digest(name):
    assert fit(adapter(**pinned(card()), facts=named(name)), on_hub(card(), "hf:org/tiny")).findings == ()


@pytest.mark.parametrize(
    ("facts", "source", "says"),
    [
        (named("org/tiny"), "hf:org/other", "names org/tiny, this base is org/other"),
        (named("org/tiny", "abcd"), "hf:org/tiny@ffff", "names the revision abcd of org/tiny, this base is ffff"),
    ],
)
def test_another_base_than_the_named_one_is_said(facts, source, says):
    (found,) = fit(adapter(facts=facts), on_hub(card(), source)).findings
    assert (found.check, found.severity) == ("other-base", "info")
    assert says in found.message


@pytest.mark.parametrize(
    ("facts", "source"),
    [
        (named("org/tiny", "main"), "hf:org/tiny@ffff"),
        (named("org/tiny", "ffff00"), "hf:org/tiny@ffff"),
        (named("org/tiny"), None),
        (named("/data/tiny"), "hf:org/tiny"),
        (Facts(format="peft"), "hf:org/tiny"),
    ],
)
def test_what_may_be_the_same_base_is_no_finding(facts, source):
    assert fit(adapter(facts=facts), on_hub(card(), source)).findings == ()


def test_digests_make_names_a_matter_of_indifference():
    one = adapter(**pinned(card()), facts=named("org/tiny", "abcd"))
    assert fit(one, on_hub(card(), "hf:org/tiny@ffff")).findings == ()


@pytest.mark.parametrize(("name", "found"), [("org/tiny-GPTQ", True), ("org/tiny-bnb-4bit", True), ("org/int", False)])
def test_a_quantised_copy_is_told_by_its_name(name, found):
    assert ("quantised-elsewhere" in checks(fit(adapter(facts=named(name)), card()))) == found


def test_a_pin_of_the_hub_comes_before_the_configs_name():
    pin = BasePin(evidence="revision", source="hf:org/tiny", revision="abcd")
    found = checks(fit(adapter(pin=pin, facts=named("org/tiny", "abcd")), on_hub(card(), "hf:org/other")))
    assert "names org/tiny" in found["other-base"].message


@pytest.mark.parametrize(
    ("task", "prefix", "found"),
    [("CAUSAL_LM", "decoder", True), ("CAUSAL_LM", "encoder", False), ("SEQ_2_SEQ_LM", "decoder", False)],
)
def test_a_decoder_inside_one_with_an_encoder_is_another_model(task, prefix, found):
    """OPT-125m inside the decoder of a small Whisper, where the config names no class: PEFT notes none with a task."""
    shapes = {f"model.{prefix}.layers.0.q_proj": (6, 5)}
    base = card(shapes, model_type="whisper").model_copy(update={"config": {"is_encoder_decoder": True}})
    report = fit(adapter(shapes, facts=Facts(format="peft", task=task)), base)
    assert report.verdict == "unpinned"
    assert ("model-type" in checks(report)) == found
