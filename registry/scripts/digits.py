"""The images: scikit-learn's bundled handwritten digits, split once and for all, and the domains made of them.

An image is 8×8 whole numbers from 0 (paper) to 16 (ink). A domain is a way all images can look; an adapter is trained
for each but two: `upright`, and `mirrored_shifted`, which asks what two adapters can do together.

The images are from the UCI repository: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, 1998,
https://doi.org/10.24432/C50P49, CC BY 4.0. scikit-learn ships its 1797 test images.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

import numpy as np
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

__all__ = [
    "DOMAINS",
    "INK",
    "SPLIT_SEED",
    "Domain",
    "Images",
    "Labelled",
    "Splits",
    "jittered",
    "load",
    "pixels",
    "seen_as",
]

Images = NDArray[np.uint8]
"""(n, 8, 8), values 0 to 16."""

Labels = NDArray[np.uint8]

INK = 16
SPLIT_SEED = 1
HELD_OUT = 0.2
"""The share of all images in the validation part, and again in the test part."""


@final
@dataclass(frozen=True)
class Labelled:
    """Images and the digit each shows."""

    images: Images
    labels: Labels

    def __len__(self) -> int:
        return len(self.labels)


@final
@dataclass(frozen=True)
class Splits:
    """Weights are fitted to the first, everything else is chosen on the second, what is told is from the third."""

    train: Labelled
    validation: Labelled
    test: Labelled


@final
@dataclass(frozen=True)
class Domain:
    """A way the images can look. `change` may throw dice; most do not."""

    about: str
    change: Callable[[Images, Generator], Images]


def rotated(images: Images) -> Images:
    """Turned a quarter counter-clockwise: the right column becomes the top row."""
    return np.rot90(images, axes=(1, 2)).copy()


def mirrored(images: Images) -> Images:
    """Left and right exchanged."""
    return images[:, :, ::-1].copy()


def inverted(images: Images) -> Images:
    """Ink and paper exchanged."""
    return INK - images


def blurred(images: Images) -> Images:
    """Each pixel the mean of the 3×3 around it, with paper beyond the edge."""
    padded = np.pad(images.astype(np.float64), ((0, 0), (1, 1), (1, 1)))
    total = sum(padded[:, row : row + 8, column : column + 8] for row in range(3) for column in range(3))
    return np.rint(total / 9).astype(np.uint8)


def noisy(images: Images, dice: Generator) -> Images:
    """One pixel in five full of ink."""
    return np.where(dice.random(images.shape) < 0.2, INK, images).astype(np.uint8)


def shifted(images: Images) -> Images:
    """Two pixels to the right; what leaves the image is lost."""
    moved = np.zeros_like(images)
    moved[:, :, 2:] = images[:, :, :-2]
    return moved


def jittered(images: Images, deviation: float, dice: Generator) -> Images:
    """Each pixel a little off, so that training learns no image by heart. No domain of its own."""
    return np.clip(np.rint(images + dice.normal(0, deviation, images.shape)), 0, INK).astype(np.uint8)


DOMAINS = {
    "upright": Domain("as they were written", lambda images, dice: images),
    "rotated": Domain("turned by 90 degrees", lambda images, dice: rotated(images)),
    "mirrored": Domain("left and right exchanged", lambda images, dice: mirrored(images)),
    "inverted": Domain("ink and paper exchanged", lambda images, dice: inverted(images)),
    "blurred": Domain("each pixel the mean of its neighbourhood", lambda images, dice: blurred(images)),
    "noisy": Domain("one pixel in five full of ink", noisy),
    "shifted": Domain("two pixels to the right", lambda images, dice: shifted(images)),
    "mirrored_shifted": Domain("mirrored, then shifted", lambda images, dice: shifted(mirrored(images))),
}


def seen_as(domain: str, images: Images, seed: int = 0) -> Images:
    """The images as a domain shows them; the same seed throws the same dice."""
    return DOMAINS[domain].change(images, default_rng(seed))


def load() -> Splits:
    """The images in three parts with the same share of every digit."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    bunch = load_digits()
    images, labels = bunch.images.astype(np.uint8), bunch.target.astype(np.uint8)
    kept, test = train_test_split(np.arange(len(labels)), test_size=HELD_OUT, random_state=SPLIT_SEED, stratify=labels)
    train, validation = train_test_split(
        kept, test_size=HELD_OUT / (1 - HELD_OUT), random_state=SPLIT_SEED, stratify=labels[kept]
    )
    return Splits(*(Labelled(images[np.sort(part)], labels[np.sort(part)]) for part in (train, validation, test)))


def pixels(images: Images) -> "torch.Tensor":
    """What a model takes: (n, 1, 8, 8) floats from -1 (paper) to 1 (ink)."""
    import torch

    return torch.from_numpy(images.astype(np.float32) / (INK / 2) - 1)[:, None]
