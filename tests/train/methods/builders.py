"""Three small models, a few steps of training, and two judges: PEFT and our own reader on the pristine base."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import BertConfig, BertForSequenceClassification, GPT2Config, GPT2LMHeadModel

from adapterhub.lora.adapter import Adapter
from adapterhub.lora.load import load
from adapterhub.train.config import TrainConfig
from adapterhub.train.methods.attached import Attached
from adapterhub.train.methods.table import attach
from adapterhub.train.methods.targets import is_conv1d
from tests.lora.builders import entry_of

CLASSES = 3


class Cnn(nn.Module):
    """Convolutions, running statistics and a head, of plain torch."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 12, 3, padding=1, stride=2), nn.ReLU()
        )
        self.fc = nn.Linear(12, 16)
        self.head = nn.Linear(16, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        return self.head(F.relu(self.fc(self.body(images).mean((2, 3)))))


@dataclass(frozen=True)
class Kind:
    """A model, its heads, PEFT's word for the task, what it is called with, and its logits."""

    build: Callable[[], nn.Module]
    heads: tuple[str, ...]
    peft_type: str | None
    inputs: Callable[[], dict[str, Tensor]]

    def model(self) -> Any:
        """The same weights every time."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = self.build().eval()
            for module in model.modules():
                if isinstance(module, nn.BatchNorm2d):
                    nn.init.uniform_(module.running_mean)
                    nn.init.uniform_(module.running_var, 0.5, 2.0)
        return model

    def logits(self, model: nn.Module) -> Tensor:
        out = model(**self.inputs())
        return out if isinstance(out, Tensor) else out.logits

    def loss(self, model: nn.Module) -> Tensor:
        logits = self.logits(model)
        return F.cross_entropy(logits.flatten(0, -2), torch.arange(logits[..., 0].numel()) % CLASSES)


def _tokens() -> dict[str, Tensor]:
    return {"input_ids": torch.randint(50, (5, 7), generator=torch.Generator().manual_seed(3))}


def _images() -> dict[str, Tensor]:
    return {"images": torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(3))}


BERT = BertConfig(
    vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, num_labels=CLASSES
)
GPT2 = GPT2Config(vocab_size=50, n_embd=16, n_layer=2, n_head=2, n_positions=16, bos_token_id=0, eos_token_id=0)

KINDS = {
    "bert": Kind(lambda: BertForSequenceClassification(BERT), ("classifier",), "SEQ_CLS", _tokens),
    "gpt2": Kind(lambda: GPT2LMHeadModel(GPT2), (), "CAUSAL_LM", _tokens),
    "cnn": Kind(Cnn, ("head",), None, _images),
}


def config(seed: int = 0, lora_plus: float | None = None, **adapter: Any) -> TrainConfig:
    """A config of which only the adapter matters here."""
    rank = {} if adapter.get("method") == "full" else {"rank": 4}
    return TrainConfig.model_validate(
        {
            "base": "b",
            "name": "ada/it",
            "task": "text-classification",
            "seed": seed,
            "data": {"train": "t.csv"},
            "adapter": rank | adapter,
            "optim": {"lora_plus": lora_plus} if lora_plus else {},
        }
    )


def attached(kind: Kind, model: nn.Module, asked: TrainConfig, *, steps: int = 8) -> Attached:
    """The model, made trainable."""
    return attach(model, asked, kind.heads, peft_type=kind.peft_type, steps=steps, batches=[kind.inputs()])


def train(kind: Kind, made: Attached, steps: int = 8, *, first: int = 1, optimizer: Any = None) -> Any:
    """Train as the loop does, from step `first` on; gives the optimiser."""
    parameters = [parameter for parameter in made.model.parameters() if parameter.requires_grad]
    optimizer = optimizer or torch.optim.AdamW(parameters, lr=1e-2, weight_decay=0.0)
    made.model.train()
    for step in range(first, steps + 1):
        torch.manual_seed(step)
        optimizer.zero_grad()
        loss = kind.loss(made.model)
        for part in made.parts:
            more = part.penalty(made.model)
            loss = loss if more is None else loss + more
        loss.backward()
        optimizer.step()
        for part in made.parts:
            part.after_step(step)
    made.model.eval()
    return optimizer


def by_peft(kind: Kind, folder: Path) -> Tensor:
    """What PEFT makes of a folder and the base as it was."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what peft and transformers say of each other is not asked here
        model = PeftModel.from_pretrained(kind.model(), str(folder)).eval()
    return kind.logits(model)


def by_us(kind: Kind, folder: Path) -> Tensor:
    """What our own reader makes of them."""
    model = kind.model()
    _apply(model, load(entry_of(folder)))
    return kind.logits(model)


def _apply(model: nn.Module, adapter: Adapter) -> None:
    with torch.no_grad():
        for path, delta in adapter.deltas.items():
            layer = model.get_submodule(path)
            turned = is_conv1d(layer) or isinstance(layer, nn.Embedding)
            weight = layer.weight.T if turned else layer.weight
            flat = weight.reshape(len(weight), -1)
            changed = flat + delta.within((flat.shape[0], flat.shape[1]), delta.form).dense()
            if path in adapter.magnitudes:
                changed *= (adapter.magnitudes[path].flatten() / changed.norm(dim=1))[:, None]
            weight.copy_(changed.view(weight.shape))
        model.load_state_dict(dict(adapter.tensors), strict=False)
