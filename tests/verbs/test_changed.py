"""`export --normal-form`, `--base-name`, `--format`: PEFT and transformers do the same with what comes out."""

import json
from pathlib import Path
from typing import Any

import peft
import pytest
import torch
from safetensors.torch import load_file, save_file

from adapterhub.errors import AdapterHubError, Conflict, Refused, WrongUsage
from adapterhub.hub import Hub
from tests.builders import POET, adapter_files, entry_of, tiny_adapter, tiny_base, tree, write_files
from tests.compose.builders import adapter, ask, lora, quiet, saved, theirs, tiny, wrapped

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
BASE = "base_model_name_or_path"
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "plain": ("llama", {}),
    "rslora": ("llama", {"use_rslora": True}),
    "patterns": ("llama", {"rank_pattern": {"v_proj": 2}, "alpha_pattern": {"down_proj": 3}}),
    "dora": ("llama", {"use_dora": True, "lora_alpha": 6}),
    "conv1d": ("gpt2", {"use_rslora": True}),
    "biases": ("bert", {"bias": "all", "use_rslora": True}),
    "head": ("bert", {"modules_to_save": ["classifier"], "lora_alpha": 3}),
    "regex": ("vit", {"target_modules": ".*(q_proj|fc1)", "lora_alpha": 3}),
}


def config_of(folder: Path) -> dict[str, Any]:
    """The config in a folder."""
    fields: dict[str, Any] = json.loads((folder / CONFIG).read_text())
    return fields


def in_bf16(folder: Path) -> Path:
    """The same adapter, its tensors rounded to bf16."""
    tensors = {name: tensor.bfloat16() for name, tensor in load_file(str(folder / WEIGHTS)).items()}
    save_file(tensors, str(folder / WEIGHTS), metadata={"format": "pt"})
    return folder


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """A hub with an adapter that has a card, a tokenizer, and fields nobody knows."""
    hub = Hub.open(tmp_path / "store")
    more = {"README.md": b"# poet\n", "tokenizer.json": b"{}", "chat_template.jinja": b"{{ x }}"}
    run = tiny_adapter(tmp_path / "run", use_rslora=True, revision="abc", of_tomorrow=[1], task_type="CAUSAL_LM")
    hub.add(write_files(run, more), "ada/poet")
    return hub


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("bf16", [False, True])
def test_peft_answers_the_same_with_the_normal_form(tmp_path: Path, name: str, bf16: bool) -> None:
    kind, how = CASES[name]
    folder = adapter(tmp_path / "in", kind, **how)
    wanted = theirs(kind, in_bf16(folder) if bf16 else folder)
    Hub.open(tmp_path / "store").export(folder, tmp_path / "out", normal_form=True)
    assert torch.allclose(theirs(kind, tmp_path / "out"), wanted, atol=1e-5)
    with torch.no_grad():
        assert not torch.allclose(ask(tiny(kind), kind), wanted, atol=1e-3)


@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing.:FutureWarning")  # peft asks any model for it
@torch.no_grad()
def test_peft_and_transformers_load_it_without_a_warning(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "in", "llama", use_rslora=True, rank_pattern={"v_proj": 2})
    Hub.open(tmp_path / "store").export(folder, tmp_path / "out", normal_form=True)
    wanted = theirs("llama", folder)
    one, two = tiny("llama"), tiny("llama")
    assert torch.allclose(
        ask(peft.PeftModel.from_pretrained(one, str(tmp_path / "out")).eval(), "llama"), wanted, atol=1e-5
    )
    two.load_adapter(str(tmp_path / "out"))
    assert torch.allclose(ask(two.eval(), "llama"), wanted, atol=1e-5)


def test_what_the_config_says_of_tied_embeddings_stays(tmp_path: Path) -> None:
    tied = {"tie_word_embeddings": True}
    with quiet():
        config = lora("llama", modules_to_save=["embed_tokens"], ensure_weight_tying=True, use_rslora=True)
        folder = saved(wrapped("llama", config, **tied), tmp_path / "in")
    Hub.open(tmp_path / "store").export(folder, tmp_path / "out", normal_form=True)
    assert config_of(tmp_path / "out")["ensure_weight_tying"] is True
    assert torch.allclose(theirs("llama", tmp_path / "out", **tied), theirs("llama", folder, **tied), atol=1e-5)


