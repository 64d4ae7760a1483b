"""Token classification: a tag for each word, such as whose name it is part of. IOB2 tags are scored by entity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from adapterhub.errors import WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.data.table import Table
from adapterhub.train.metrics.classes import accuracy
from adapterhub.train.metrics.entities import entity_scores
from adapterhub.train.metrics.probability import chosen, nll
from adapterhub.train.tasks.known import known_labels
from adapterhub.train.tasks.opening import head_modules, open_labelled, open_tokenizer
from adapterhub.train.tasks.sums import IGNORED, summed
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.train.tasks.tagged import apart, tagged
from adapterhub.train.tasks.tokens import longest, pad_inputs, padded

__all__ = ["Tagged", "TokenClassification", "prepare"]


def prepare(config: TrainConfig, base: Path, train: Table | None) -> "TokenClassification":
    """The task over a base with a tokenizer that knows which word a token is of."""
    columns = wanted_columns(config)
    tokenizer = open_tokenizer(base, add_prefix_space=True)
    words = None if train is None else apart(train, columns["tokens"], columns["tags"])
    labels = known_labels(config, base, words, columns["tags"])
    return TokenClassification(
        tokenizer, longest(config.data.max_length, tokenizer, base), labels, columns["tokens"], columns["tags"]
    )


class Tagged(NamedTuple):
    """An example: tokens, and the target of each, which is `IGNORED` but for the first token of a word."""

    tokens: list[int]
    targets: list[int]
    read: list[int]
    """The words whose targets these are; the others were cut off, or are nothing to the tokenizer."""
    tags: list[int]
    """Of every word."""


@final
@dataclass(frozen=True)
class TokenClassification:
    """A task: the tag of each word, read off its first token. A word that was cut off is answered with `O`.

    An answer is an array (words, labels) of probabilities, for the words that were read.
    """

    tokenizer: Any
    most: int
    labels: tuple[str, ...]
    words: str
    column: str
    peft_type: str = "TOKEN_CLS"

    @property
    def metric(self) -> str:
        """`f1` of entities; where the tags name none, `accuracy`."""
        return "f1" if self._named else "accuracy"

    @property
    def learned(self) -> Mapping[str, Any]:
        """The labels, in the order of the outputs."""
        return {"labels": self.labels}

    def open(self, folder: Path) -> nn.Module:
        """The base with an output for each label."""
        return open_labelled("AutoModelForTokenClassification", folder, self.labels)

    def heads(self, model: nn.Module) -> tuple[str, ...]:
        """The head, and what else the base has not brought."""
        return head_modules(model)

    def examples(self, table: Table) -> list[Tagged]:
        """The sentences as tokens, each word's first one with the number of its tag."""
        return [
            self._example(one, table.place(i))
            for i, one in enumerate(tagged(table, self.words, self.column, self.labels))
        ]

    def _example(self, sentence: tuple[list[str], list[int]], place: str) -> Tagged:
        words, tags = sentence
        found = self.tokenizer(words, is_split_into_words=True, truncation=True, max_length=self.most)
        first = {word: token for token, word in reversed([*enumerate(found.word_ids())]) if word is not None}
        if not first:
            raise WrongUsage(f"{place}: no word is left within {self.most} tokens", hint="leave the row out")
        tokens, read = list(found["input_ids"]), sorted(first)
        targets = [IGNORED] * len(tokens)
        for word in read:
            targets[first[word]] = tags[word]
        return Tagged(tokens, targets, read, tags)

    def length(self, example: Tagged) -> int:
        """How many tokens."""
        return len(example.tokens)

    def collate(self, examples: Sequence[Tagged]) -> dict[str, Any]:
        """`inputs`, as the model takes them, and `targets`: (n, longest)"""
        return {
            "inputs": pad_inputs([{"input_ids": one.tokens} for one in examples], self.tokenizer.pad_token_id),
            "targets": padded([one.targets for one in examples], IGNORED),
        }

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """The summed cross entropy of the words, and how many they are."""
        return summed(model(**batch["inputs"]).logits, batch["targets"])

    def answers(self, model: nn.Module, batch: Mapping[str, Any]) -> list[Any]:
        """The probabilities of the tags, for each word that was read."""
        with torch.no_grad():
            chances = model(**batch["inputs"]).logits.float().softmax(-1)
        counted = batch["targets"] != IGNORED
        return [row[words].cpu().numpy() for row, words in zip(chances, counted, strict=True)]

    def measure(self, answers: Sequence[Any], examples: Sequence[Tagged]) -> dict[str, float]:
        """Entities found, and how many words have the right tag."""
        said = [self._said(chances, one) for chances, one in zip(answers, examples, strict=True)]
        wanted = [[self.labels[tag] for tag in one.tags] for one in examples]
        read = [one.tags[word] for one in examples for word in one.read]
        return {
            **(entity_scores(said, wanted) if self._named else {}),
            "accuracy": accuracy([tag for tags in said for tag in tags], [tag for tags in wanted for tag in tags]),
            "loss": nll(np.concatenate(answers), read),
        }

    def _said(self, chances: Any, one: Tagged) -> list[str]:
        """The tag of every word; none for one whose answer is NaN."""
        tags = ["O"] * len(one.tags)
        for word, number in zip(one.read, chosen(chances), strict=True):
            tags[word] = self.labels[number] if number >= 0 else ""
        return tags

    @property
    def _named(self) -> bool:
        """Whether the tags are IOB2."""
        return any(label.startswith("B-") for label in self.labels)
