"""Conversations as the tokenizer's chat template writes them, cut where the assistant begins and ends."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from adapterhub.errors import DoesNotFit, WrongUsage

__all__ = ["turns"]

Piece = tuple[str, bool]
"""A part of a text, and whether its tokens are learned."""


def turns(tokenizer: Any, messages: Any, place: str) -> list[Piece]:
    """A conversation in pieces: what the assistant says is learned, with the mark that ends its turn."""
    _check(messages, place)
    return [piece for piece in _pieces(tokenizer, messages, place) if piece[0]]


def _pieces(tokenizer: Any, messages: Sequence[Mapping[str, Any]], place: str) -> Iterator[Piece]:
    done = ""
    for index, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        asked = _written(tokenizer, messages[:index], place, add_generation_prompt=True)
        said = _written(tokenizer, messages[: index + 1], place)
        if not (asked.startswith(done) and said.startswith(asked)):
            raise WrongUsage(
                f"{place}: the chat template writes earlier messages another way when message {index + 1} follows",
                hint="make one row of each turn of the assistant, with the messages before it",
            )
        yield asked[len(done) :], False
        yield said[len(asked) :], True
        done = said


def _written(tokenizer: Any, messages: Sequence[Mapping[str, Any]], place: str, **options: Any) -> str:
    """The template's text of some messages."""
    if not tokenizer.chat_template:
        raise DoesNotFit(
            "the base's tokenizer has no chat template, so messages cannot be written as text",
            hint="take a base with one, or use prompt and completion",
        )
    try:
        return str(tokenizer.apply_chat_template(list(messages), tokenize=False, **options))
    except Exception as error:  # A template raises whatever its author liked.
        raise WrongUsage(f"{place}: the chat template refuses: {error}", hint="correct the row's messages") from error


def _check(messages: Any, place: str) -> None:
    """`WrongUsage` for what is no conversation, or has nothing to learn."""
    listed = isinstance(messages, Sequence) and not isinstance(messages, str)
    if not listed or not all(isinstance(one, Mapping) and {"role", "content"} <= {*one} for one in messages):
        raise WrongUsage(
            f"{place}: messages are a list of objects with role and content, not {str(messages)[:60]!r}",
            hint='such as [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]',
        )
    if not any(one["role"] == "assistant" for one in messages):
        raise WrongUsage(f"{place}: no message is the assistant's, so there is nothing to learn", hint="leave it out")
