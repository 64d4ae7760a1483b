"""Checks of who the base is: its digests, its names, its kind."""

import re
from collections.abc import Iterator

from adapterhub.audit.checks.words import info, which_base
from adapterhub.audit.pair import Pair
from adapterhub.base.config import setting
from adapterhub.base.fold import sentence
from adapterhub.base.pins import contradictions
from adapterhub.finding import Finding
from adapterhub.formats.peft_config_checks import is_path

__all__ = ["base_name", "drift", "model_type", "no_hashes", "other_base", "pins", "quantised_elsewhere", "uncompared"]

HUB = "hf:"
UNPINNED = "digests would tell whether it is the same: `adapterhub pin REF --base B` where you know what it is for"
QUANTISED = re.compile(r"(?i)[-_.](bnb|[48]bit|int[48]|gptq|awq|gguf|fp8|exl2|hqq)(?=[-_.]|$)")


def drift(pair: Pair) -> Iterator[Finding]:
    """The weights that are not those of the pin; a base of the same name that was changed is worth a word."""
    if pair.drifted:
        mine, theirs = _named(pair), _source(pair.base.source)
        same = f", although it is called {theirs[0]} too" if theirs and mine and _same(mine[0], theirs[0]) else ""
        yield Finding(
            check="drift",
            severity="warning",
            place=sentence(pair.drifted),
            message=f"{len(pair.drifted)} targeted weights differ from those it was trained on{same}",
            remedy=f"{which_base(pair)}; or evaluate it here before relying on it",
        )


def no_hashes(pair: Pair) -> Iterator[Finding]:
    """Why a pin by digest could not be compared; where some of it does not fit, nothing was to be."""
    pin, recorded, base = pair.adapter.pin, pair.adapter.recorded, pair.base
    if pin is None or pin.evidence != "bytes" or pair.compared.told or len(pair.fits) < len(pair.adapter.targets):
        return
    if base.header_only:
        told = "its card has no hashes of weights, so equality cannot be told"
        yield info("no-hashes", base.name, told, "give the base as a folder of plain weights: --base ./folder")
    elif recorded is None:
        told = "the card of the base it was trained on is not here"
        yield info("no-hashes", pin.card or "the pin", told, f"`adapterhub base add B` keeps it; {which_base(pair)}")
    elif recorded.header_only:
        told = "the recorded card has no hashes of weights, so equality cannot be told"
        yield info("no-hashes", recorded.name, told, "add it again with --base ./folder, a folder of plain weights")


def uncompared(pair: Pair) -> Iterator[Finding]:
    """Modules whose bytes have no counterpart."""
    if pair.compared.uncompared:
        message = "these lie in other tensors than in the base it was trained on, so their bytes were not compared"
        remedy = "audit it on a base whose files hold them as those did, or evaluate it here before relying on it"
        yield info("uncompared", sentence(pair.compared.uncompared), message, remedy)


def model_type(pair: Pair) -> Iterator[Finding]:
    """Names and shapes agree across models: OPT's layers are those of a small Whisper's decoder."""
    recorded = pair.adapter.recorded
    wanted = recorded.model_type if recorded else pair.adapter.model_type
    here = pair.base.model_type
    # The module of a model type is spelled with underscores in Python's paths.
    if wanted and here and wanted.replace("-", "_") != here.replace("-", "_"):
        yield _other_type(pair, f"the adapter was trained on the model type {wanted}, this base is {here}")
    elif not wanted and pair.fits and _only_decodes(pair):
        told = "the adapter was trained on a decoder alone, by its task and its modules"
        yield _other_type(pair, f"{told}; this base ({here}) has an encoder too")


def _only_decodes(pair: Pair) -> bool:
    """Whether a base reads with an encoder of which an adapter that is to go on with text knows nothing."""
    alone = pair.adapter.facts.task == "CAUSAL_LM" and not any("encoder" in m.split(".") for m in pair.adapter.targets)
    return alone and setting(pair.base.config, "is_encoder_decoder") is True


