"""Texts as tokens: read with the place in the error, cut to what the model can read, padded to the longest."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adapterhub.errors import WrongUsage
from adapterhub.train.data.table import Table
from adapterhub.train.tasks.opening import open_config

__all__ = ["longest", "pad_inputs", "padded", "takes_types", "texts"]

USUAL = 512
"""Tokens of an example, unless the config says another number or the model reads fewer."""


def texts(table: Table, column: str) -> list[str]:
    """The cells of a column, which must be text."""
    cells = table.column(column)
    for index, cell in enumerate(cells):
        if not isinstance(cell, str):
            raise WrongUsage(
                f"{table.place(index)}: column {column!r}: wanted text, got {type(cell).__name__} {str(cell)[:40]!r}",
                hint="write it as text, or name another column",
            )
    return cells


def longest(asked: int | None, tokenizer: Any, folder: Path, marks: int = 0) -> int:
    """How many tokens an example may have; `WrongUsage` where more are asked for than the model can read.

    So it is where no token is left beside those with which the tokenizer marks every example.
    """
    told = getattr(open_config(folder).get_text_config(), "max_position_embeddings", None)
    most = min([tokenizer.model_max_length, *([told] if isinstance(told, int) and told > 0 else [])])
    if asked is not None and asked > most:
        raise WrongUsage(
            f"data.max_length is {asked}, but {folder} reads at most {most} tokens",
            hint=f"max_length: {most}, or leave it out",
        )
    if asked is not None and asked <= marks:
        raise WrongUsage(
            f"data.max_length is {asked}, and {marks} tokens of each example are marks of the tokenizer's own",
            hint=f"nothing of a text would be read: take more than {marks}, or leave it out",
        )
    return int(asked or min(USUAL, most))


def takes_types(folder: Path) -> bool:
    """Whether the base tells two texts apart by token types; one that does not may mistake them for words."""
    return int(getattr(open_config(folder), "type_vocab_size", 0) or 0) > 1


def padded(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    """Rows of numbers as one tensor (n, longest), filled up at the end."""
    width = max(map(len, rows))
    return torch.tensor([[*row, *[value] * (width - len(row))] for row in rows])


def pad_inputs(rows: Sequence[Mapping[str, Sequence[int]]], pad_token: int) -> dict[str, Tensor]:
    """Tokens, and their types where they have any, as the tensors a model takes, with a mask of the padding."""
    ids = [row["input_ids"] for row in rows]
    batch = {"input_ids": padded(ids, pad_token), "attention_mask": padded([[1] * len(one) for one in ids], 0)}
    if "token_type_ids" in rows[0]:
        batch["token_type_ids"] = padded([row["token_type_ids"] for row in rows], 0)
    return batch
