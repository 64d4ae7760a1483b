"""Small models to attack, and losses in the form the engine takes."""

import warnings

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from adapterhub.train.config import RobustConfig

LENGTHS = (5, 3, 7, 4)

FGM = RobustConfig(attack="fgm", epsilon=0.5)
FGSM = RobustConfig(attack="fgsm", epsilon=0.05)
PGD = RobustConfig(attack="pgd", epsilon=0.05, steps=3)


def bert(*, dropout: float = 0.0) -> nn.Module:
    """A small classifier with LoRA on it, all else frozen."""
    from peft import LoraConfig, get_peft_model
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=40,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=16,
        num_labels=3,
        hidden_dropout_prob=dropout,
        attention_probs_dropout_prob=dropout,
    )
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft asks transformers by an old name
        torch.manual_seed(0)
        model = BertForSequenceClassification(config)
        lora = LoraConfig(task_type="SEQ_CLS", r=2, target_modules=["query", "value"], init_lora_weights=False)
        return get_peft_model(model, lora)


def texts(places: list[int] | None = None) -> dict[str, Tensor]:
    """Some of four texts of different lengths, padded to the longest among them."""
    places = list(range(len(LENGTHS))) if places is None else places
    random = torch.Generator().manual_seed(1)
    ids = [torch.randint(1, 40, (length,), generator=random) for length in LENGTHS]
    chosen = [ids[place] for place in places]
    padded = nn.utils.rnn.pad_sequence(chosen, batch_first=True)
    mask = nn.utils.rnn.pad_sequence([torch.ones_like(one) for one in chosen], batch_first=True)
    return {"input_ids": padded, "attention_mask": mask, "labels": torch.tensor([place % 3 for place in places])}


def loss(model: nn.Module, batch: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
    """Summed cross entropy of a transformers classifier."""
    logits = model(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"]).logits
    return cross_entropy(logits.float(), batch["labels"], reduction="sum"), torch.tensor(len(batch["labels"]))


def plain_loss(model: nn.Module, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """Summed cross entropy of any model on pairs of inputs and labels."""
    inputs, labels = batch
    return cross_entropy(model(inputs), labels, reduction="sum"), torch.tensor(len(labels))


def gradients(model: nn.Module, total: Tensor) -> dict[str, Tensor]:
    """The gradients of what is trained."""
    named = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    return dict(zip(named, torch.autograd.grad(total, list(named.values())), strict=True))
