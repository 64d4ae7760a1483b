"""Are two bases the same, or two of their tensors?"""

from adapterhub.base.card import Card
from adapterhub.base.row import TensorRow
from adapterhub.manifest import BasePin

__all__ = ["is_copy", "known_same", "same_bytes", "same_files"]


def same_bytes(one: TensorRow, other: TensorRow) -> bool:
    """Whether two tensors are known to be the same, byte for byte."""
    alike = (one.dtype, one.shape, one.sha256) == (other.dtype, other.shape, other.sha256)
    return one.sha256 is not None and alike


def is_copy(one: TensorRow, other: TensorRow) -> bool:
    """Whether one tensor is known to be the bf16 copy of the other."""
    differ = one.dtype != other.dtype and "BF16" in (one.dtype, other.dtype)
    return differ and one.shape == other.shape and one.as_bf16 is not None and one.as_bf16 == other.as_bf16


def same_files(one: Card, other: Card) -> bool:
    """Whether both say what their files are, and the files are the same, whatever they are called."""
    files = sorted(one.files.values())
    return bool(files) and files == sorted(other.files.values()) and one.layout_digest == other.layout_digest


def known_same(pin: BasePin, recorded: Card | None, base: Card) -> bool:
    """Whether a base is the one of a pin: by the digest of its weights, by its files, or by its commit on a Hub.

    `recorded` is the card of the pinned base. False says only that nothing tells: files of the same weights differ
    where they were split elsewhere.
    """
    if pin.weights_digest is not None and pin.weights_digest == base.weights_digest:
        return True
    if recorded is not None and same_files(recorded, base):
        return True
    return pin.revision is not None and f"{pin.source}@{pin.revision}" == _commit(base.source)


def _commit(source: str | None) -> str | None:
    """`hf:org/name#folder@commit`, as a pin says it, of `hf:org/name@commit#folder`."""
    if source is None or not source.startswith("hf:"):
        return None
    place, _, path = source.partition("#")
    repo, _, commit = place.partition("@")
    return f"{repo}{'#' if path else ''}{path}@{commit}" if commit else None