def _other_type(pair: Pair, message: str) -> Finding:
    return Finding(
        check="model-type",
        severity="warning",
        place=pair.base.name,
        message=message,
        remedy="names and shapes may agree by chance: " + which_base(pair),
    )


def base_name(pair: Pair) -> Iterator[Finding]:
    """The config's name and revision against the pin's; and against the base whose digest is the pin's."""
    pin, said = pair.adapter.pin, _named(pair)
    pinned = _source(pin.source if pin else None, pin.revision if pin else None)
    if said is None or pin is None:
        return
    if pinned is not None:
        if not _same(said[0], pinned[0]):
            yield _contradiction(f"the config names {said[0]}, the manifest pins {pinned[0]}")
        elif not _agree(said[1], pinned[1]):
            yield _contradiction(f"the config names the revision {said[1]}, the manifest pins {pinned[1]}")
        return
    here = _source(pair.base.source)
    digest = pin.weights_digest
    if here and digest and digest == pair.base.weights_digest and not is_path(said[0]) and not _same(said[0], here[0]):
        yield _contradiction(f"the config names {said[0]}, the pinned digest is that of {here[0]}")


def other_base(pair: Pair) -> Iterator[Finding]:
    """A base of another name or revision than the adapter's, where no digest can tell them apart."""
    pin, here = pair.adapter.pin, _source(pair.base.source)
    mine = _source(pin.source if pin else None, pin.revision if pin else None) or _named(pair)
    if here is None or mine is None or is_path(mine[0]) or pair.compared.told:
        return
    if not _same(mine[0], here[0]):
        yield info("other-base", pair.base.name, f"the adapter names {mine[0]}, this base is {here[0]}", UNPINNED)
    elif not _agree(mine[1], here[1]):
        message = f"the adapter names the revision {mine[1]} of {mine[0]}, this base is {here[1]}"
        yield info("other-base", pair.base.name, message, UNPINNED)


def pins(pair: Pair) -> Iterator[Finding]:
    """What the manifest pins against what was noted later."""
    yield from contradictions(pair.adapter.pin, pair.adapter.noted)


def quantised_elsewhere(pair: Pair) -> Iterator[Finding]:
    """Trained on a quantised copy, held against the plain one: the usual way, and not quite the same weights."""
    name = pair.adapter.facts.base_name or ""
    if pair.fits and QUANTISED.search(name) and not pair.base.quantised:
        yield info(
            "quantised-elsewhere",
            pair.base.name,
            f"{name} is a quantised model by its name, {pair.base.name} is not: their weights differ by the rounding",
            "evaluate it here; adapters trained on a quantised base usually do as well on the plain one",
        )


def _named(pair: Pair) -> tuple[str, str | None] | None:
    """The name in the config, with its revision."""
    name = pair.adapter.facts.base_name
    return (name, pair.adapter.facts.base_revision) if name else None


def _source(source: str | None, revision: str | None = None) -> tuple[str, str | None] | None:
    """The name of a base on a Hub, with its revision; None for what lies elsewhere.

    >>> _source("hf:org/base@abc#unet")
    ('org/base', 'abc')
    """
    if source is None or not source.startswith(HUB):
        return None
    name, _, after = source.removeprefix(HUB).partition("#")[0].partition("@")
    return name, revision or after or None


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _agree(one: str | None, other: str | None) -> bool:
    """Whether two revisions may be one: a branch or a missing one says nothing about a commit."""
    if not one or not other or not (_is_commit(one) and _is_commit(other)):
        return True
    return one.startswith(other) or other.startswith(one)


def _is_commit(revision: str) -> bool:
    return re.fullmatch(r"[0-9a-f]{4,40}", revision) is not None


def _contradiction(message: str) -> Finding:
    remedy = "the manifest's pin is what counts; correct whichever is wrong"
    return Finding(check="base-name", severity="warning", place="base", message=message, remedy=remedy)
