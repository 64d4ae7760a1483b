"""Audio classification: a label for each sound, out of WAV files."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

from torch import Tensor

from adapterhub.errors import WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.data.table import Table
from adapterhub.train.faults import of_each
from adapterhub.train.tasks.classification import Classification
from adapterhub.train.tasks.known import known_labels
from adapterhub.train.tasks.opening import open_config, open_extractor
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.train.tasks.wav import Sound, read_wav, sound_of, wav_header

__all__ = ["AudioReader", "Heard", "prepare"]


def prepare(config: TrainConfig, base: Path, train: Table | None) -> Classification:
    """The task over a base that hears, with its feature extractor."""
    columns = wanted_columns(config)
    labels = known_labels(config, base, train, columns["label"])
    reader = AudioReader(open_extractor(base), columns["audio"], _shortest(open_config(base)))
    return Classification(reader, "AutoModelForAudioClassification", labels, columns["label"])


class Heard(NamedTuple):
    """A sound, its length in samples, and where it is from, for errors."""

    sound: Sound
    length: int
    place: str


@final
@dataclass(frozen=True)
class AudioReader:
    """Sounds, read when a batch is made of them, and made features of as the base was trained to hear them."""

    extractor: Any
    column: str
    shortest: int = 1
    """Samples without which the base has nothing to hear."""

    def inputs(self, table: Table) -> list[Heard]:
        """Each row's file, with its header read."""
        return of_each(
            lambda row: self._heard(*row), [(cell, table.place(i)) for i, cell in enumerate(table.column(self.column))]
        )

    def _heard(self, cell: Any, place: str) -> Heard:
        sound, wanted = sound_of(cell, place), self.extractor.sampling_rate
        rate, length = wav_header(sound, place)
        if rate != wanted:
            raise WrongUsage(
                f"{place}: {rate} samples a second, the base hears {wanted}",
                hint=f"convert the file: ffmpeg -i IN.wav -ar {wanted} OUT.wav",
            )
        if length < self.shortest:
            raise WrongUsage(
                f"{place}: {length} samples, the base needs {self.shortest} to hear anything",
                hint="leave the row out, or put silence behind the sound",
            )
        return Heard(sound, length, place)

    def size(self, one: Heard) -> int:
        """How many samples."""
        return one.length

    def batch(self, inputs: Sequence[Heard]) -> dict[str, Tensor]:
        """What the feature extractor makes of the samples, padded to the longest."""
        sounds = [read_wav(one.sound, one.place) for one in inputs]
        made = self.extractor(
            sounds, sampling_rate=self.extractor.sampling_rate, padding="longest", return_tensors="pt"
        )
        return dict(made)


def _shortest(config: Any) -> int:
    """How many samples become one step of a base that begins with convolutions: (n − 1)·stride + kernel, of each."""
    samples = 1
    for kernel, stride in zip(
        *(reversed(getattr(config, name, ())) for name in ("conv_kernel", "conv_stride")), strict=True
    ):
        samples = (samples - 1) * stride + kernel
    return samples
