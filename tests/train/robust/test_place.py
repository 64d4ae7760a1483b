"""Where the input of a batch is: at an embedding, or in the batch itself; and what is said where that is not clear."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.config import RobustConfig
from adapterhub.train.robust.attack import attacked
from tests.train.robust.builders import FGM, plain_loss


def linear() -> nn.Linear:
    model = nn.Linear(4, 2, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -1.0, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0]]))
    return model


@pytest.mark.parametrize("batch", [
    (torch.full((1, 4), 0.5), torch.tensor([0])),
    [torch.full((1, 4), 0.5), torch.tensor([0])],
], ids=["tuple", "list"])  # fmt: skip
def test_a_picture_is_moved_itself_and_stays_in_its_range(batch):
    seen = []
    model = linear()
    model.register_forward_hook(lambda _module, inputs, _output: seen.append(inputs[0].detach()))
    given = batch[0].clone()
    config = RobustConfig(attack="fgsm", epsilon=0.7)
    attacked(plain_loss, config)(model, batch)
    assert seen[-1][0, :3].tolist() == pytest.approx([-0.2, 1.2, -0.2])
    attacked(plain_loss, config, limits=(0.0, 1.0))(model, batch)
    assert seen[-1][0, :3].tolist() == pytest.approx([0.0, 1.0, 0.0])
    low, high = torch.tensor([0.0, 0.0, 0.4, 0.0]), torch.ones(4)
    attacked(plain_loss, config, limits=(low, high))(model, batch)
    assert seen[-1][0, :3].tolist() == pytest.approx([0.0, 1.0, 0.4])
    assert torch.equal(batch[0], given)


def test_of_several_inputs_the_one_with_a_known_name_is_moved():
    def named(model, batch):
        return plain_loss(model, (batch["pixel_values"], batch["labels"]))

    batch = {"weights": torch.ones(1, 4), "pixel_values": torch.ones(1, 4), "labels": torch.tensor([0])}
    assert attacked(named, FGM)(linear(), batch)[0] > named(linear(), batch)[0]


def test_several_inputs_without_a_known_name_are_told():
    batch = {"left": torch.ones(1, 4), "right": torch.ones(1, 4)}
    with pytest.raises(WrongUsage, match="left, right") as refusal:
        attacked(plain_loss, FGM)(linear(), batch)
    assert "pixel_values" in refusal.value.hint


def test_a_model_without_an_embedding_is_told():
    with pytest.raises(WrongUsage, match="Linear has no input embedding"):
        attacked(plain_loss, FGM)(linear(), (torch.ones(1, 4, dtype=torch.long), torch.tensor([0])))


def test_a_loss_that_does_not_hang_on_the_input_is_told():
    def constant(model, batch):
        model(batch[0])
        return model.weight.sum(), torch.tensor(1)

    with pytest.raises(DoesNotFit, match="does not depend on 0"):
        attacked(constant, FGM)(linear(), (torch.ones(1, 4), torch.tensor([0])))


def test_an_embedding_that_is_never_asked_is_told():
    def blind(model, batch):
        return model.last.weight.sum(), torch.tensor(1)

    model = nn.ModuleDict({"words": nn.Embedding(3, 2), "last": nn.Linear(2, 2)})
    with pytest.raises(DoesNotFit, match="without the input embedding being asked"):
        attacked(blind, FGM)(model, (torch.tensor([[1]]), torch.tensor([0])))


def test_of_an_encoder_and_a_decoder_the_encoder_is_attacked():
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(
        vocab_size=20,
        d_model=16,
        d_kv=8,
        d_ff=16,
        num_layers=1,
        num_heads=2,
        dropout_rate=0.0,
        decoder_start_token_id=0,
    )
    model = T5ForConditionalGeneration(config).eval()
    batch = {
        "input_ids": torch.tensor([[3, 4, 5]]),
        "attention_mask": torch.ones(1, 3),
        "labels": torch.tensor([[6, 7]]),
    }

    def translate(model, batch):
        logits = model(
            input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], decoder_input_ids=batch["labels"]
        ).logits
        return cross_entropy(logits.flatten(0, 1), batch["labels"].flatten(), reduction="sum"), torch.tensor(2)

    worst = attacked(translate, RobustConfig(epsilon=5.0, share=1.0))
    assert worst(model, batch)[0] > translate(model, batch)[0]
