"""`audit --deep`: every fault that was planted is found, and nothing is found where there is none."""

import json
import math
from pathlib import Path

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

from adapterhub.errors import Corrupt
from adapterhub.formats import members
from adapterhub.hub import Hub
from adapterhub.lora import load
from tests.compose.builders import adapter, quiet, saved, tiny, wrapped
from tests.verbs.deep import LAYERS, NAME, Q, Tensors, deep, found, hub, made, planted

__all__ = ["hub", "made"]


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bert", "vit"])
def test_nothing_is_wrong_with_what_peft_wrote(hub: Hub, tmp_path: Path, kind: str) -> None:
    with quiet():
        tiny(kind).save_pretrained(str(tmp_path / "base"))
    report = deep(hub, adapter(tmp_path / "run", kind), base=tmp_path / "base")
    assert report.verdict == "unpinned"
    assert found(report) == []
    assert report.deep is not None
    assert len(report.deep.modules) == report.matched
    assert all(one.relative_norm for one in report.deep.modules)


def test_numbers_are_those_of_the_dense_matrices(hub: Hub, made: Path) -> None:
    report = deep(hub, made / "run", base=made / "base")
    tensors, weights = (load_file(str(next((made / at).glob("*.safetensors")))) for at in ("run", "base"))
    assert report.deep is not None
    for one in report.deep.modules:
        A, B = (tensors[f"base_model.model.{one.module}.lora_{side}.weight"].double() for side in "AB")
        norm, W = float(torch.linalg.norm(2 * B @ A)), weights[f"{one.module}.weight"].double()
        assert (one.rank, one.norm) == (4, pytest.approx(norm))
        assert one.relative_norm == pytest.approx(norm / float(torch.linalg.norm(W)))
        assert one.effective_rank is not None
        assert 2 < one.effective_rank <= 4


@pytest.mark.parametrize(("value", "said"), [(math.nan, "NaN"), (math.inf, "infinity")])
def test_values_that_are_no_numbers_are_named_with_their_tensors(
    hub: Hub, made: Path, tmp_path: Path, value: float, said: str
) -> None:
    def plant(tensors: Tensors) -> None:
        for layer in (2, 3, 5):
            tensors[NAME.format(layer, "B")][1, 2] = value

    report = deep(hub, planted(made, tmp_path / "bad", plant), base=made / "base")
    first, more = found(report)
    assert (first.check, first.severity) == ("not-finite", "error")
    assert first.place == f"{Q.format('2-3,5')}.lora_B.weight"
    assert first.message == f"3 tensors hold {said}, in 3 of 192 values"
    assert more.message == f"not measured: updates that are no number, or too large for one, at {Q.format('2-3,5')}"
    assert report.deep is not None
    assert [one.norm is None for one in report.deep.modules].count(True) == 3
    assert report.verdict == "unpinned"
    json.loads(report.model_dump_json())


def test_an_adapter_of_nothing_but_nan_is_a_finding_too(hub: Hub, made: Path, tmp_path: Path) -> None:
    nan = planted(made, tmp_path / "nan", lambda tensors: [one.fill_(math.nan) for one in tensors.values()])
    assert [one.check for one in found(deep(hub, nan, base=made / "base"))] == ["not-finite", "not-measured"]


def test_dead_modules_are_folded(hub: Hub, made: Path, tmp_path: Path) -> None:
    dead = planted(made, tmp_path / "dead", lambda tensors: [tensors[NAME.format(n, "B")].zero_() for n in (1, 2)])
    report = deep(hub, dead, base=made / "base")
    (only,) = found(report)
    assert (only.check, only.severity, only.place) == ("dead-module", "info", Q.format("1-2"))
    assert only.message.startswith("2 of 16 modules change nothing")
    assert "partly-untrained" not in {finding.check for finding in report.findings}


def test_a_module_that_only_has_other_lengths_is_not_dead(hub: Hub, made: Path, tmp_path: Path) -> None:
    config = peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"], use_dora=True)
    model = wrapped("llama", config, num_hidden_layers=LAYERS)
    model.get_submodule(f"base_model.model.{Q.format(0)}.lora_B.default").weight.data.zero_()
    (only,) = found(deep(hub, saved(model, tmp_path / "dora"), base=made / "base"))
    assert only.check == "not-measured"
    assert "a DoRA magnitude at model.layers.0-7.self_attn.q_proj" in only.message


