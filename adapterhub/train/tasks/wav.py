"""WAV files of whole numbers, as the standard library reads them."""

import io
import wave
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from adapterhub.errors import Corrupt, NotFound, WrongUsage

__all__ = ["Sound", "read_wav", "sound_of", "wav_header"]

FOLDER = "a path, or a folder of sounds for each label"


Sound = Path | bytes
"""A sound's file, or the bytes of one."""

PIPED = 0xFFFFFFFF
"""The size ffmpeg writes where it cannot go back to correct it."""


def sound_of(cell: Any, place: str) -> Sound:
    """A cell as a sound: a path, the bytes of a file, or the object Hugging Face's Parquet files have."""
    if isinstance(cell, Mapping):
        cell = cell.get("bytes") or cell.get("path")
    sound = Path(cell) if isinstance(cell, str) else cell
    if not isinstance(sound, Path | bytes):
        raise WrongUsage(f"{place}: wanted a sound, got {type(cell).__name__} {str(cell)[:40]!r}", hint=FOLDER)
    if isinstance(sound, Path) and not sound.is_file():
        raise NotFound(f"{place}: there is no sound {str(sound)!r}", hint=FOLDER)
    return sound


def wav_header(sound: Sound, place: str) -> tuple[int, int]:
    """Samples a second, and how many there are."""
    with _opened(sound, place) as (file, count):
        return file.getframerate(), count


def read_wav(sound: Sound, place: str) -> NDArray[np.float32]:
    """The samples, −1 … 1, (n,); the mean of the channels."""
    with _opened(sound, place) as (file, count):
        width, channels = file.getsampwidth(), file.getnchannels()
        data = np.frombuffer(file.readframes(count), np.uint8).reshape(-1, width)
        values: NDArray[np.float64]
        if width == 1:
            values = data[:, 0] / 128 - 1  # only bytes have no sign
        else:
            wide = np.zeros((len(data), 4), np.uint8)
            wide[:, 4 - width :] = data
            values = wide.view("<i4")[:, 0] / 2.0**31
        mono: NDArray[np.float32] = values.reshape(-1, channels).mean(1).astype(np.float32)
    return mono


@contextmanager
def _opened(sound: Sound, place: str) -> Iterator[tuple[wave.Wave_read, int]]:
    """A file, and how many samples of each channel are in it; what is wrong with it as an error with a place."""
    try:
        with io.BytesIO(sound) if isinstance(sound, bytes) else sound.open("rb") as stream, wave.open(stream) as file:
            yield file, _count(file, stream)
    except (wave.Error, EOFError, ValueError, RuntimeError) as error:  # RuntimeError: a part larger than the file
        raise Corrupt(
            f"{place}: no WAV file that can be read: {str(error) or 'it ends too early'}",
            hint="convert it to WAV with 16 bits: ffmpeg -i IN -c:a pcm_s16le OUT.wav",
        ) from error


def _count(file: wave.Wave_read, stream: BinaryIO) -> int:
    """As many as the header says; where that was written into a pipe and could not know, all there are."""
    frame, said, start = file.getsampwidth() * file.getnchannels(), file.getnframes(), stream.tell()
    there = (stream.seek(0, io.SEEK_END) - start) // frame
    stream.seek(start)
    if file.getsampwidth() > 4:
        raise wave.Error(f"{8 * file.getsampwidth()} bits a sample")
    if said == PIPED // frame:
        said = there
    if said > there:
        raise wave.Error(f"it ends too early: its header says {said} samples, and {there} are there")
    if not said:
        raise wave.Error("it has no samples")
    return said
