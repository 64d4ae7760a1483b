"""Fit reports as people read them."""

from adapterhub.audit.fit import fit
from adapterhub.cli.reports import print_reports
from tests.audit.builders import LAYERS, adapter, card, pinned

K = "model.layers.0.k_proj"
THIN = {name: shape for name, shape in LAYERS.items() if "layers.2" not in name}


def shown(capsys, *reports) -> list[str]:
    print_reports(reports)
    return capsys.readouterr().out.splitlines()


def test_a_pair_is_told_in_full_with_its_modules_folded(capsys):
    lines = shown(capsys, fit(adapter(), card({**THIN, "model.layers.0.q_proj": (8, 5)})))
    assert lines[:3] == [
        "ada/poet on tiny: partial",
        "  some targets fit, some are missing or have another shape",
        "  evidence  none: nothing says what it was trained on",
    ]
    assert [line.split() for line in lines[4:8]] == [
        ["model.layers.0-1.v_proj", "2", "fits"],
        ["model.layers.1.q_proj", "1", "fits"],
        ["model.layers.0.q_proj", "1", "other", "shape", "6×5", "8×5"],
        ["model.layers.2.{q,v}_proj", "2", "missing"],
    ]


def test_modules_of_all_layers_and_kinds_are_one_line(capsys):
    lines = shown(capsys, fit(adapter(), card()))
    assert "  model.layers.0-2.{q,v}_proj  6  fits" in lines


def test_what_was_found_alike_in_several_places_is_said_once(capsys):
    lines = shown(capsys, fit(adapter(), card(THIN)))
    told = [line for line in lines if "tiny has no such module" in line]
    assert told == ["  error  model.layers.2.{q,v}_proj: tiny has no such module [missing-module]"]


def test_the_rule_of_names_and_drift_are_said(capsys):
    bare = {name.removeprefix("model."): shape for name, shape in LAYERS.items()}
    report = fit(adapter(**pinned(card())), card(bare, changed=("layers.0.q_proj",)))
    lines = shown(capsys, report)
    assert "  naming    prefix model. left out" in lines
    assert any(line.split() == ["model.layers.0.q_proj", "1", "drifted"] for line in lines)


def test_one_adapter_on_several_bases_is_a_table_and_then_the_reasons(capsys):
    other = card(THIN).model_copy(update={"name": "thin"})
    lines = shown(capsys, fit(adapter(), card()), fit(adapter(), other))
    assert lines[0].split() == ["ADAPTER", "BASE", "VERDICT", "MATCHED", "MISSING", "EVIDENCE"]
    assert "ada/poet on thin: partial" in lines


def test_nothing_to_audit_says_what_to_do(capsys):
    print_reports([])
    assert "adapterhub add ./folder ada/poet" in capsys.readouterr().err


def test_tensors_the_base_has_not_are_named(capsys):
    lines = shown(capsys, fit(adapter(saved={"extra.0.bias": (5,), "extra.1.bias": (5,)}), card()))
    assert "  brings    extra.0-1.bias, which the base has not" in lines
