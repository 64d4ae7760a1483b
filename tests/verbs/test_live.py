"""`stack` and `load` on real models: what they answer, what they refuse, and that nothing is left behind."""

from pathlib import Path

import pytest
import torch

from adapterhub.errors import DoesNotFit, NotFound, WrongUsage
from tests.builders import write_files
from tests.compose.builders import adapter, ask, hub_of_two, saved, tiny
from tests.compose.live import test_experts_peft as moe


@pytest.fixture
def hub(tmp_path):
    """Two adapters of a tiny Llama whose checkpoint lies in ./base."""
    return hub_of_two(tmp_path)


def answers(hub, expression):
    model = tiny("llama")
    with torch.no_grad(), hub.stack(model, expression):
        return ask(model, "llama")


@torch.no_grad()
def test_a_loaded_model_answers_as_one_with_the_stack_on(hub, tmp_path):
    model = hub.load(tmp_path / "base", "ada/sql*0.7 + ada/chat*0.3")
    assert type(model).__name__ == "LlamaForCausalLM"
    assert not model.training
    assert torch.allclose(ask(model, "llama"), answers(hub, "ada/sql*0.7 + ada/chat*0.3"), atol=1e-6)
    assert dict(model.adapters.weights) == {"ada/sql": 0.7, "ada/chat": 0.3}


@torch.no_grad()
def test_the_stack_of_a_loaded_model_can_be_weighed_and_closed(hub, tmp_path):
    model = hub.load(tmp_path / "base", "ada/sql")
    model.adapters.add("ada/chat*0.5")
    assert torch.allclose(ask(model, "llama"), answers(hub, "ada/sql + ada/chat*0.5"), atol=1e-6)
    model.adapters.close()
    assert torch.equal(ask(model, "llama"), ask(tiny("llama"), "llama"))


@torch.no_grad()
def test_a_mixture_of_experts_is_opened_with_its_adapter_on(hub, tmp_path):
    moe.tiny("qwen3_moe").save_pretrained(tmp_path / "moe")
    judge = moe.theirs("qwen3_moe", [*moe.BOTH, moe.ROUTERS["qwen3_moe"]])
    hub.add(saved(judge, tmp_path / "deep"), "ada/deep", base=tmp_path / "moe")
    model = hub.load(tmp_path / "moe", "ada/deep")
    assert torch.allclose(ask(model, "text"), ask(judge, "text"), atol=1e-5)


@torch.no_grad()
def test_a_base_may_be_an_entry(hub, tmp_path):
    hub.add(tmp_path / "base", "ada/llama")
    model = hub.load("ada/llama@1", "ada/sql", dtype=torch.bfloat16)
    assert next(model.parameters()).dtype == torch.bfloat16


def test_an_adapter_of_another_base_is_refused_before_anything_is_loaded(hub, tmp_path):
    tiny("bert").save_pretrained(tmp_path / "bert")
    (tmp_path / "bert" / "model.safetensors").chmod(0o600)
    with pytest.raises(DoesNotFit, match="ada/sql@1 is a misfit on bert, 0 of its modules"):
        hub.load(tmp_path / "bert", "ada/sql")


@torch.no_grad()
def test_a_partial_fit_needs_a_word(hub, tmp_path):
    hub.add(adapter(tmp_path / "more", "llama", 5, target_modules=["q_proj", "lm_head"]), "ada/more")
    base = tiny("llama").model  # without its head
    base.save_pretrained(tmp_path / "bare")
    with pytest.raises(DoesNotFit, match="a partial fit on bare, 2 of its modules fit"):
        hub.load(tmp_path / "bare", "ada/more")
    model = hub.load(tmp_path / "bare", "ada/more", partial=True)
    ids = torch.arange(6)[None]
    plain, answer = base(ids)[0], model(ids)[0]
    assert not torch.equal(answer, plain)
    with pytest.raises(DoesNotFit, match="lm_head") as refusal:
        hub.stack(base, "ada/more")
    assert "partial=True" in refusal.value.hint
    with hub.stack(base, "ada/more", partial=True):
        assert torch.equal(base(ids)[0], answer)
    with pytest.raises(DoesNotFit, match="no module"):
        hub.stack(torch.nn.Linear(2, 2), "ada/more", partial=True)


def test_two_versions_of_one_adapter_are_told_apart(hub, tmp_path):
    hub.add(adapter(tmp_path / "new", "llama", 9), "ada/sql")
    with hub.stack(tiny("llama"), "ada/sql@1*0.5 + ada/sql@2*0.5 + ada/chat") as live:
        assert list(live.weights) == ["ada/sql@1", "ada/sql@2", "ada/chat"]


def test_a_recipe_for_a_merge_is_no_stack(hub, tmp_path):
    recipe = b"adapters: [{adapter: ada/sql}]\nmethod: ties\n"
    path = write_files(tmp_path, {"mix.yaml": recipe}) / "mix.yaml"
    with pytest.raises(WrongUsage, match="are for merges"):
        hub.stack(tiny("llama"), str(path))


@pytest.mark.parametrize(("base", "error"), [("ada/none", NotFound), ("ada/sql", DoesNotFit), ("./none", NotFound)])
def test_a_base_that_is_none_is_told(hub, base, error):
    with pytest.raises(error):
        hub.load(base, "ada/sql")


def test_the_class_is_that_of_the_task(hub, tmp_path):
    folder: Path = adapter(tmp_path / "cls", "llama", 3, task_type="SEQ_CLS", modules_to_save=["score"])
    hub.add(folder, "ada/cls")
    assert hub.show("ada/cls").facts.task == "SEQ_CLS"
