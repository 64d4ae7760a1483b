"""The bytes of a file on their way to being a table, and how a file that cannot be read is reported."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt
from adapterhub.train.data.table import Row, Table

__all__ = ["Source"]

BOM = b"\xef\xbb\xbf"
UTF16 = (b"\xff\xfe", b"\xfe\xff")
"""How what some programs call Unicode text begins."""


@final
@dataclass(frozen=True)
class Source:
    """A file, unpacked if it was packed."""

    name: str
    suffix: str
    """Without `.gz`, in small letters."""
    data: bytes
    digest: Digest
    """Of the file as it lies there."""

    def text(self) -> str:
        """The bytes as text, without the mark that some programs put before it."""
        try:
            return self.data.removeprefix(BOM).decode()
        except UnicodeDecodeError as error:
            offset = error.start + len(BOM) * self.data.startswith(BOM)
            line = self.data.count(b"\n", 0, offset) + 1
            encoding = "UTF-16" if self.data.startswith(UTF16) else "LATIN1"
            raise self.broken(
                f"line {line}",
                f"byte {offset} (0x{self.data[offset]:02x}) is not UTF-8",
                hint=f"save it as UTF-8, for example `iconv -f {encoding} -t UTF-8 {self.name}`",
            ) from None

    def broken(self, where: str, what: str, *, hint: str) -> Corrupt:
        """The error for a place in the file."""
        return Corrupt(f"{self.name}, {where}: {what}", hint=hint)

    def table(self, columns: Sequence[str], rows: Sequence[Row], unit: str, numbers: Sequence[int]) -> Table:
        """The table of rows that were read; `numbers` says in which line (or as which row) each begins."""
        places = [f"{self.name}, {unit} {number}" for number in numbers]
        return Table(self.name, self.digest, tuple(columns), rows, places)
