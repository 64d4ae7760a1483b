"""Pictures as the numbers a model takes: resized, scaled and normalised as its base was trained to see them.

    x = (v·scale − mean) / std        v: 0 … 255; by channel        returns (channels, height, width), float32

What `preprocessor_config.json` beside the base does not say: the size and channels of `config.json`, a scale of 1/255,
and mean and standard deviation 0.5, so that x is −1 … 1. What is transparent is laid on nothing: its colour is
taken as it is.
"""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from adapterhub.errors import Corrupt, DoesNotFit, NotFound, WrongUsage
from adapterhub.train.tasks.opening import open_config

__all__ = ["Eye", "Picture", "check", "eye_of", "picture_of"]

Picture = Path | bytes | NDArray[Any]
"""A picture's file, the bytes of one, or its pixels: uint8 (h, w[, channels]), or floats as the model takes them."""

MODES = {1: "L", 3: "RGB", 4: "RGBA"}
WIDE = {"F": "floats", "I": "whole numbers of 32 bits"}
"""Modes of Pillow whose pixels have no known range."""


@final
@dataclass(frozen=True)
class Eye:
    """How a base sees. `shortest`: the shorter edge is resized to so much, and the middle cut out; else squeezed."""

    height: int
    width: int
    channels: int
    scale: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    resample: int = 2
    shortest: int | None = None

    def __call__(self, picture: Picture, place: str) -> NDArray[np.float32]:
        """A picture's numbers: (channels, height, width)."""
        if isinstance(picture, np.ndarray) and picture.dtype != np.uint8:
            return self._as_it_is(picture, place)
        with _reading(place), _opened(picture) as image:
            sized = self._sized(_in_bytes(ImageOps.exif_transpose(image)).convert(MODES[self.channels]))
        values = np.asarray(sized, np.float32).reshape(self.height, self.width, self.channels) * np.float32(self.scale)
        normal = (values - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(normal.transpose(2, 0, 1), np.float32)

    def _sized(self, image: Image.Image) -> Image.Image:
        wanted = (self.width, self.height)
        if self.shortest is not None:
            short = min(image.size)
            image = self._resized(image, (image.width * self.shortest // short, image.height * self.shortest // short))
            left, top = (image.width - self.width) // 2, (image.height - self.height) // 2
            return image.crop((left, top, left + self.width, top + self.height))
        return self._resized(image, wanted)

    def _resized(self, image: Image.Image, size: tuple[int, int]) -> Image.Image:
        return image if image.size == size else image.resize(size, Image.Resampling(self.resample))

    def _as_it_is(self, pixels: NDArray[Any], place: str) -> NDArray[np.float32]:
        """Floats are the model's own numbers: neither resized nor scaled."""
        wanted = (self.channels, self.height, self.width)
        if not np.issubdtype(pixels.dtype, np.floating):
            raise WrongUsage(f"{place}: pixels are uint8 or floats, got {pixels.dtype}", hint="convert the array")
        if pixels.shape == wanted[1:] and self.channels == 1:
            return pixels[None].astype(np.float32)
        if pixels.shape == (*wanted[1:], self.channels):
            pixels = pixels.transpose(2, 0, 1)
        if pixels.shape != wanted:
            raise WrongUsage(
                f"{place}: pixels that are floats have shape {pixels.shape}, the base takes {wanted}",
                hint="pixels of dtype uint8 are resized; floats are given to the model as they are",
            )
        return np.ascontiguousarray(pixels, np.float32)


def picture_of(cell: Any, place: str) -> Picture:
    """A cell as a picture: a path, an array, the bytes of a file, or the object Hugging Face's Parquet files have."""
    if isinstance(cell, Mapping):
        cell = cell.get("bytes") or cell.get("path")
    picture = Path(cell) if isinstance(cell, str) else cell
    if isinstance(picture, Path) and not picture.is_file():
        raise NotFound(
            f"{place}: there is no picture {str(picture)!r}",
            hint="in a table, paths are relative to the folder of the table",
        )
    if not isinstance(picture, Path | bytes | np.ndarray):
        raise WrongUsage(
            f"{place}: wanted a picture, got {type(cell).__name__} {str(cell)[:40]!r}",
            hint="a path, an array of pixels, or a folder of pictures for each label",
        )
    return picture


def check(picture: Picture, place: str) -> None:
    """`Corrupt` for a file that is no picture, `WrongUsage` for pixels that mean none, as far as a header tells."""
    if isinstance(picture, np.ndarray):
        _insist_on_shape(picture, place)
        return
    with _reading(place), _opened(picture) as image:
        mode = image.mode
    if mode in WIDE:
        raise WrongUsage(
            f"{place}: its pixels are {WIDE[mode]}, and nothing says which is black and which is white",
            hint="save it with 8 or 16 bits; floats that are the model's own numbers come as arrays (npz, Parquet)",
        )


def _insist_on_shape(pixels: NDArray[Any], place: str) -> None:
    """Of bytes; the shape of floats is the model's to say."""
    channels = pixels.shape[2:]
    if pixels.dtype == np.uint8 and (pixels.ndim < 2 or not pixels.size or channels not in ((), (1,), (3,), (4,))):
        raise WrongUsage(
            f"{place}: pixels of shape {pixels.shape}, wanted (height, width) or (height, width, 1, 3 or 4)",
            hint="the channels of an array come last",
        )


def eye_of(folder: Path) -> Eye:
    """How the base in a folder sees."""
    config, place = open_config(folder), folder / "preprocessor_config.json"
    said = json.loads(place.read_text()) if place.is_file() else {}
    channels = int(getattr(config, "num_channels", 3))
    if channels not in MODES:
        raise DoesNotFit(
            f"{folder}: the base sees {channels} channels, a picture has 1, 3 or 4", hint="a task of one's own can"
        )
    size = said.get("size", getattr(config, "image_size", 224))
    crop = said.get("crop_size", size) if said.get("do_center_crop") else size
    height, width = _edges(crop)
    normal = said.get("do_normalize", True)
    return Eye(
        height,
        width,
        channels,
        float(said.get("rescale_factor", 1 / 255)) if said.get("do_rescale", True) else 1.0,
        _by_channel(said.get("image_mean", 0.5) if normal else 0.0, channels),
        _by_channel(said.get("image_std", 0.5) if normal else 1.0, channels),
        int(said.get("resample", 2)),
        size.get("shortest_edge") if isinstance(size, Mapping) else None,
    )


def _opened(picture: Picture) -> Image.Image:
    if isinstance(picture, np.ndarray):
        return Image.fromarray(picture[..., 0] if picture.shape[2:] == (1,) else picture)
    return Image.open(io.BytesIO(picture) if isinstance(picture, bytes) else picture)


def _in_bytes(image: Image.Image) -> Image.Image:
    """Pillow would cut 16 bits off at 255, and most of a scan would be white."""
    return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)) if image.mode.startswith("I;16") else image


@contextmanager
def _reading(place: str) -> Iterator[None]:
    """What Pillow raises, as an error with a place."""
    try:
        yield
    except (OSError, ValueError, TypeError, SyntaxError, Image.DecompressionBombError) as error:
        raise Corrupt(
            f"{place}: no picture that can be read: {error}", hint="correct the row or leave it out"
        ) from error


def _edges(size: Any) -> tuple[int, int]:
    """Height and width of a size as configs write it: 224, [224, 200], {height, width} or {shortest_edge}."""
    if isinstance(size, Mapping):
        edge = size.get("shortest_edge")
        return int(size.get("height", edge)), int(size.get("width", edge))
    if isinstance(size, list | tuple):
        return int(size[0]), int(size[-1])
    return int(size), int(size)


def _by_channel(value: Any, channels: int) -> tuple[float, ...]:
    """One number for each channel; a base of one channel may have the three of its processor's default."""
    values = list(value) if isinstance(value, list | tuple) else [value]
    return tuple(float(values[i % len(values)]) for i in range(channels))