@torch.no_grad()
def test_lokr_goes_out_as_plain_lora(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    config = peft.LoKrConfig(r=2, alpha=4, target_modules=["q_proj"])
    hub.add(saved(wrapped("llama", config), tmp_path / "in"), "ada/it")
    done = hub.export("ada/it", tmp_path / "out", normal_form=True)
    assert torch.allclose(theirs("llama", tmp_path / "out"), theirs("llama", tmp_path / "in"), atol=1e-5)
    (told,) = done.findings
    assert (told.check, told.severity) == ("written-as-lora", "info")
    assert "LOKR is written as LORA of PEFT" in told.message


def test_the_rest_of_the_entry_comes_along(hub: Hub, tmp_path: Path) -> None:
    done = hub.export("ada/poet", tmp_path / "out", normal_form=True)
    plain = hub.export("ada/poet", tmp_path / "plain")
    assert (done.reference, done.digest, set(done.files)) == (plain.reference, plain.digest, set(plain.files))
    for name in ("README.md", "tokenizer.json", "chat_template.jinja"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "plain" / name).read_bytes()
    config = config_of(tmp_path / "out")
    assert config["r"] == config["lora_alpha"] == 2
    assert config["use_rslora"] is False
    assert (config[BASE], config["revision"], config["task_type"]) == ("org/tiny", "abc", "CAUSAL_LM")


def test_the_store_and_its_entry_stay_as_they_were(hub: Hub, tmp_path: Path) -> None:
    hub.show("ada/poet")
    before = tree(hub.store)
    hub.export("ada/poet", tmp_path / "out", normal_form=True, base_name="org/other")
    assert tree(hub.store) == before


def test_normal_form_of_a_merge_is_the_same_bytes(tmp_path: Path) -> None:
    hub, base = Hub.open(tmp_path / "store"), tiny_base(tmp_path / "base")
    for seed, name in enumerate(("ada/sql", "ada/chat")):
        hub.add(tiny_adapter(tmp_path / name, rank=2 + seed, seed=seed), name, base=base)
    merged = hub.merge("ada/sql*0.7 + ada/chat*0.3", "ada/mix")
    done = hub.export("ada/mix", tmp_path / "out", normal_form=True)
    assert hub.show(tmp_path / "out").manifest.files == merged.manifest.files
    assert done.findings == ()


def test_what_a_scale_does_to_the_type_is_told(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    found = {}
    for alpha in (8, 6):
        folder = in_bf16(adapter(tmp_path / f"in{alpha}", "llama", lora_alpha=alpha))
        found[alpha] = hub.export(folder, tmp_path / f"out{alpha}", normal_form=True).findings
    assert found[8] == ()
    assert [one.check for one in found[6]] == ["factors-widened"]
    assert "the factors are F32 and were BF16" in found[6][0].message
    assert [hub.show(tmp_path / f"out{alpha}").facts.dtype for alpha in found] == ["BF16", "F32"]


def test_no_engine_misreads_the_scale_any_more(hub: Hub, tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    engines = ("sglang", "llama.cpp", "vllm@0.6.0")
    hub.export("ada/poet", tmp_path / "out", normal_form=True)
    before, after = (hub.audit([word], [base], engines=engines)[0].findings for word in ("ada/poet", tmp_path / "out"))
    assert "root" in " ".join(one.message for one in before if one.check == "misread")
    assert "root" not in " ".join(one.message for one in after if one.check == "misread")


def test_the_bases_name_is_one_field_and_takes_the_revision_with_it(hub: Hub, tmp_path: Path) -> None:
    hub.export("ada/poet", tmp_path / "plain")
    done = hub.export("ada/poet", tmp_path / "out", base_name="mirror/tiny")
    before, after = tree(tmp_path / "plain"), tree(tmp_path / "out")
    assert {name for name in before if before[name] != after[name]} == {CONFIG}
    wanted = {**config_of(tmp_path / "plain"), BASE: "mirror/tiny", "revision": None}
    assert config_of(tmp_path / "out") == wanted
    assert list(config_of(tmp_path / "out")) == list(wanted)
    assert done.digest == str(hub.show("ada/poet").digest)
    hub.export("ada/poet", tmp_path / "both", base_name="mirror/tiny", normal_form=True)
    assert config_of(tmp_path / "both")[BASE] == "mirror/tiny"
    assert config_of(tmp_path / "both")["revision"] is None


def test_the_name_it_has_already_changes_no_byte(hub: Hub, tmp_path: Path) -> None:
    hub.export("ada/poet", tmp_path / "plain")
    hub.export("ada/poet", tmp_path / "out", base_name="org/tiny", format="peft")
    assert tree(tmp_path / "plain") == tree(tmp_path / "out")


def test_a_browsers_numbers_are_gone_from_the_names(tmp_path: Path) -> None:
    hub, files = Hub.open(tmp_path / "store"), adapter_files()
    numbered = {name.replace(".", " (1).", 1): data for name, data in files.items()}
    write_files(tmp_path / "in", numbered)
    hub.export(tmp_path / "in", tmp_path / "renamed", base_name="org/other")
    assert set(tree(tmp_path / "renamed")) == set(numbered)
    hub.export(tmp_path / "in", tmp_path / "out", normal_form=True)
    assert set(tree(tmp_path / "out")) == set(files)


def mlx(folder: Path) -> Path:
    """What mlx-lm writes for the tiny llama."""
    torch.manual_seed(0)
    q = "model.layers.0.self_attn.q_proj"
    write_files(folder, {CONFIG: json.dumps({
        "fine_tune_type": "lora", "model": "org/tiny", "lora_parameters": {"rank": 2, "scale": 20.0, "alpha": 16},
    }).encode()})  # fmt: skip
    save_file({f"{q}.lora_a": torch.randn(16, 2), f"{q}.lora_b": torch.randn(2, 16)}, folder / "adapters.safetensors")
    return folder


@torch.no_grad()
@pytest.mark.parametrize("how", [{"format": "peft"}, {"normal_form": True}])
def test_an_adapter_of_mlx_is_written_as_pefts(tmp_path: Path, how: dict[str, Any]) -> None:
    hub, model = Hub.open(tmp_path / "store"), tiny("llama")
    hub.add(mlx(tmp_path / "in"), "ada/it")
    done = hub.export("ada/it", tmp_path / "out", **how)
    assert set(done.files) == {CONFIG, WEIGHTS}
    assert config_of(tmp_path / "out")[BASE] == "org/tiny"
    assert "LORA of the format mlx is written as LORA of PEFT, of rank 2" in done.findings[0].message
    with hub.stack(model, "ada/it"):
        wanted = ask(model, "llama")
    assert torch.allclose(theirs("llama", tmp_path / "out"), wanted, atol=1e-4)


def test_what_another_format_cannot_have_is_refused(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    mlx(tmp_path / "in")
    with pytest.raises(Refused, match="of the format mlx") as refused:
        hub.export(tmp_path / "in", tmp_path / "out", base_name="org/other")
    assert "--format peft" in refused.value.hint
    hub.export(tmp_path / "in", tmp_path / "out", base_name="org/other", format="peft")
    assert config_of(tmp_path / "out")[BASE] == "org/other"


@pytest.mark.parametrize(
    ("how", "error", "says"),
    [
        ({"format": "gguf"}, WrongUsage, "got 'gguf', and only peft can be written"),
        ({"base_name": " "}, WrongUsage, "base_name: got an empty name"),
    ],
)
def test_what_cannot_be_asked_for_is_said_first(
    hub: Hub, tmp_path: Path, how: dict[str, Any], error: type[AdapterHubError], says: str
) -> None:
    with pytest.raises(error, match=says):
        hub.export("ada/none", tmp_path / "out", **how)


def test_what_has_no_normal_form_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    hub = Hub.open(tmp_path / "store")
    with quiet():
        saved(wrapped("llama", peft.IA3Config(target_modules=["k_proj"], feedforward_modules=[])), tmp_path / "ia3")
    hub.add(tiny_base(tmp_path / "base"), "ada/base")
    hub.desk.store.publish(entry_of({"weights.xyz": b"x"}), POET)
    for word, says in ((tmp_path / "ia3", "IA3"), ("ada/base", "of kind model"), ("ada/poet", "no known format")):
        with pytest.raises(Refused, match=says):
            hub.export(word, tmp_path / "out", normal_form=True)
        hub.export(word, tmp_path / "plain" / says)
    assert not (tmp_path / "out").exists()


def test_it_may_be_written_again_and_never_over_something_else(hub: Hub, tmp_path: Path) -> None:
    for _ in range(2):
        hub.export("ada/poet", tmp_path / "out", normal_form=True)
    before = tree(tmp_path / "out")
    with pytest.raises(Conflict, match="holds other files"):
        hub.export("ada/poet", tmp_path / "out")
    assert tree(tmp_path / "out") == before
