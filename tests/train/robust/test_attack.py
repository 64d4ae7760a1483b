"""The loss on inputs that were moved: right, the same however a batch is split, and without a trace."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

from adapterhub.errors import DoesNotFit, Refused
from adapterhub.train.config import RobustConfig
from adapterhub.train.robust.attack import answers_under, attacked
from adapterhub.train.robust.moves import MOVES
from adapterhub.train.robust.task import UnderAttack
from tests.train.robust.builders import FGM, FGSM, PGD, bert, gradients, loss, plain_loss, texts

EVERY = pytest.mark.parametrize("config", [FGM, FGSM, PGD], ids=lambda config: config.attack)


def hooks(model: nn.Module) -> int:
    return sum(len(module._forward_hooks) for module in model.modules())


def embedded(model, batch, embeddings):
    """The loss of embeddings that were made outside."""
    logits = model(inputs_embeds=embeddings, attention_mask=batch["attention_mask"]).logits
    return cross_entropy(logits, batch["labels"], reduction="sum")


@EVERY
def test_the_loss_is_that_of_embeddings_moved_by_hand(config):
    model, batch = bert().eval(), texts()
    clean = model.get_input_embeddings()(batch["input_ids"]).detach()
    moved = torch.zeros_like(clean)
    for _ in range(config.steps if config.attack == "pgd" else 1):
        here = (clean + moved).requires_grad_()
        (gradient,) = torch.autograd.grad(embedded(model, batch, here), here)
        moved = MOVES[config.attack](gradient * batch["attention_mask"][..., None], moved, config)
    wanted = 0.5 * embedded(model, batch, clean) + 0.5 * embedded(model, batch, clean + moved)
    total, count = attacked(loss, config)(model, batch)
    assert total.item() == pytest.approx(wanted.item(), rel=1e-5)
    assert count == 4
    wished = gradients(model, wanted)
    assert all(torch.allclose(one, wished[name], atol=1e-6) for name, one in gradients(model, total).items())


@EVERY
def test_the_attack_raises_the_loss(config):
    model, batch = bert().eval(), texts()
    worst = attacked(loss, config.model_copy(update={"share": 1.0}))
    assert worst(model, batch)[0] > 1.02 * loss(model, batch)[0]


@EVERY
def test_how_a_batch_is_split_changes_neither_loss_nor_gradient(config):
    model, hurt = bert().eval(), attacked(loss, config)
    whole = hurt(model, texts())[0]
    parts = [hurt(model, texts(places))[0] for places in ([0], [1, 3], [2])]
    assert whole.item() == pytest.approx(sum(parts).item(), rel=1e-5)
    one, two = gradients(model, whole), gradients(model, torch.stack(parts).sum())
    assert all(torch.allclose(one[name], two[name], rtol=1e-4, atol=1e-6) for name in one)


@EVERY
def test_padding_is_not_moved(config):
    model, batch, seen = bert().eval(), texts(), []
    model.get_input_embeddings().register_forward_hook(lambda _module, _inputs, output: seen.append(output.detach()))
    # Hooks run in the order they came: this one has to see what the attack's has moved.
    follow = model.base_model.model.bert.embeddings.LayerNorm
    follow.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].detach()))
    attacked(loss, config)(model, batch)
    difference = (seen[-1] - seen[1]).abs().sum(-1)
    real = batch["attention_mask"].bool()
    assert difference[real].min() > 0
    assert difference[~real].max() == 0


@EVERY
def test_both_passes_drop_the_same_and_leave_the_dice_where_the_loss_alone_does(config):
    model, batch = bert(dropout=0.5).train(), texts()
    torch.manual_seed(3)
    clean = loss(model, batch)[0]
    after = torch.rand(1)
    torch.manual_seed(3)
    still = config.model_copy(update={"epsilon": 1e-30, "step_size": 1e-30})
    total, _ = attacked(loss, still)(model, batch)
    assert torch.rand(1) == after
    assert total.item() == pytest.approx(clean.item(), rel=1e-6)


@EVERY
def test_gradients_of_parameters_are_not_touched_and_no_hook_stays(config):
    model, batch = bert().train(), texts()
    before = hooks(model)
    attacked(loss, config)(model, batch)
    assert all(weight.grad is None for weight in model.parameters())
    assert hooks(model) == before


def test_no_hook_stays_after_an_error():
    model, batch = bert(), texts()
    before = hooks(model)

    def fails(model, batch):
        loss(model, batch)
        raise KeyError("out of the loss")

    with pytest.raises(KeyError):
        attacked(fails, FGM)(model, batch)
    assert hooks(model) == before


def test_without_a_share_nothing_is_attacked():
    assert attacked(loss, RobustConfig(share=0)) is loss


@EVERY
def test_activations_that_are_computed_again_change_nothing(config):
    model, batch = bert(dropout=0.3), texts()
    found = []
    for again in (False, True):
        model.train()
        if again:
            model.base_model.model.activation_checkpointing_enable({"use_reentrant": False})
        torch.manual_seed(5)
        found.append(gradients(model, attacked(loss, config)(model, batch)[0]))
    assert all(torch.allclose(found[0][name], found[1][name], atol=1e-6) for name in found[0])


@EVERY
def test_within_autocast_the_gradient_is_near_that_of_fp32(config):
    model, batch = bert().eval(), texts()
    exact = gradients(model, attacked(loss, config)(model, batch)[0])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        total, _ = attacked(loss, config)(model, batch)
    assert total.dtype == torch.float32
    coarse = gradients(model, total)
    one, two = (torch.cat([some[name].flatten() for name in exact]) for some in (exact, coarse))
    assert torch.cosine_similarity(one, two, dim=0) > 0.97


def test_what_the_forward_pass_kept_in_fp32_the_search_does_not_round():
    weight, seen = torch.full((4, 4), 1.001), []

    def wide(_model, batch):
        if batch.requires_grad:
            batch.register_hook(seen.append)
        with torch.autocast("cpu", enabled=False):
            return (batch @ weight).sum(), torch.tensor(1)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        attacked(wide, FGM)(nn.Identity(), torch.ones(1, 4))
    assert seen[0].tolist()[0] == pytest.approx([4.004] * 4, rel=1e-6)


def test_an_embedding_that_is_computed_again_is_refused():
    class Again(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.first, self.last = nn.Embedding(9, 4), nn.Linear(4, 4), nn.Linear(4, 3)

        def inner(self, ids):
            return self.first(self.words(ids).tanh()).tanh().mean(1)

        def forward(self, ids):
            return self.last(checkpoint(self.inner, ids, use_reentrant=False))

    model = Again()
    with pytest.raises(Refused, match="computed again") as refusal:
        attacked(plain_loss, FGM)(model, (torch.tensor([[1, 2]]), torch.tensor([0])))
    assert "activation_checkpointing" in refusal.value.hint
    assert hooks(model) == 0


class Classifier:
    """As much of a task as the answers need."""

    def answers(self, model, batch):
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        return list(logits.softmax(-1).numpy())


@EVERY
def test_answers_under_attack_are_less_sure_of_what_is_right(config):
    model, batch = bert().eval(), texts()
    before = hooks(model)
    with torch.no_grad():
        clean = Classifier().answers(model, batch)
        hurt = answers_under(Classifier(), loss, model, batch, config)
    right = batch["labels"].tolist()
    assert all(two[label] < one[label] for one, two, label in zip(clean, hurt, right, strict=True))
    assert hooks(model) == before
    assert all(weight.grad is None for weight in model.parameters())


def test_answers_that_read_the_batch_otherwise_than_the_loss_are_told():
    class Cut(Classifier):
        def answers(self, model, batch):
            return super().answers(model, {name: value[:, :3] for name, value in batch.items() if value.ndim > 1})

    with pytest.raises(DoesNotFit, match=r"4×7×32.*4×3×32"):
        answers_under(Cut(), loss, bert().eval(), texts(), FGM)


def test_a_task_under_attack_is_measured_beside_the_clean_one():
    class Counted(Classifier):
        metric = "accuracy"

        def loss(self, model, batch):
            return loss(model, batch)

        def measure(self, answers, examples):
            return {"accuracy": sum(one.argmax() == label for one, label in zip(answers, examples, strict=True)) / 4}

    model, batch = bert().eval(), texts()
    with torch.no_grad():
        logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
        batch["labels"] = labels = logits.argmax(1)
        task = UnderAttack(Counted(), RobustConfig(epsilon=50.0))
        metrics = task.measure(task.answers(model, batch), labels.tolist())
    assert list(metrics) == [task.metric] == ["robust_accuracy"]
    assert metrics["robust_accuracy"] < 1.0
