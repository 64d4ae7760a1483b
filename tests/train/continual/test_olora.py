"""O-LoRA: new directions orthogonal to the old, and an entry that is the sum of both. PEFT is the judge."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.formats.peft_keys import PREFIX
from adapterhub.lora.adapter import Adapter
from adapterhub.lora.delta import Delta
from adapterhub.lora.load import load
from adapterhub.lora.save import save
from adapterhub.train.continual.olora import Olora, lay, summed
from tests.lora.builders import entry_of
from tests.train.continual.builders import fit, mlp, tasks

pytestmark = pytest.mark.filterwarnings("ignore")  # what peft says of transformers is not asked here


def delta(out, into, rank=2, *, seed=0, scale=1.0):
    random = torch.Generator().manual_seed(seed)
    return Delta(torch.randn(rank, into, generator=random), torch.randn(out, rank, generator=random), scale)


def injected(model, **fields):
    """A model with a fresh adapter; its parameters keep their names."""
    from peft import LoraConfig, inject_adapter_in_model

    torch.manual_seed(1)
    config = LoraConfig(**{"r": 4, "lora_alpha": 8, "target_modules": ["0", "2"], **fields})
    return inject_adapter_in_model(config, model)


def factor(model, module, part):
    return getattr(model.get_submodule(module), f"lora_{part}")["default"].weight


def overlap(model, earlier, module):
    """The largest cosine between a row of the old A and one of the new."""
    old, new = (nn.functional.normalize(A, dim=1) for A in (earlier.deltas[module].A, factor(model, module, "A")))
    return (old @ new.T).abs().max().item()


def test_the_penalty_is_the_formula_over_all_earlier_adapters():
    model = injected(mlp())
    earlier = [Adapter({"0": delta(96, 64, seed=n), "2": delta(10, 96, seed=n)}) for n in range(2)]
    wanted = sum(
        (one.deltas[module].A @ factor(model, module, "A").T).square().sum() for one in earlier for module in ("0", "2")
    )
    assert Olora(model, earlier, 0.5).penalty(model).item() == pytest.approx(0.5 * wanted.item(), rel=1e-5)


def test_the_directions_lie_where_the_model_is():
    there = torch.device("meta")  # a device that is not the processor, on every machine
    model = injected(mlp()).to(there)
    part = Olora(model, [Adapter({"0": delta(96, 64)})], 1.0)
    assert {rows.device for rows in part.directions.values()} == {there}
    assert part.penalty(model).device == there


def test_the_sum_of_two_adapters_has_the_directions_of_both():
    model = injected(mlp())
    earlier = [Adapter({"0": delta(96, 64, seed=n, scale=2.0)}) for n in range(2)]
    one, two = Olora(model, earlier, 1.0), Olora(model, [summed(earlier)], 1.0)
    assert one.penalty(model).item() == pytest.approx(two.penalty(model).item())


def test_a_model_with_pefts_prefix_is_known_too():
    earlier = [Adapter({"0": delta(96, 64)})]
    bare = injected(mlp())
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(1)
    outer = get_peft_model(mlp(), LoraConfig(r=4, target_modules=["0", "2"]))
    assert all(name.startswith(PREFIX) for name in Olora(outer, earlier, 1.0).directions)
    assert len(Olora(outer, earlier, 1.0).directions) == len(Olora(bare, earlier, 1.0).directions) == 1


def test_on_digits_new_directions_become_orthogonal_and_old_work_stays():
    (first, _), (second, _) = tasks(2)
    base = mlp()
    fit(base, first, steps=100)
    old = Adapter({"0": delta(96, 64, 4, scale=0.1), "2": delta(10, 96, 4, scale=0.1)})
    found = {}
    for strength in (0.0, 1.0):
        model = mlp()
        model.load_state_dict(base.state_dict())
        lay(model, old)
        injected(model)
        fit(model, second, [Olora(model, [old], strength)] if strength else [], steps=300)
        found[strength] = [overlap(model, old, module) for module in ("0", "2")]
        frozen = mlp()
        frozen.load_state_dict(base.state_dict())
        lay(frozen, old)
        assert torch.equal(model.get_submodule("0").base_layer.weight, frozen[0].weight)
    assert max(found[1.0]) < 0.02
    assert min(found[0.0]) > 0.1


def test_earlier_adapters_of_other_modules_are_told():
    with pytest.raises(DoesNotFit, match="no module in common"):
        Olora(injected(mlp()), [Adapter({"elsewhere": delta(4, 4)})], 1.0)


def test_an_earlier_adapter_of_another_width_is_told():
    with pytest.raises(DoesNotFit, match="0: earlier adapters read 63 inputs, the new one 64"):
        Olora(injected(mlp()), [Adapter({"0": delta(96, 63)})], 1.0)


def test_a_frozen_a_is_told():
    model = injected(mlp())
    factor(model, "0", "A").requires_grad_(False)
    with pytest.raises(DoesNotFit, match="A of 0 is frozen"):
        Olora(model, [Adapter({"0": delta(96, 64)})], 1.0)


def bert():
    from transformers import BertConfig, BertForSequenceClassification

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=40, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=48, num_labels=3
    )
    return BertForSequenceClassification(config).eval()


def gpt2():
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    return GPT2LMHeadModel(GPT2Config(vocab_size=40, n_positions=16, n_embd=32, n_layer=2, n_head=2)).eval()


def conv():
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 6, 1), nn.Flatten(), nn.Linear(216, 3)).eval()


TEXT = torch.arange(1, 9)[None]
BASES = {
    "bert": (bert, lambda model: model(input_ids=TEXT).logits,
             {"target_modules": ["query", "word_embeddings", "dense"], "modules_to_save": ["classifier"]}),
    "gpt2": (gpt2, lambda model: model(input_ids=TEXT).logits,
             {"target_modules": ["c_attn", "c_proj"], "fan_in_fan_out": True}),
    "conv": (conv, lambda model: model(torch.linspace(0, 1, 64).view(1, 1, 8, 8)), {"target_modules": ["0", "2"]}),
}  # fmt: skip
EVERY = pytest.mark.parametrize("base", BASES)


def trained(model, folder, fields, seed):
    """PEFT's model with random factors in it, saved to a folder, and what our reader makes of that."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    outer = get_peft_model(model, LoraConfig(r=2, lora_alpha=5, **fields)).eval()
    with torch.no_grad():
        for name, weight in outer.named_parameters():
            if weight.requires_grad:
                weight.copy_(torch.randn(weight.shape) * (1.0 if "embedding" in name else 0.2))
    outer.save_pretrained(str(folder))
    (folder / "README.md").unlink()
    return outer, load(entry_of(folder))


