"""Text classification: a label for each text, or for each pair of texts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

from torch import Tensor

from adapterhub.errors import WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.data.table import Table
from adapterhub.train.tasks.classification import Classification
from adapterhub.train.tasks.known import known_labels
from adapterhub.train.tasks.opening import open_tokenizer
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.train.tasks.tokens import longest, pad_inputs, takes_types, texts

__all__ = ["TextReader", "prepare"]

Tokens = dict[str, list[int]]


def prepare(config: TrainConfig, base: Path, train: Table | None) -> Classification:
    """The task over a base with a tokenizer."""
    columns = wanted_columns(config)
    tokenizer = open_tokenizer(base)
    marks = tokenizer.num_special_tokens_to_add(pair="text_pair" in columns)
    most = longest(config.data.max_length, tokenizer, base, marks)
    reader = TextReader(tokenizer, most, takes_types(base), columns["text"], columns.get("text_pair"))
    return Classification(
        reader,
        "AutoModelForSequenceClassification",
        known_labels(config, base, train, columns["label"]),
        columns["label"],
        peft_type="SEQ_CLS",
        pad_token=tokenizer.pad_token_id,
    )


@final
@dataclass(frozen=True)
class TextReader:
    """Texts as tokens; what is longer than `most` tokens is cut at its end, of a pair the longer text."""

    tokenizer: Any
    most: int
    types: bool
    text: str
    pair: str | None = None

    def inputs(self, table: Table) -> list[Tokens]:
        """The tokens of each row."""
        written = [texts(table, column) for column in (self.text, self.pair) if column is not None]
        if not len(table):
            return []
        found = self.tokenizer(*written, truncation=True, max_length=self.most, return_token_type_ids=self.types)
        names = ["input_ids", *(["token_type_ids"] if self.types else [])]
        rows = [{name: list(found[name][i]) for name in names} for i in range(len(table))]
        for index, row in enumerate(rows):
            if not row["input_ids"]:
                raise WrongUsage(
                    f"{table.place(index)}: no token is left of {written[0][index][:60]!r} in column {self.text!r}",
                    hint="correct the row or leave it out",
                )
        return rows

    def size(self, one: Tokens) -> int:
        """How many tokens."""
        return len(one["input_ids"])

    def batch(self, inputs: Sequence[Tokens]) -> dict[str, Tensor]:
        """`input_ids`, `attention_mask` and for models that know them `token_type_ids`: (n, longest)"""
        return pad_inputs(inputs, self.tokenizer.pad_token_id)
