"""What a Hub lists: all that one of ours shows, with its versions; of another, the adapters of whoever asks."""

from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Any

from pydantic import ValidationError

from adapterhub.errors import BadReference, NotFound, Refused
from adapterhub.facts import Facts
from adapterhub.protocols.hf_hub.address import PREFIX
from adapterhub.protocols.hf_hub.client import TIMEOUT, Client, quiet
from adapterhub.reference import Name
from adapterhub.registry import Listed
from adapterhub.remotes.hub_book import versions_told
from adapterhub.remotes.hub_find import line_of
from adapterhub.store.summary import Summary

__all__ = ["models", "names_of", "summaries_told", "summary_of"]

AT_ONCE = 500
"""Models that are asked for in one go."""


def models(client: Client) -> Iterator[Any]:
    """What the Hub tells of each model; without `adapterhub` in it, the Hub is not one of ours."""
    if _is_ours(client):
        with client.asking(client.endpoint):
            yield from _quietly(iter(client.api.list_models(full=True)))
        return
    for author in names_of(client):
        with client.asking(f"{client.endpoint}: {author}"):
            yield from _quietly(iter(client.api.list_models(author=author, filter="peft")))


def _is_ours(client: Client) -> bool:
    """Whether the Hub's first model, if it has any, tells of versions.

    A server that is down, or that a proxy cannot reach, is not asked twice; one that says "not so fast" is.
    """
    from huggingface_hub.utils import hf_raise_for_status, http_backoff

    asked: dict[str, Any] = {"params": {"full": True, "limit": 1}, "headers": client.headers(), "timeout": TIMEOUT}
    again: dict[str, Any] = {"retry_on_exceptions": (), "retry_on_status_codes": (429,)}
    with client.asking(client.endpoint), quiet():
        answer = http_backoff("GET", f"{client.endpoint}/api/models", **again, **asked)
        if answer.status_code == 404:
            raise NotFound(
                f"{client.endpoint}: no Hub there, /api/models is not found",
                hint="is the address that of a Hub, without a path behind the host? A web site's is http(s)://…",
            )
        hf_raise_for_status(answer)
        told = answer.json()
        if not (isinstance(told, list) and all(isinstance(model, dict) for model in told)):
            raise ValueError("/api/models gave no list of models")
        return all(isinstance(model.get("adapterhub"), dict) for model in told)


def _quietly(found: Iterator[Any]) -> Iterator[Any]:
    """The same; while more are asked for, huggingface_hub tells nobody of its tries."""
    more: list[Any] = [None]
    while more:
        with quiet():
            more = [*islice(found, AT_ONCE)]
        yield from more


def names_of(client: Client) -> tuple[str, ...]:
    """The names that whoever asks may publish under: his own, and those of his organisations."""
    if not client.token:
        raise Refused(f"{client.endpoint}: whose adapters? No token was sent", hint=client.login)
    with client.asking(client.endpoint):
        told = client.api.whoami()
        return (str(told["name"]), *(str(one["name"]) for one in told.get("orgs") or ()))


def summaries_told(model: Any) -> Iterator[tuple[Listed, Summary]]:
    """The versions of a model of a Hub of ours, with what its list says of them."""
    with suppress(BadReference):
        name = Name(*str(model.id).split("/", 1))
        for version in versions_told(model) or ():
            line = line_of(name, version)
            yield line, _whole(model, line) or summary_of(line, model)


def _whole(model: Any, line: Listed) -> Summary | None:
    """The summary as the server made it, where it tells one."""
    told = getattr(model, "adapterhub", {}).get("summaries", {}).get(str(line.reference.pin))
    with suppress(ValidationError):
        return Summary.model_validate(told) if isinstance(told, dict) else None
    return None


def summary_of(line: Listed, model: Any) -> Summary:
    """A line with as much as a Hub's list says of a model: its library, its base, its tags."""
    card = model.card_data.to_dict() if model.card_data else {}
    base = card.get("base_model")
    base = base[0] if isinstance(base, list) and base else base
    named = {"evidence": "name", "source": f"{PREFIX}{base}"} if isinstance(base, str) else {}
    return Summary(
        reference=str(line.reference),
        digest=str(line.digest),
        time=line.time,
        by=line.by,
        aliases=line.aliases,
        facts=Facts(format=model.library_name or "?", base_name=base if isinstance(base, str) else None),
        tags=tuple(sorted(set(model.tags or ()))),
        base=named,
    )
