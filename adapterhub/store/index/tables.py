"""The tables of the index. Raise `SHAPE` when one changes: an index of another shape is rebuilt, never migrated."""

from sqlalchemy import text
from sqlmodel import Field, Index, SQLModel

__all__ = ["SHAPE", "Meta", "Metric", "Row", "Seen", "Side", "Sided", "Word"]

SHAPE = 7


class Row(SQLModel, table=True):
    """One version of one adapter; `document` is the line `search` prints, as JSON.

    `pin` is the base it is pinned to, by the manifest or else by a note, `noted` the note's where the manifest has
    another; both as JSON, or empty. `newest` is the version published last, `public` are those of a repository that
    everybody may see.
    """

    # What a list is asked for, in the order it is told in: what does not answer is passed over without its document.
    __table_args__ = (
        Index("ix_row_listed", "newest", text("time desc"), "adapter", "public", "namespace", "base", "text"),
    )

    id: int | None = Field(default=None, primary_key=True)
    reference: str = Field(unique=True)
    adapter: str = Field(index=True)
    namespace: str
    name: str
    version: str
    digest: str = Field(index=True)
    time: str
    newest: bool
    public: bool
    kind: str
    format: str | None
    type: str | None
    rank: int | None = Field(index=True)
    alpha: float | None
    dtype: str | None
    task: str | None
    base: str | None
    parameters: int | None
    bytes: int
    health: str = Field(index=True)
    license: str | None
    pin: str
    noted: str
    text: str
    document: str


class Metric(SQLModel, table=True):
    """A number measured for a row."""

    row: int = Field(foreign_key="row.id", primary_key=True)
    name: str = Field(primary_key=True, index=True)
    value: float


class Word(SQLModel, table=True):
    """A tag, target or alias of a row, the digest of a parent, or a fact people filter by (`peft`, `license:mit`)."""

    __table_args__ = (Index("ix_word_found", "word", "kind", "row"),)

    row: int = Field(foreign_key="row.id", primary_key=True)
    kind: str = Field(primary_key=True)
    word: str = Field(primary_key=True)


class Side(SQLModel, table=True):
    """What the audit needs of adapters of one layout, under its own digest."""

    digest: str = Field(primary_key=True)
    document: str


class Sided(SQLModel, table=True):
    """Which side an entry has, and which version of the audit made it."""

    entry: str = Field(primary_key=True)
    maker: int
    side: str


class Seen(SQLModel, table=True):
    """An event that has been replayed: when, in seconds of the index's own clock, or 0 once it has no more to tell."""

    event: str = Field(primary_key=True)
    at: float = Field(index=True)


class Meta(SQLModel, table=True):
    """What the index says about itself: its shape, its parser, the state of the events folder it has seen."""

    key: str = Field(primary_key=True)
    value: str
