"""Causal language modelling: a completion after its prompt, a whole text, or what an assistant says."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.data.table import Table
from adapterhub.train.metrics.probability import perplexity
from adapterhub.train.quiet import quietly
from adapterhub.train.tasks.chat import turns
from adapterhub.train.tasks.opening import open_config, open_model, open_tokenizer, undrawn
from adapterhub.train.tasks.sums import IGNORED, of_tokens, row_sums, summed
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.train.tasks.tokens import longest, pad_inputs, padded, texts

__all__ = ["CausalLM", "Written", "prepare"]


def prepare(config: TrainConfig, base: Path, train: Table | None) -> "CausalLM":
    """The task over a base with a language model's head; nothing is read off the rows."""
    tokenizer = open_tokenizer(base)
    return CausalLM(tokenizer, longest(config.data.max_length, tokenizer, base), wanted_columns(config))


class Written(NamedTuple):
    """An example: its tokens, and for each the token that is to follow, or `IGNORED`."""

    tokens: list[int]
    targets: list[int]


@final
@dataclass(frozen=True)
class CausalLM:
    """A task: each token that counts, out of those before it. The first of all is never counted: nothing stands before.

    What is too long loses the beginning of its prompt; a text or a conversation its end. An answer is an array (3,):
    summed loss, tokens that count, those that were the most probable.
    """

    tokenizer: Any
    most: int
    columns: Mapping[str, str]
    peft_type: str = "CAUSAL_LM"
    metric: str = "loss"

    @property
    def learned(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def open(self, folder: Path) -> nn.Module:
        """The base with its own head; one that lacks a weight is no language model."""
        _check_direction(folder)
        return undrawn(open_model("AutoModelForCausalLM", folder), folder)

    def heads(self, model: nn.Module) -> tuple[str, ...]:
        """None: the head is the base's."""
        return ()

    def examples(self, table: Table) -> list[Written]:
        """The rows as tokens and targets."""
        if "messages" in self.columns:
            written = self._conversations(table)
        elif "text" in self.columns:
            whole = self._tokens(texts(table, self.columns["text"]), start=True, end=True)
            written = [self._cut([(one, True)]) for one in whole]
        else:
            written = self._completions(table)
        for index, one in enumerate(written):
            if all(target == IGNORED for target in one.targets):
                raise WrongUsage(
                    f"{table.place(index)}: nothing is left to learn within {self.most} tokens",
                    hint="a larger data.max_length, or leave the row out",
                )
        return written

    def length(self, example: Written) -> int:
        """How many tokens."""
        return len(example.tokens)

    def collate(self, examples: Sequence[Written]) -> dict[str, Any]:
        """`inputs`, as the model takes them, and `targets`: (n, longest), the token after each."""
        rows = [{"input_ids": example.tokens} for example in examples]
        return {
            "inputs": pad_inputs(rows, self.tokenizer.pad_token_id),
            "targets": padded([example.targets for example in examples], IGNORED),
        }

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """The summed cross entropy of the tokens that count, and how many they are."""
        return summed(model(**batch["inputs"], use_cache=False).logits, batch["targets"])

    def answers(self, model: nn.Module, batch: Mapping[str, Any]) -> list[Any]:
        """Of each example what `row_sums` says."""
        with torch.no_grad():
            return list(row_sums(model(**batch["inputs"], use_cache=False).logits, batch["targets"]))

    def measure(self, answers: Sequence[Any], examples: Sequence[Written]) -> dict[str, float]:
        """Over all tokens that count."""
        found = of_tokens(np.stack(answers))
        return {**found, "perplexity": perplexity(found["loss"])}

    def _completions(self, table: Table) -> list[Written]:
        asked = self._tokens(texts(table, self.columns["prompt"]), start=True)
        said = self._tokens(texts(table, self.columns["completion"]), end=True)
        begun = len(self._start)
        written = []
        for prompt, completion in zip(asked, said, strict=True):
            over = max(0, len(prompt) + len(completion) - self.most)
            written.append(self._cut([(prompt[:begun] + prompt[begun + over :], False), (completion, True)]))
        return written

    def _conversations(self, table: Table) -> list[Written]:
        written = []
        for index, messages in enumerate(table.column(self.columns["messages"])):
            pieces = turns(self.tokenizer, messages, table.place(index))
            tokens = self._tokens([text for text, _ in pieces])
            written.append(self._cut([(one, counts) for one, (_, counts) in zip(tokens, pieces, strict=True)]))
        return written

    def _cut(self, pieces: Sequence[tuple[Sequence[int], bool]]) -> Written:
        """Pieces of tokens in a row, and what is to follow each."""
        marked = [(token, counts) for tokens, counts in pieces for token in tokens][: self.most]
        following = [token if counts else IGNORED for _, (token, counts) in pairwise(marked)]
        return Written([token for token, _ in marked], [*following, IGNORED])

    def _tokens(self, written: list[str], *, start: bool = False, end: bool = False) -> list[list[int]]:
        """Texts as tokens, with the marks the tokenizer sets at the start of a text and at its end."""
        if not written:
            return []
        last = [self.tokenizer.eos_token_id] if end and self.tokenizer.eos_token_id is not None else []
        found = self.tokenizer(written, add_special_tokens=False)["input_ids"]
        return [[*(self._start if start else []), *tokens, *last] for tokens in found]

    @property
    def _start(self) -> list[int]:
        """What the tokenizer itself sets before a text."""
        begin = self.tokenizer.bos_token_id
        return [begin] if begin is not None and self.tokenizer("")["input_ids"][:1] == [begin] else []


def _check_direction(folder: Path) -> None:
    """`DoesNotFit` for a model that sees what is to follow: it would learn to copy."""
    both = quietly("transformers.models.auto.modeling_auto").MODEL_FOR_MASKED_LM_MAPPING_NAMES
    config = open_config(folder)
    if config.model_type in both and not getattr(config, "is_decoder", False):
        raise DoesNotFit(
            f"{folder}: a {config.model_type} reads a text in both directions, so it cannot tell what comes next",
            hint="take a decoder, such as GPT-2 or Llama; an encoder with a decoder is for seq2seq",
        )
