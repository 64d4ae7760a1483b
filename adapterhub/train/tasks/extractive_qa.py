"""Extractive question answering: where in a context the answer to a question stands.

A context that does not fit beside its question is cut at its end; an answer that stood there is measured, and not
learned. There are no windows.
"""

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
from adapterhub.train.metrics.words import exact_match, word_f1
from adapterhub.train.tasks.answered import Answer, answer_of
from adapterhub.train.tasks.opening import head_modules, open_model, open_tokenizer
from adapterhub.train.tasks.sums import IGNORED, row_losses, summed
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.train.tasks.tokens import longest, pad_inputs, padded, takes_types, texts

__all__ = ["Asked", "ExtractiveQA", "prepare"]

LONGEST = 30
"""Tokens of an answer, at most; the custom of SQuAD's baselines."""

NEVER = -1e9
"""The logit of what cannot be: padding, and what is no part of the context."""


def prepare(config: TrainConfig, base: Path, train: Table | None) -> "ExtractiveQA":
    """The task over a base with a tokenizer that knows where in a text a token is; nothing is read off the rows."""
    tokenizer = open_tokenizer(base)
    most = longest(config.data.max_length, tokenizer, base)
    return ExtractiveQA(tokenizer, most, takes_types(base), wanted_columns(config))


class Asked(NamedTuple):
    """An example: tokens, where those of the context stand in it, and which two begin and end the answer."""

    inputs: dict[str, list[int]]
    spans: list[tuple[int, int] | None]
    edges: tuple[int, int]
    context: str
    wanted: tuple[str, ...]


@final
@dataclass(frozen=True)
class ExtractiveQA:
    """A task: the first and the last token of the answer.

        loss = (−log p(first) − log p(last))/2, of each row whose answer was not cut off

    An answer is an array (3,): first token, last token, loss.
    """

    tokenizer: Any
    most: int
    types: bool
    columns: Mapping[str, str]
    peft_type: str = "QUESTION_ANS"
    metric: str = "f1"

    @property
    def learned(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def open(self, folder: Path) -> nn.Module:
        """The base with two outputs for each token."""
        return open_model("AutoModelForQuestionAnswering", folder)

    def heads(self, model: nn.Module) -> tuple[str, ...]:
        """The head, and what else the base has not brought."""
        return head_modules(model)

    def examples(self, table: Table) -> list[Asked]:
        """The rows as tokens, with the answer's place among them."""
        questions, contexts = (texts(table, self.columns[field]) for field in ("question", "context"))
        answers = [answer_of(table, i, self.columns["answer"], context) for i, context in enumerate(contexts)]
        rows = enumerate(zip(questions, contexts, answers, strict=True))
        return [self._example(question, context, answer, table.place(i)) for i, (question, context, answer) in rows]

    def _example(self, question: str, context: str, answer: Answer, place: str) -> Asked:
        short = {"truncation": "only_second", "max_length": self.most, "return_token_type_ids": self.types}
        room = self.most - self.tokenizer.num_special_tokens_to_add(pair=True)
        if len(self.tokenizer(question, add_special_tokens=False)["input_ids"]) >= room:
            raise WrongUsage(
                f"{place}: the question leaves no room for a context within {self.most} tokens",
                hint="a larger data.max_length, or a shorter question",
            )
        found = self.tokenizer(question, context, return_offsets_mapping=True, **short)
        of = found.sequence_ids(0)
        spans = [span if part == 1 else None for span, part in zip(found["offset_mapping"], of, strict=True)]
        names = ["input_ids", *(["token_type_ids"] if self.types else [])]
        inputs = {name: list(found[name]) for name in names}
        return Asked(inputs, spans, _edges(spans, answer), context, answer.texts)

    def length(self, example: Asked) -> int:
        """How many tokens."""
        return len(example.spans)

    def collate(self, examples: Sequence[Asked]) -> dict[str, Any]:
        """`inputs`, as the model takes them; `edges`: (n, 2), first and last token; `context`: (n, longest)."""
        return {
            "inputs": pad_inputs([one.inputs for one in examples], self.tokenizer.pad_token_id),
            "edges": torch.tensor([one.edges for one in examples]),
            "context": padded([[int(span is not None) for span in one.spans] for one in examples], 0),
        }

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """The summed loss of the rows whose answer was not cut off, and how many they are."""
        total, count = summed(_logits(model, batch), batch["edges"])
        return total / 2, count // 2

    def answers(self, model: nn.Module, batch: Mapping[str, Any]) -> list[Any]:
        """The most probable first and last token within the context, and the loss."""
        with torch.no_grad():
            logits = _logits(model, batch)
        losses = row_losses(logits, batch["edges"]) / 2
        inside = logits.masked_fill(batch["context"][:, None] == 0, NEVER).float().cpu().numpy()
        return [np.array([*_best(*row), loss]) for row, loss in zip(inside, losses.tolist(), strict=True)]

    def measure(self, answers: Sequence[Any], examples: Sequence[Asked]) -> dict[str, float]:
        """How well the texts agree with those wanted, the best of several."""
        said = [_text(one, int(first), int(last)) for (first, last, _), one in zip(answers, examples, strict=True)]
        pairs = list(zip(said, examples, strict=True))
        losses = [answer[2] for answer, one in zip(answers, examples, strict=True) if one.edges[0] != IGNORED]
        return {
            "exact_match": float(np.mean([max(exact_match(text, one) for one in row.wanted) for text, row in pairs])),
            "f1": float(np.mean([max(word_f1(text, one) for one in row.wanted) for text, row in pairs])),
            "loss": float(np.sum(losses) / max(len(losses), 1)),
        }


def _logits(model: nn.Module, batch: Mapping[str, Any]) -> Tensor:
    """Of being the first and the last token: (n, 2, longest). Padding is neither, however much of it there is."""
    said = model(**batch["inputs"])
    logits = torch.stack([said.start_logits, said.end_logits], 1)
    return logits.float().masked_fill(batch["inputs"]["attention_mask"][:, None] == 0, NEVER)


def _edges(spans: Sequence[tuple[int, int] | None], answer: Answer) -> tuple[int, int]:
    """The tokens with the answer's first and last character; `IGNORED` for one that was cut off."""
    first = [token for token, span in enumerate(spans) if span and span[0] <= answer.start < span[1]]
    last = [token for token, span in enumerate(spans) if span and span[0] < answer.end <= span[1]]
    return (first[0], last[-1]) if first and last else (IGNORED, IGNORED)


def _best(first: Any, last: Any) -> tuple[int, int]:
    """The pair of tokens with the largest sum of logits, the last not before the first and not far behind."""
    sums = first[:, None] + last[None, :]
    allowed = np.triu(np.ones_like(sums, dtype=bool)) & np.tril(np.ones_like(sums, dtype=bool), LONGEST - 1)
    place = np.where(allowed, sums, -np.inf).argmax()
    return int(place // len(first)), int(place % len(first))


def _text(one: Asked, first: int, last: int) -> str:
    begin, end = one.spans[first], one.spans[last]
    return one.context[begin[0] : end[1]] if begin and end else ""
