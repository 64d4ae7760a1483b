"""The audit of real folders, from headers, without torch."""

import json
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import save_file

from adapterhub.audit.adapter import Target
from adapterhub.audit.folder import audit_folder, members_of
from adapterhub.audit.read import adapter_of
from adapterhub.errors import NotFound, Refused
from adapterhub.formats.peft_keys import PREFIX, build_key
from adapterhub.manifest import BasePin, Manifest
from tests.base.builders import checkpoint, tensors

Q, V = "model.layers.0.q_proj", "model.layers.0.v_proj"


def ones(*shape):
    return np.ones(shape, np.float32)


def peft(folder, arrays, **config):
    folder.mkdir(exist_ok=True)
    fields = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj", "v_proj"], **config}
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": "org/tiny", **fields}))
    save_file(arrays, str(folder / "adapter_model.safetensors"))
    return folder


def linear(*modules, out=6, into=5, rank=2):
    return {build_key(m, "A"): ones(rank, into) for m in modules} | {
        build_key(m, "B"): ones(out, rank) for m in modules
    }


def read(folder, **options):
    return adapter_of(members_of(folder), "ada/poet", **options)


def test_two_folders_are_held_against_each_other(tmp_path):
    base = checkpoint(tmp_path / "base", tensors(f"{Q}.weight", f"{V}.weight"))
    report = audit_folder(peft(tmp_path / "poet", linear(Q, V)), base)
    assert (report.adapter, report.base.name, report.verdict, report.matched) == ("poet", "base", "unpinned", 2)
    assert (report.evidence, report.findings) == ("name", ())


