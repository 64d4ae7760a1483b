"""The model card of a repository we push to: what is known in the YAML, a word of ours, a person's own words below."""

import json
from dataclasses import replace
from typing import Any

from adapterhub.entry import Entry
from adapterhub.note import gather
from adapterhub.protocols.hf_hub.address import PREFIX
from adapterhub.protocols.hf_hub.card import Card, is_repo, read_card, write_card

__all__ = ["readme"]

LIBRARIES = {
    "adapter_model.safetensors": "peft",
    "adapters.safetensors": "mlx",
    "pytorch_lora_weights.safetensors": "diffusers",
    "config.json": "transformers",
}
"""A file that tells a format -> the library a Hub names it by."""


def readme(repo: str, entry: Entry, config: bytes | None, former: str) -> str:
    """The README of an entry; `config` is its adapter_config.json where that is new, `former` the README there is.

    The person's words are those noted with the entry, else those that stand there. What the entry says of itself wins
    over what a card says.
    """
    noted, there = gather(entry.notes), read_card(former)
    mine, fields = read_card(noted.card) if noted.card else there, _fields(config)
    pin = entry.manifest.base or noted.pin
    card = replace(
        mine,
        base=_base(pin.source if pin else None, fields, mine, there),
        relation="adapter" if entry.manifest.kind == "adapter" else mine.relation,
        library=mine.library or next((word for name, word in LIBRARIES.items() if entry.manifest.file(name)), ""),
        task=str(fields.get("task_type") or "") or mine.task or there.task,
        license=noted.license or mine.license,
        tags=(*mine.tags, *noted.tags, *(("lora",) if fields.get("peft_type") == "LORA" else ())),
        metrics=noted.metrics or mine.metrics,
    )
    return write_card(card, repo, _lines(repo, entry, card))


def _fields(config: bytes | None) -> dict[str, Any]:
    try:
        read = json.loads(config or b"{}")
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _base(pinned: str | None, fields: dict[str, Any], mine: Card, there: Card) -> str:
    """The base as a repository: by the pin, the config, the person's card, the card that is there."""
    source = (pinned or "").removeprefix(PREFIX).partition("@")[0].partition("#")[0]
    words = (source if (pinned or "").startswith(PREFIX) else "", fields.get("base_model_name_or_path"))
    named = next((word for word in words if isinstance(word, str) and is_repo(word)), "")
    return named or mine.base or there.base


def _lines(repo: str, entry: Entry, card: Card) -> list[str]:
    about = f"an {entry.manifest.kind}" if entry.manifest.kind == "adapter" else f"a {entry.manifest.kind}"
    return [
        f"# {repo.rpartition('/')[2]}",
        "",
        f"`{repo}` is {about}{f' for `{card.base}`' if card.base else ''}, published with adapterhub.",
        f"Its digest is `{entry.digest}`; the versions are the tags of this repository.",
    ]