def test_an_untrained_adapter_is_called_so_once(hub: Hub, made: Path, tmp_path: Path) -> None:
    def plant(tensors: Tensors) -> None:
        for name in tensors:
            if "lora_B" in name:
                tensors[name].zero_()

    report = deep(hub, planted(made, tmp_path / "new", plant), base=made / "base")
    assert found(report) == []
    assert [finding.check for finding in report.findings if finding.check == "untrained"] == ["untrained"]


def test_a_scale_of_zero_undoes_everything(hub: Hub, made: Path, tmp_path: Path) -> None:
    still = planted(made, tmp_path / "still", lambda tensors: None, lora_alpha=0)
    (only,) = found(deep(hub, still, base=made / "base"))
    assert (only.check, only.severity) == ("dead-module", "warning")
    assert "all 16 modules are zero" in only.message


def test_a_rank_that_is_hardly_used_is_told_with_what_would_do(hub: Hub, made: Path, tmp_path: Path) -> None:
    def plant(tensors: Tensors) -> None:
        for name, tensor in tensors.items():
            tensor[1:] *= 1e-3 if "lora_A" in name else 1

    hub.add(planted(made, tmp_path / "thin", plant), "ada/thin")
    report = deep(hub, "ada/thin", base=made / "base")
    (only,) = found(report)
    assert (only.check, only.severity) == ("effective-rank", "info")
    assert only.message == "99 % of what it changes lies in 16 of the 64 directions of its 16 modules"
    assert "merge ada/thin@1 NAME --method svd --energy 0.99" in only.remedy
    small = hub.merge("ada/thin", "ada/small", "svd", energy=0.99)
    assert small.facts.rank == 1


def test_a_layer_that_ran_away_is_found_beside_its_like(hub: Hub, made: Path, tmp_path: Path) -> None:
    away = planted(made, tmp_path / "away", lambda tensors: tensors[NAME.format(4, "B")].mul_(100))
    (only,) = found(deep(hub, away, base=made / "base"))
    assert (only.check, only.severity, only.place) == ("outlier-update", "warning", Q.format(4))
    assert only.message.startswith("‖ΔW‖/‖W‖ is ")
    calm = planted(made, tmp_path / "calm", lambda tensors: tensors[NAME.format(4, "B")].mul_(0.001))
    (only,) = found(deep(hub, calm, base=made / "base"))
    assert (only.check, only.severity, only.place) == ("outlier-update", "info", Q.format(4))
    assert "times below the median" in only.message


def test_without_the_base_s_weights_sizes_stand_alone_and_that_is_said(hub: Hub, made: Path, tmp_path: Path) -> None:
    base = planted(made, tmp_path / "elsewhere", lambda tensors: None)
    for path in (made / "base").iterdir():
        (base / path.name).write_bytes(path.read_bytes())
    (base / "adapter_config.json").unlink()
    (base / "adapter_model.safetensors").unlink()
    hub.base_add(base)
    for path in base.iterdir():
        path.unlink()
    away = planted(made, tmp_path / "away", lambda tensors: tensors[NAME.format(4, "B")].mul_(100))
    (report,) = hub.audit([away], ["elsewhere"], deep=True)
    first, second = found(report)
    assert (first.check, first.message[:7]) == ("outlier-update", "‖ΔW‖ is")
    assert (second.check, second.place) == ("not-measured", "elsewhere")
    assert second.message.endswith("the weights of elsewhere are not on this machine as they were")
    assert report.deep is not None
    assert {one.relative_norm for one in report.deep.modules} == {None}


