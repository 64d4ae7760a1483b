"""Sequence to sequence: a text for each text, such as a translation or a summary."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from adapterhub.errors import DoesNotFit, WrongUsage
from adapterhub.train.config import TrainConfig
from adapterhub.train.data.table import Table
from adapterhub.train.metrics.probability import perplexity
from adapterhub.train.metrics.words import exact_match, rouge_l
from adapterhub.train.tasks.opening import open_config, open_model, open_tokenizer, undrawn
from adapterhub.train.tasks.sums import IGNORED, of_tokens, row_sums, summed
from adapterhub.train.tasks.table import wanted_columns
from adapterhub.train.tasks.tokens import longest, pad_inputs, padded, texts

__all__ = ["Pair", "Seq2Seq", "prepare"]


def prepare(config: TrainConfig, base: Path, train: Table | None) -> "Seq2Seq":
    """The task over an encoder with a decoder; nothing is read off the rows.

    `task_options: {generate: false}` leaves out what needs texts to be written when it is measured, which is slow.
    """
    tokenizer, columns = open_tokenizer(base), wanted_columns(config)
    first = getattr(open_config(base), "decoder_start_token_id", None)
    first = first if first is not None else tokenizer.bos_token_id
    if first is None:
        raise DoesNotFit(f"{base}: the config has no decoder_start_token_id", hint="take a base with a decoder")
    most = longest(config.data.max_length, tokenizer, base, tokenizer.num_special_tokens_to_add())
    generate = bool(config.task_options.get("generate", True))
    return Seq2Seq(tokenizer, most, columns["source"], columns["target"], first, generate=generate)


class Pair(NamedTuple):
    """An example: the tokens that are read, those that are to be written, and the text they stand for."""

    tokens: list[int]
    targets: list[int]
    wanted: str


@final
@dataclass(frozen=True)
class Seq2Seq:
    """A task: each token of the target, out of the source and the target's tokens before it. Both are cut at the end.

    An answer is a pair of arrays: (3,) as `row_sums` has them, and the tokens the model writes by itself, each time
    the most probable.
    """

    tokenizer: Any
    most: int
    source: str
    target: str
    first: int
    generate: bool = True
    peft_type: str = "SEQ_2_SEQ_LM"
    metric: str = "loss"

    @property
    def learned(self) -> Mapping[str, Any]:
        """Nothing."""
        return {}

    def open(self, folder: Path) -> nn.Module:
        """The base with its own head; one that lacks a weight is no such model."""
        return undrawn(open_model("AutoModelForSeq2SeqLM", folder), folder)

    def heads(self, model: nn.Module) -> tuple[str, ...]:
        """None: the head is the base's."""
        return ()

    def examples(self, table: Table) -> list[Pair]:
        """The rows as tokens; the target's end with the mark that ends a text."""
        if not len(table):
            return []
        wanted, end = texts(table, self.target), self.tokenizer.eos_token_id
        read = self.tokenizer(texts(table, self.source), truncation=True, max_length=self.most)["input_ids"]
        written = self.tokenizer(text_target=wanted, truncation=True, max_length=self.most)["input_ids"]
        pairs = []
        for index, (tokens, targets) in enumerate(zip(read, written, strict=True)):
            if not tokens or not targets:
                raise WrongUsage(f"{table.place(index)}: no token is left of a text", hint="leave the row out")
            whole = targets if end is None or targets[-1] == end else [*targets, end]
            pairs.append(Pair(list(tokens), whole[: self.most], wanted[index]))
        return pairs

    def length(self, example: Pair) -> int:
        """How many tokens are read and written."""
        return len(example.tokens) + len(example.targets)

    def collate(self, examples: Sequence[Pair]) -> dict[str, Any]:
        """`inputs`, as the encoder takes them; `before` and `targets`: (n, longest), what the decoder sees and says."""
        pad = self.tokenizer.pad_token_id
        return {
            "inputs": pad_inputs([{"input_ids": one.tokens} for one in examples], pad),
            "before": padded([[self.first, *one.targets[:-1]] for one in examples], pad),
            "targets": padded([one.targets for one in examples], IGNORED),
        }

    def loss(self, model: nn.Module, batch: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """The summed cross entropy of the targets' tokens, and how many they are."""
        return summed(self._logits(model, batch), batch["targets"])

    def answers(self, model: nn.Module, batch: Mapping[str, Any]) -> list[Any]:
        """What `row_sums` says of each example, and what the model writes."""
        with torch.no_grad():
            sums = row_sums(self._logits(model, batch), batch["targets"])
            return list(zip(sums, self._write(model, batch), strict=True))

    def measure(self, answers: Sequence[Any], examples: Sequence[Pair]) -> dict[str, float]:
        """Over all tokens of the targets; and how close what is written is to what was wanted."""
        found = of_tokens(np.stack([sums for sums, _ in answers]))
        found["perplexity"] = perplexity(found["loss"])
        if self.generate:
            said = [self.tokenizer.decode(tokens, skip_special_tokens=True) for _, tokens in answers]
            pairs = [(text, one.wanted) for text, one in zip(said, examples, strict=True)]
            found["exact_match"] = float(np.mean([exact_match(*pair) for pair in pairs]))
            found["rouge_l"] = float(np.mean([rouge_l(*pair) for pair in pairs]))
        return found

    def _logits(self, model: nn.Module, batch: Mapping[str, Any]) -> Tensor:
        logits: Tensor = model(**batch["inputs"], decoder_input_ids=batch["before"], use_cache=False).logits
        return logits

    def _write(self, model: Any, batch: Mapping[str, Any]) -> list[Any]:
        if not self.generate:
            return [np.zeros(0, np.int64)] * len(batch["targets"])
        how = {"do_sample": False, "num_beams": 1, "max_new_tokens": self.most, "decoder_start_token_id": self.first}
        return list(model.generate(**batch["inputs"], **how).cpu().numpy())