@EVERY
def test_what_is_laid_under_a_model_is_what_peft_computes(base, tmp_path):
    make, ask, fields = BASES[base]
    outer, adapter = trained(make(), tmp_path / "one", fields, 1)
    model = make()
    before = ask(model)
    lay(model, adapter)
    assert torch.allclose(ask(model), ask(outer), atol=1e-4)
    assert not torch.allclose(ask(model), before, atol=1e-2)


@EVERY
def test_the_sum_does_on_the_bare_base_what_the_fresh_one_does_on_the_laid(base, tmp_path):
    from peft import PeftModel

    make, ask, fields = BASES[base]
    _, first = trained(make(), tmp_path / "one", fields, 1)
    laid = make()
    lay(laid, first)
    outer, second = trained(laid, tmp_path / "two", fields, 2)
    both = summed([first, second])
    assert {one.rank for one in both.deltas.values()} == {4}
    save(both, tmp_path / "both", {"task_type": "SEQ_CLS"} if base == "bert" else {})
    judge = PeftModel.from_pretrained(make(), str(tmp_path / "both")).eval()
    assert torch.allclose(ask(judge), ask(outer), atol=1e-4)


def test_modules_of_only_one_adapter_are_in_the_sum_as_they_are():
    one, two = Adapter({"a": delta(3, 4), "b": delta(3, 4, 1)}), Adapter({"a": delta(3, 4, 3, seed=1, scale=0.5)})
    both = summed([one, two])
    assert [both.deltas[module].rank for module in ("a", "b")] == [5, 1]
    wanted = one.deltas["a"].dense() + two.deltas["a"].dense()
    assert torch.allclose(both.deltas["a"].dense(), wanted, atol=1e-5)


def test_the_newest_head_is_that_of_the_sum():
    one, two = (Adapter({"a": delta(3, 4)}, tensors={"head": torch.full((1,), float(n))}) for n in (1, 2))
    assert summed([one, two]).tensors["head"].item() == 2.0


def test_a_head_of_other_labels_begins_anew():
    model = nn.Linear(2, 3)
    before = model.weight.clone()
    lay(model, Adapter(tensors={"weight": torch.ones(5, 2), "bias": torch.ones(3)}))
    assert torch.equal(model.weight, before)
    assert model.bias.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(("adapter", "told"), [
    (Adapter({"0": delta(3, 3)}, magnitudes={"0": torch.ones(3)}), "a DoRA magnitude at 0"),
    (Adapter({"0": replace(delta(3, 3), loose=True)}), "VeRA's A at 0"),
], ids=["dora", "vera"])  # fmt: skip
def test_what_does_not_add_up_is_refused(adapter, told):
    with pytest.raises(Refused, match=told):
        lay(mlp(), adapter)
    with pytest.raises(Refused, match=told):
        summed([adapter])


@pytest.mark.parametrize(("adapter", "told"), [
    (Adapter({"nope": delta(3, 3)}), "nope.weight: Sequential has no such parameter"),
    (Adapter({"0": delta(3, 3)}), "0: a change of 3×3 for a weight of 96×64"),
], ids=["missing", "shape"])  # fmt: skip
def test_an_adapter_of_another_base_is_told(adapter, told):
    with pytest.raises(DoesNotFit, match=told):
        lay(mlp(), adapter)


def test_changes_of_different_weights_have_no_sum():
    with pytest.raises(DoesNotFit, match=r"3×4.*3×5"):
        summed([Adapter({"a": delta(3, 4)}), Adapter({"a": delta(3, 5)})])
