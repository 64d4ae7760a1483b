"""Verdicts from tables of shapes and digests."""

import pytest

from adapterhub.audit.fit import fit
from adapterhub.audit.report import VERDICTS, good_enough
from adapterhub.facts import Facts
from adapterhub.finding import Finding
from adapterhub.manifest import BasePin
from tests.audit.builders import LAYERS, adapter, card, pinned

Q, V = "model.layers.0.q_proj", "model.layers.0.v_proj"
SECOND = "model.layers.1.q_proj"


def checks(report):
    return {found.check: found for found in report.findings}


def test_the_base_it_was_trained_on_is_exact():
    report = fit(adapter(**pinned(card())), card())
    assert (report.verdict, report.evidence, report.matched) == ("exact", "bytes", 6)
    assert report.missing == report.mismatched == report.drifted == report.findings == ()


def test_only_a_name_is_unpinned():
    named = adapter(facts=Facts(format="peft", base_name="org/tiny"))
    assert fit(adapter(), card()).verdict == fit(named, card()).verdict == "unpinned"
    assert (fit(adapter(), card()).evidence, fit(named, card()).evidence) == ("none", "name")
    assert fit(adapter(), card()).findings == ()


def test_targets_with_other_bytes_are_drifted_and_named():
    report = fit(adapter(**pinned(card())), card(changed=(Q, SECOND)))
    assert (report.verdict, report.drifted) == ("drifted", (Q, SECOND))
    assert checks(report)["drift"].place == "model.layers.0-1.q_proj"


def test_other_bytes_elsewhere_change_nothing():
    trained_on = card({**LAYERS, "embed": (9, 5)})
    report = fit(adapter(**pinned(trained_on)), card({**LAYERS, "embed": (9, 5)}, changed=("embed",)))
    assert report.verdict == "exact"


def test_a_target_that_is_missing_makes_it_partial():
    less = {module: shape for module, shape in LAYERS.items() if "layers.2" not in module}
    report = fit(adapter(), card(less))
    assert (report.verdict, report.matched) == ("partial", 4)
    assert report.missing == ("model.layers.2.q_proj", "model.layers.2.v_proj")
    assert [found.place for found in report.findings] == list(report.missing)


def test_a_target_of_another_shape_makes_it_partial():
    report = fit(adapter(), card({**LAYERS, Q: (8, 5)}))
    assert (report.verdict, report.matched) == ("partial", 5)
    assert report.mismatched[0].model_dump() == {"module": Q, "adapter": (6, 5), "base": (8, 5)}
    assert checks(report)["shape"].message == "the adapter changes a weight of 6×5, tiny has 8×5 there"


def test_when_nothing_fits_it_is_a_misfit():
    assert fit(adapter(), card({"bert.encoder.layer.0.query": (6, 5)}, model_type="bert")).verdict == "misfit"
    assert fit(adapter(), card(dict.fromkeys(LAYERS, (7, 5)))).verdict == "misfit"


@pytest.mark.parametrize(
    ("recorded", "base", "says"),
    [
        (card(hashes=False), card(), "the recorded card has no hashes"),
        (card(), card(hashes=False), "its card has no hashes"),
        (None, card(), "is not here"),
    ],
)
def test_without_hashes_on_both_sides_it_is_unpinned_and_says_why(recorded, base, says):
    pin = BasePin(evidence="bytes", weights_digest="sha256:" + "1" * 64)
    report = fit(adapter(pin=pin, recorded=recorded), base)
    assert report.verdict == "unpinned"
    assert says in checks(report)["no-hashes"].message


def test_the_digest_of_all_weights_is_enough():
    pin = BasePin(evidence="bytes", weights_digest=card().weights_digest)
    report = fit(adapter(pin=pin), card())
    assert (report.verdict, report.findings) == ("exact", ())


def test_a_pin_by_name_proves_nothing():
    report = fit(adapter(pin=BasePin(evidence="name", source="hf:org/tiny"), recorded=card()), card())
    assert (report.verdict, report.evidence) == ("unpinned", "name")