def test_the_audit_runs_without_torch_and_numpy(tmp_path):
    checkpoint(tmp_path / "base", tensors(f"{Q}.weight"))
    peft(tmp_path / "poet", linear(Q))
    script = (
        "import sys; sys.modules.update(torch=None, numpy=None); from pathlib import Path;"
        "from adapterhub import audit_folder;"
        f"print(audit_folder({str(tmp_path / 'poet')!r}, Path({str(tmp_path / 'base')!r})).verdict)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "unpinned", done.stderr


def test_a_file_of_weights_may_stand_for_its_folder(tmp_path):
    base = checkpoint(tmp_path / "base", tensors(f"{Q}.weight"))
    poet = peft(tmp_path / "poet", linear(Q)) / "adapter_model.safetensors"
    report = audit_folder(poet.rename(poet.with_name("poet.safetensors")), base / "model.safetensors")
    assert (report.verdict, report.base.model_type) == ("unpinned", "llama")
    (base / "config.json").unlink()
    assert audit_folder(tmp_path / "poet" / "poet.safetensors", base / "model.safetensors").verdict == "unpinned"


def test_shapes_of_every_kind_of_factor_are_those_of_the_weight(tmp_path):
    arrays = {
        **linear(Q),
        build_key("embed", "embedding_A"): ones(2, 9),
        build_key("embed", "embedding_B"): ones(5, 2),
        build_key("conv", "A"): ones(2, 3, 4, 4),
        build_key("conv", "B"): ones(7, 2, 1, 1),
        build_key("odd", "A"): ones(2, 5),
    }
    found = read(peft(tmp_path / "poet", arrays)).targets
    shapes = {module: target.shape for module, target in found.items()}
    assert shapes == {Q: (6, 5), "embed": (9, 5), "conv": (7, 3, 4, 4), "odd": None}


def test_whole_tensors_are_saved_tensors_under_the_bases_names(tmp_path):
    arrays = {
        **linear(Q),
        PREFIX + "score.weight": ones(3, 5),
        PREFIX + "model.embed_tokens.base_layer.weight": ones(9, 5),
        PREFIX + "model.embed_tokens.token_adapter.trainable_tokens_delta": ones(1, 5),
    }
    saved = read(peft(tmp_path / "poet", arrays)).saved
    assert saved == {"score.weight": (3, 5), "model.embed_tokens.weight": (9, 5)}


def test_other_tuners_are_asked_for_their_modules(tmp_path):
    arrays = {
        PREFIX + f"{Q}.ia3_l": ones(6, 1),
        PREFIX + f"{V}.hada_w1_a": ones(6, 2),
        PREFIX + "score.weight": ones(2, 2),
    }
    found = read(peft(tmp_path / "poet", arrays, peft_type="IA3"))
    assert {module: target.shape for module, target in found.targets.items()} == {Q: (6, -1), V: None}
    assert found.saved == {"score.weight": (2, 2)}


TUNED = {
    "IA3": ({"ia3_l": (6, 1)}, (6, -1), (6, 9), (7, 5)),
    "IA3 of a feed-forward module": ({"ia3_l": (1, 5)}, (-1, 5), (7, 5), (5, 6)),
    "LOHA": ({"hada_w1_a": (6, 2), "hada_w1_b": (2, 5)}, (6, 5), (6, 5), (5, 6)),
    "LOHA as a kernel": ({"hada_w1_a": (6, 2), "hada_w1_b": (2, 18)}, (6, 18), (6, 2, 3, 3), (6, 2, 5, 5)),
    "LOHA of a kernel": (
        {"hada_w1_a": (2, 6), "hada_w1_b": (2, 5), "hada_t1": (2, 2, 3, 3)}, (6, 5, 3, 3), (6, 5, 3, 3), (6, 5, 1, 1),
    ),
    "LOKR": ({"lokr_w1": (2, 5), "lokr_w2": (3, 1)}, (6, 5), (6, 5), (6, 6)),
    "LOKR in factors": (
        {"lokr_w1_a": (2, 2), "lokr_w1_b": (2, 5), "lokr_w2_a": (3, 2), "lokr_w2_b": (2, 1)}, (6, 5), (6, 5), (5, 6),
    ),
    "LOKR of a kernel": (
        {"lokr_w1": (2, 5), "lokr_w2_a": (2, 3), "lokr_w2_b": (2, 1), "lokr_t2": (2, 2, 3, 3)},
        (6, 5, 3, 3), (6, 5, 3, 3), (6, 5, 5, 3),
    ),
    "VERA": ({"vera_lambda_b": (6,), "vera_lambda_d": (2,)}, (6, -1), (6, 9), (7, 5)),
    "LN_TUNING": ({"ln_tuning_layers.weight": (6,)}, (6,), (6,), (7,)),
}  # fmt: skip


@pytest.mark.parametrize("tuner", TUNED)
def test_what_other_tuners_say_of_a_weight_is_held_against_it(tmp_path, tuner):
    parts, shape, fitting, other = TUNED[tuner]
    arrays = {f"{PREFIX}{Q}.{part}": ones(*sizes) for part, sizes in parts.items()}
    folder = peft(tmp_path / "poet", arrays, peft_type=tuner.split()[0], target_modules=["q_proj"])
    assert {module: target.shape for module, target in read(folder).targets.items()} == {Q: shape}
    good, bad = (checkpoint(tmp_path / str(sizes), {f"{Q}.weight": ones(*sizes)}) for sizes in (fitting, other))
    report = audit_folder(folder, good)
    assert (report.verdict, report.matched) == ("unpinned", 1)
    assert [found.check for found in report.findings if found.severity == "error"] == []
    assert audit_folder(folder, bad).verdict == "misfit"


@pytest.mark.parametrize("parts", [{"ia3_l": (1, 1)}, {"boft_R": (2, 2)}, {"lokr_w1": (2, 5), "lokr_w2": (3, 1, 3)}])
def test_a_shape_that_is_not_said_is_told_not_to_be_compared(tmp_path, parts):
    kind = next(iter(parts)).split("_")[0].upper()
    arrays = {f"{PREFIX}{Q}.{part}": ones(*sizes) for part, sizes in parts.items()}
    folder = peft(tmp_path / "poet", arrays, peft_type=kind, target_modules=".*q_proj")
    report = audit_folder(folder, checkpoint(tmp_path / "base", tensors(f"{Q}.weight")))
    assert (report.verdict, report.matched) == ("unpinned", 1)
    assert "unread-module" in [found.check for found in report.findings]


def test_experts_are_read_as_the_parameter_they_change(tmp_path):
    arrays = linear(Q) | linear("model.layers.0.mlp.experts", rank=6, out=4)
    found = read(peft(tmp_path / "poet", arrays, target_parameters=["mlp.experts.gate_up_proj"]))
    assert found.targets["model.layers.0.mlp.experts.gate_up_proj"] == Target((3, 4, 5), stacked=True)
    assert found.unread == ()


@pytest.mark.parametrize("parameters", [["mlp.experts.one", "mlp.experts.two"], ["mlp.experts.down_proj"]])
def test_experts_that_cannot_be_told_apart_are_not_read(tmp_path, parameters):
    arrays = linear(Q) | linear("model.layers.0.mlp.experts", rank=5)
    found = read(peft(tmp_path / "poet", arrays, target_parameters=parameters))
    assert (list(found.targets), found.unread) == ([Q], ("model.layers.0.mlp.experts",))


def test_the_only_matrix_of_a_parameter_called_weight_is_that_of_its_module(tmp_path):
    found = read(peft(tmp_path / "poet", linear(Q), target_parameters=["q_proj.weight"]))
    assert found.targets == {Q: Target((6, 5))}


def test_the_manifests_pin_comes_before_the_notes(tmp_path):
    folder = peft(tmp_path / "poet", linear(Q))
    said, noted = BasePin(evidence="bytes"), BasePin(evidence="name")
    manifest = Manifest(kind="adapter", base=said)
    assert read(folder, manifest=manifest, noted=noted).pin == said
    assert read(folder, manifest=Manifest(kind="adapter"), noted=noted).pin == noted
    assert read(folder, manifest=manifest).digest == str(manifest.digest)


def test_the_config_tells_the_model_type_where_peft_noted_it(tmp_path):
    mapping = {"base_model_class": "OPTForCausalLM", "parent_library": "transformers.models.opt.modeling_opt"}
    assert read(peft(tmp_path / "poet", linear(Q), auto_mapping=mapping)).model_type == "opt"


@pytest.mark.parametrize("mapping", [None, {}, {"parent_library": 3}, {"parent_library": "mine.modeling"}])
def test_without_that_the_model_type_is_unknown(tmp_path, mapping):
    assert read(peft(tmp_path / "poet", linear(Q), auto_mapping=mapping)).model_type is None


def test_a_pattern_as_target_is_not_a_list(tmp_path):
    found = read(peft(tmp_path / "poet", linear(Q), target_modules=".*(q|v)_proj"))
    assert found.listed == ()


def test_other_formats_are_refused_and_missing_folders_not_found(tmp_path):
    with pytest.raises(NotFound, match="no such folder"):
        audit_folder(tmp_path / "poet", tmp_path / "base")
    (tmp_path / "poet").mkdir()
    save_file({"lora_unet_x.alpha": ones(1)}, str(tmp_path / "poet" / "x.safetensors"))
    with pytest.raises(Refused, match="only PEFT folders are audited"):
        read(tmp_path / "poet")