def test_a_second_look_reads_no_values(hub: Hub, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add(made / "run", "ada/poet")
    first = deep(hub, "ada/poet", base=made / "base")
    monkeypatch.setattr(load, "loaded", None)
    monkeypatch.setattr("adapterhub.audit.deep.read.read", None)
    assert deep(hub, "ada/poet", base=made / "base") == first
    kept = next((hub.store / "cache" / "values").rglob("*.json"))
    kept.write_bytes(kept.read_bytes().replace(b'"maker":1', b'"maker":0'))
    with pytest.raises(TypeError):
        deep(hub, "ada/poet", base=made / "base")


def test_what_cannot_be_composed_still_shows_its_nan(hub: Hub, made: Path, tmp_path: Path) -> None:
    def plant(tensors: Tensors) -> None:
        tensors[NAME.format(0, "A")][0, 0] = math.nan

    odd = planted(made, tmp_path / "odd", plant, use_qalora=True)
    first, second = found(deep(hub, odd, base=made / "base"))
    assert (first.check, first.place) == ("not-finite", f"{Q.format(0)}.lora_A.weight")
    assert second.check == "not-measured"
    assert "QALoRA" in second.message


def test_each_expert_is_held_against_its_own_weight(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "run").mkdir()
    module, W = "model.layers.0.mlp.experts", torch.randn(3, 6, 5)
    save_file({f"{module}.down_proj": W}, str(tmp_path / "base" / "model.safetensors"))
    (tmp_path / "base" / "config.json").write_text('{"model_type": "mixtral"}')
    A, B = torch.randn(6, 5), torch.randn(6, 6)
    factors = {f"base_model.model.{module}.lora_{side}.weight": one for side, one in (("A", A), ("B", B))}
    save_file(factors, str(tmp_path / "run" / "adapter_model.safetensors"))
    fields = {"peft_type": "LORA", "r": 2, "lora_alpha": 2, "target_parameters": ["mlp.experts.down_proj"]}
    (tmp_path / "run" / "adapter_config.json").write_text(json.dumps({**fields, "peft_version": "0.21.0"}))
    report = deep(hub, tmp_path / "run", base=tmp_path / "base")
    assert report.deep is not None
    for e, one in enumerate(report.deep.modules):
        norm = float(torch.linalg.norm(B.reshape(6, 2, 3)[:, :, e] @ A.reshape(3, 2, 5)[e]))
        assert one.module == f"{module}.down_proj[{e}]"
        assert one.relative_norm == pytest.approx(norm / float(torch.linalg.norm(W[e])), rel=1e-5)
    assert len(report.deep.modules) == 3


def test_the_matrix_of_all_may_be_deep(hub: Hub, made: Path, tmp_path: Path) -> None:
    hub.add(made / "run", "ada/poet")
    hub.add(planted(made, tmp_path / "bad", lambda t: t[NAME.format(0, "A")].fill_(math.nan)), "ada/bad")
    hub.base_add(made / "base")
    told: list[str] = []
    reports = {report.adapter: report for report in hub.audit(deep=True, tell=told.append)}
    assert [one.check for one in found(reports["ada/bad@1"])] == ["not-finite", "not-measured"]
    assert found(reports["ada/poet@1"]) == []
    assert told == []


def test_damaged_weights_hide_no_other_adapter_and_are_told(
    hub: Hub, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "SMALL", 1 << 12)  # of weights as large as they are usually, headers alone are read
    hub.add(made / "run", "ada/poet")
    hub.add(planted(made, tmp_path / "bad", lambda tensors: tensors[NAME.format(0, "A")].add_(1)), "ada/bad")
    hub.base_add(made / "base")
    weights = hub.show("ada/bad").manifest.file("adapter_model.safetensors")
    assert weights is not None
    blob = hub.store / f"blobs/sha256/{weights.sha256[:2]}/{weights.sha256}"
    blob.chmod(0o644)
    blob.write_bytes(blob.read_bytes()[:-1] + b"\7")
    told: list[str] = []
    reports = {report.adapter: report for report in hub.audit(deep=True, tell=told.append)}
    assert reports["ada/bad@1"].deep is None
    assert reports["ada/poet@1"].deep is not None
    assert [line.startswith("ada/bad@1: its values cannot be read") for line in told] == [True]
    with pytest.raises(Corrupt):
        hub.audit(["ada/bad"], deep=True)