def test_a_prefix_on_either_side_is_no_difference():
    bare = card({module.removeprefix("model."): shape for module, shape in LAYERS.items()})
    report = fit(adapter(**pinned(card())), bare)
    assert (report.verdict, report.naming) == ("exact", "prefix model. left out")


def test_vits_new_names_find_the_old_ones():
    base = card({f"vit.encoder.layer.{n}.attention.attention.query": (6, 6) for n in range(2)}, model_type="vit")
    report = fit(adapter({f"vit.layers.{n}.attention.q_proj": (6, 6) for n in range(2)}), base)
    assert (report.verdict, report.naming, report.matched) == ("unpinned", "vit 5 to 4", 2)


def test_gpt2_stores_its_weights_transposed_whatever_the_config_says():
    base = card({"transformer.h.0.attn.c_attn": (5, 15), "lm_head": (9, 5)}, model_type="gpt2")
    report = fit(adapter({"transformer.h.0.attn.c_attn": (15, 5), "lm_head": (9, 5)}), base)
    assert (report.verdict, report.mismatched) == ("unpinned", ())
    swapped = fit(adapter({"transformer.h.0.attn.c_attn": (5, 15)}), base)
    assert swapped.mismatched[0].base == (15, 5)


def test_an_unknown_type_may_be_transposed_if_the_config_says_so():
    base = card({"h.0.mix": (5, 15)}, model_type="homemade")
    assert fit(adapter({"h.0.mix": (15, 5)}, transposed=True), base).verdict == "unpinned"
    assert fit(adapter({"h.0.mix": (15, 5)}), base).verdict == "misfit"


def test_a_model_type_that_differs_is_a_finding_and_no_verdict():
    whisper = card(model_type="whisper")
    for opt in (adapter(model_type="opt"), adapter(recorded=card(model_type="opt"))):
        report = fit(opt, whisper)
        assert report.verdict == "unpinned"
        assert (
            checks(report)["model-type"].message
            == "the adapter was trained on the model type opt, this base is whisper"
        )
    assert fit(adapter(model_type="xlm_roberta"), card(model_type="xlm-roberta")).findings == ()


def test_a_saved_head_of_another_size_is_only_worth_knowing():
    base = card(**{"score.weight": (2, 5)})
    report = fit(adapter(saved={"score.weight": (7, 5), "extra.bias": (7,)}), base)
    assert (report.verdict, report.unexpected) == ("unpinned", ("extra.bias",))
    assert [(found.check, found.severity) for found in report.findings] == [("saved-tensor", "info")]


def test_a_saved_tensor_is_looked_for_under_the_rule_of_the_modules():
    bare = card({module.removeprefix("model."): shape for module, shape in LAYERS.items()}, **{"norm.bias": (5,)})
    assert fit(adapter(saved={"model.norm.bias": (5,)}), bare).unexpected == ()


def test_a_listed_target_that_matches_nothing_is_found():
    report = fit(adapter(listed=("q_proj", "v_proj", "qproj")), card())
    assert [found.check for found in report.findings] == ["target"]
    assert "'qproj' matches no module" in report.findings[0].message


def test_of_very_many_listed_targets_the_first_are_told():
    found = fit(adapter(listed=tuple(f"m{n}" for n in range(100_000))), card()).findings
    assert len(found) == 20
    assert found[-1].message.endswith("; nor do 99980 more")


def test_what_does_not_fit_is_not_said_to_lack_hashes():
    one = adapter(pin=BasePin(evidence="bytes", weights_digest="sha256:" + "1" * 64))
    some = card({module: (6, 5) if "q" in module else (9, 9) for module in LAYERS}, hashes=False)
    assert "no-hashes" in [found.check for found in fit(one, card(hashes=False)).findings]
    assert [found.check for found in fit(one, some).findings] == ["shape"]


