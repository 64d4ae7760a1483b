"""The header of a safetensors file, as a server reads it for whoever asks: few at once, and none that is huge."""

from anyio import CapacityLimiter

from adapterhub.formats import safetensors_header
from adapterhub.formats.header import Header
from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.store.history.commit import TreeFile
from adapterhub.verbs.desk import Desk

__all__ = ["LARGEST", "READING", "read_header"]

LARGEST = 8 << 20
"""Bytes of a header, which become some ten times as many in memory: enough for 50,000 tensors."""

READING = CapacityLimiter(2)
"""Headers that are read at once."""


def read_header(desk: Desk, file: TreeFile) -> tuple[Header, int]:
    """The header, and where the data begins; `TooLarge`, or `Corrupt` on any lie."""
    with desk.store.blob(file.blob) as stream:
        length = int.from_bytes(stream.read(8), "little")
        if LARGEST < length <= file.size - 8:
            raise TooLarge(
                f"{file.path}: a header of {length} bytes, and {LARGEST} are read here",
                hint="download the file, and look at it there",
            )
        stream.seek(0)
        return safetensors_header.read(stream, file.size, file.path), 8 + length
