"""Small models on scikit-learn's digits, trained in a second, and LoRA on them."""

import warnings
from functools import cache

import peft
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn


@cache
def digits(turned: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Training images and labels, test images and labels; every third is for the test."""
    data = load_digits()
    images = torch.tensor(data.images, dtype=torch.float32) / 16
    images = torch.rot90(images, 1, (1, 2)) if turned else images
    labels, held = torch.tensor(data.target), torch.arange(len(images)) % 3 == 0
    flat = images.flatten(1)
    return flat[~held], labels[~held], flat[held], labels[held]


class Reader(nn.Module):
    """Three linear layers; the last is called a head."""

    def __init__(self, hidden: int = 64) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(64, hidden), nn.Linear(hidden, hidden)
        self.head = nn.Linear(hidden, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.second(torch.relu(self.first(x)))))


@torch.enable_grad()  # whoever asks first may ask without gradients
def learn(model: nn.Module, steps: int = 200, lr: float = 5e-3, seed: int = 0) -> nn.Module:
    """Train what requires a gradient."""
    x, y, _, _ = digits()
    dice = torch.Generator().manual_seed(seed)
    optimiser = torch.optim.Adam([one for one in model.parameters() if one.requires_grad], lr)
    model.train()
    for _ in range(steps):
        rows = torch.randint(len(x), (64,), generator=dice)
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
        optimiser.step()
    return model.eval()


@torch.no_grad()
def accuracy(model: nn.Module) -> float:
    """On the test images."""
    _, _, x, y = digits()
    return float((model(x).argmax(1) == y).float().mean())


def reader() -> Reader:
    """A trained one, the same every time."""
    torch.manual_seed(0)
    model = Reader()
    model.load_state_dict(_trained())
    return model.eval()


@cache
def _trained() -> dict[str, Tensor]:
    torch.manual_seed(0)
    return learn(Reader()).state_dict()


def lora(model: nn.Module, **config: object) -> peft.PeftModel:
    """Factors beside the first two layers."""
    torch.manual_seed(1)
    fields = {"r": 4, "lora_alpha": 8, "target_modules": ["first", "second"], **config}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return peft.get_peft_model(model, peft.LoraConfig(**fields))


def stir(model: nn.Module, seed: int = 2) -> nn.Module:
    """Everything that is trained drawn at random."""
    torch.manual_seed(seed)
    for parameter in model.parameters():
        if parameter.requires_grad:
            nn.init.normal_(parameter, std=0.2)
    return model