@pytest.mark.parametrize(
    ("name", "revision", "found"),
    [("org/tiny", None, False), ("ORG/Tiny", "abc1", False), ("org/other", None, True), ("org/tiny", "ffff", True)],
)
def test_a_name_that_contradicts_the_pin_is_found(name, revision, found):
    pin = BasePin(evidence="revision", source="hf:org/tiny", revision="abc123")
    facts = Facts(format="peft", base_name=name, base_revision=revision)
    assert ("base-name" in checks(fit(adapter(pin=pin, facts=facts), card()))) == found


def test_a_later_note_that_contradicts_the_manifest_is_found():
    fields = pinned(card(), noted=BasePin(evidence="bytes", weights_digest="sha256:" + "9" * 64))
    report = fit(adapter(**fields), card())
    assert report.verdict == "exact"
    assert "pin-contradicted" in checks(report)


def test_the_findings_of_the_facts_are_passed_on():
    found = Finding(check="untrained", severity="warning", place="adapter_model.safetensors", message="all zero")
    assert fit(adapter(facts=Facts(format="peft", findings=(found,))), card()).findings == (found,)


def test_a_target_without_a_shape_only_has_to_be_there():
    unshaped = adapter({Q: None})
    assert fit(unshaped, card()).verdict == "unpinned"
    assert fit(unshaped, card({V: (6, 5)})).verdict == "misfit"


def test_an_adapter_without_targets_fits_everything_and_says_so():
    report = fit(adapter({}), card())
    assert report.verdict == "unpinned"
    assert "targets-nothing" in checks(report)


def test_experts_are_told_to_be_unread():
    assert "unread-module" in checks(fit(adapter(unread=("model.layers.0.mlp.experts",)), card()))


def test_the_report_says_every_field_even_the_empty_ones():
    plain = fit(adapter(), card()).plain()
    assert plain["missing"] == plain["mismatched"] == plain["drifted"] == plain["unexpected"] == plain["findings"] == []
    assert plain["base"]["name"] == "tiny"
    assert plain["digest"] is None


def test_verdicts_have_an_order():
    order = list(VERDICTS)
    assert all(good_enough(one, other) == (order.index(one) <= order.index(other)) for one in order for other in order)


def test_a_remedy_names_the_base_it_was_trained_on():
    fields = pinned(card(), facts=Facts(format="peft", base_name="org/tiny"))
    report = fit(adapter(**fields), card(changed=(Q,)))
    assert "it was trained on org/tiny" in checks(report)["drift"].remedy


def _in(dtype: str, rows, digest: str):
    return tuple(row.model_copy(update={"dtype": dtype, "sha256": digest * 64, "bf16": None}) for row in rows)


def test_a_bf16_copy_is_a_cast_and_an_fp16_copy_is_not():
    trained = card()
    rows = tuple(row.model_copy(update={"bf16": "b" * 64}) for row in trained.tensors)
    trained = trained.model_copy(update={"tensors": rows})
    half = card().model_copy(update={"tensors": _in("BF16", rows, "b"), "weights_digest": "sha256:" + "2" * 64})
    other = card().model_copy(update={"tensors": _in("F16", rows, "b"), "weights_digest": "sha256:" + "3" * 64})
    wrong = card().model_copy(update={"tensors": _in("BF16", rows, "c"), "weights_digest": "sha256:" + "4" * 64})
    verdicts = [fit(adapter(**pinned(trained, recorded=trained)), base).verdict for base in (half, other, wrong)]
    assert verdicts == ["cast", "drifted", "drifted"]


def test_a_report_about_another_adapter_is_a_report_like_any_other():
    report = fit(adapter(), card({**LAYERS, Q: (8, 5)}))
    twin = report.of("ada/other", "sha256:" + "1" * 64)
    assert twin == report.model_copy(update={"adapter": "ada/other", "digest": "sha256:" + "1" * 64})
    assert (twin.fits, twin.plain()["mismatched"]) == (report.fits, report.plain()["mismatched"])
    assert twin.model_copy(update={"verdict": "exact"}).verdict == "exact"
    assert report.adapter == "ada/poet"
