"""One tensor of a checkpoint, as a base card tells it."""

from adapterhub.document import Document

__all__ = ["TensorRow"]


class TensorRow(Document):
    """One tensor of a checkpoint.

    `sha256` is that of its bytes, `bf16` that of its values rounded to bf16 (for F32 and F16; a BF16 tensor is its own
    copy). Both are None on a card made from headers only.
    """

    name: str
    dtype: str
    shape: tuple[int, ...] = ()
    sha256: str | None = None
    bf16: str | None = None

    @property
    def as_bf16(self) -> str | None:
        """The digest of the bf16 copy, if there is one to know."""
        return self.sha256 if self.dtype == "BF16" else self.bf16
