"""A model card: the README of a repository, with YAML between two lines of dashes at its beginning.

Source: https://huggingface.co/docs/hub/model-cards, and for the model-index what huggingface_hub reads.
What we write of ourselves stands between two comments, so that it can be written again; the rest is a person's.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, final

from adapterhub.protocols.hf_hub.address import PREFIX

__all__ = ["Card", "base_named", "body_of", "faults_of", "front_of", "is_repo", "read_card", "write_card"]

LARGEST = 1 << 16
"""Characters of YAML that are read: a second's work, and people write some hundreds."""

FRONT = re.compile(r"\A\ufeff?\s*---[ \t]*\r?\n(.*?)(?:\r?\n)?---[ \t]*(?:\r?\n|\Z)", re.DOTALL)
OPEN = "<!-- adapterhub:"
BEGIN = f"{OPEN} written anew with each version; what stands outside of it is yours -->"
END = "<!-- /adapterhub -->"
WRITTEN = re.compile(rf"({OPEN}|{END}\n*)")
"""Where what we wrote begins and ends."""

REPO = re.compile(r"(?:[A-Za-z0-9][\w.-]{0,95}/)?[A-Za-z0-9][\w.-]{0,95}", re.ASCII)

TASKS = {
    "CAUSAL_LM": "text-generation",
    "FEATURE_EXTRACTION": "feature-extraction",
    "QUESTION_ANS": "question-answering",
    "SEQ_CLS": "text-classification",
    "TOKEN_CLS": "token-classification",
}
"""PEFT's task -> the Hub's pipeline; there is none any more for SEQ_2_SEQ_LM."""


@final
@dataclass(frozen=True)
class Card:
    """What a card says, and what is written into one. `task` is the Hub's word or PEFT's; `text` is the person's."""

    base: str = ""
    revision: str = ""
    relation: str = ""
    library: str = ""
    task: str = ""
    license: str = ""
    tags: tuple[str, ...] = ()
    metrics: Mapping[str, float] = field(default_factory=dict)
    text: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    """The other fields of the YAML, as they are."""


def is_repo(name: str) -> bool:
    """Whether a word can be a repository of a Hub; a path on somebody's machine cannot.

    >>> is_repo("org/tiny"), is_repo("gpt2"), is_repo("./base"), is_repo("/srv/base")
    (True, True, False, False)
    """
    return REPO.fullmatch(name) is not None and ".." not in name and "--" not in name


def base_named(card: Card, named: object, revision: object) -> dict[str, Any]:
    """The pin a name is worth: of the base in an adapter's config, else in its card; nothing where neither has one.

    >>> base_named(Card(base="org/tiny", revision="v1"), "./tiny", None)
    {'evidence': 'revision', 'revision': 'v1', 'source': 'hf:org/tiny'}
    """
    if not isinstance(named, str) or not is_repo(named):
        named, revision = card.base, card.revision
    revision = revision or (card.revision if named == card.base else "")
    known = {"evidence": "revision", "revision": revision} if revision and isinstance(revision, str) else {}
    return {"evidence": "name", **known, "source": f"{PREFIX}{named}"} if named else {}


def front_of(text: str) -> dict[str, Any]:
    """The YAML of a card as plain data; empty where it is none, or none that can be read."""
    return _loaded(text)[0]


def faults_of(text: str) -> list[str]:
    """Why the YAML of a card cannot be read; nothing where it can, or where there is none.

    >>> faults_of("---\\ntags: [a]\\n---\\n"), faults_of("---\\n- a\\n---\\n")
    ([], ['the YAML is not a mapping'])
    """
    return [fault for fault in _loaded(text)[1:] if fault]


def _loaded(text: str) -> tuple[dict[str, Any], str]:
    """The YAML of a card, and why it cannot be read."""
    import yaml

    found = FRONT.match(text)
    if found is None:
        return {}, ""
    if len(found[1]) > LARGEST:
        return {}, f"the YAML has {len(found[1])} characters, and at most {LARGEST} are read"
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(found[1], Loader=yaml.SafeLoader)):
            return {}, "the YAML has aliases (*name), which are not read"
        read = yaml.safe_load(found[1]) or {}
        plain = {key: _plain(value) for key, value in read.items() if isinstance(key, str)} if read else {}
        json.dumps(plain, ensure_ascii=False).encode()  # half a surrogate pair is a ValueError here, and a 500 later
    except AttributeError:
        return {}, "the YAML is not a mapping"
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return {}, f"the YAML cannot be read: {' '.join(str(error).split())[:300]}"
    return plain, ""


def _plain(value: Any) -> Any:
    """The same as JSON could hold it: YAML has dates, numbers that are none, and keys that are no text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if value is None or isinstance(value, (str, bool, int, float)) else str(value)


def body_of(text: str) -> str:
    """What a person wrote below the YAML, without what we did."""
    kept, ours = [], list[str]()
    for part in WRITTEN.split(FRONT.sub("", text, count=1)):  # one look at each: a card may begin thousands of times
        if ours:
            if part.startswith(END):
                ours = []
            else:
                ours.append(part)
        elif part == OPEN:
            ours = [part]
        else:
            kept.append(part)
    return "".join((*kept, *ours)).strip("\r\n")


def read_card(text: str, front: Mapping[str, Any] | None = None) -> Card:
    """What a card says of the adapter; what it says in an odd way is left out. `front` is its YAML, if that is read."""
    said = front_of(text) if front is None else dict(front)
    base = said.pop("base_model", "")
    names = [name for name in (base if isinstance(base, list) else [base]) if isinstance(name, str)]
    tags = said.pop("tags", [])
    words = [tags] if isinstance(tags, str) else tags if isinstance(tags, list) else []
    return Card(
        base=names[0] if len(names) == 1 and is_repo(names[0]) else "",
        revision=_word(said.pop("base_model_revision", "")),
        relation=_word(said.pop("base_model_relation", "")),
        library=_word(said.pop("library_name", "")),
        task=_word(said.pop("pipeline_tag", "")),
        license=_word(said.pop("license", "")),
        tags=tuple(word for word in words if isinstance(word, str)),
        metrics=_metrics(said.pop("model-index", None)),
        text=body_of(text),
        more=said,
    )


def _word(value: Any) -> str:
    return value if isinstance(value, str) and value.isprintable() and len(value) <= 200 else ""


def _metrics(index: Any) -> dict[str, float]:
    """The numbers of a model-index by name; of a name that stands for several, none."""
    found: dict[str, list[float]] = {}
    for model in index if isinstance(index, list) else ():
        for result in _list(model, "results"):
            for metric in _list(result, "metrics"):
                name, value = metric.get("name") or metric.get("type"), metric.get("value")
                if isinstance(name, str) and isinstance(value, (int, float)) and not isinstance(value, bool):
                    found.setdefault(name, []).append(value)
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _list(value: Any, key: str) -> Sequence[dict[str, Any]]:
    inner = value.get(key) if isinstance(value, dict) else None
    return [item for item in inner if isinstance(item, dict)] if isinstance(inner, list) else []


def write_card(card: Card, name: str, lines: Sequence[str]) -> str:
    """A card's text: the YAML, `lines` of ours, then the person's own words.

    Only what can be a repository is written as the base: a Hub refuses every other word.
    """
    import yaml

    front = {key: value for key, value in _front(card, name).items() if value}
    dumped = yaml.safe_dump(front, sort_keys=False, allow_unicode=True, width=120)
    ours = "\n".join((BEGIN, "", *lines, "", END))
    return f"---\n{dumped}---\n\n{ours}\n" + (f"\n{card.text}\n" if card.text else "")


def _front(card: Card, name: str) -> dict[str, Any]:
    based = is_repo(card.base)
    return {
        "base_model": card.base if based else "",
        "base_model_relation": (card.relation or "adapter") if based else "",
        "library_name": card.library,
        "pipeline_tag": TASKS.get(card.task, card.task if "-" in card.task else ""),
        "license": card.license,
        "tags": sorted({*card.tags, "adapterhub"}),
        **card.more,
        "model-index": [_index(card, name)] if card.metrics else [],
    }


def _index(card: Card, name: str) -> dict[str, Any]:
    """The numbers as a model-index; it wants a task and a data set, which nobody named."""
    task = TASKS.get(card.task, card.task) or "other"
    metrics = [{"type": metric, "name": metric, "value": value} for metric, value in sorted(card.metrics.items())]
    result = {"task": {"type": task}, "dataset": {"type": "unnamed", "name": "unnamed"}, "metrics": metrics}
    return {"name": name.rpartition("/")[2], "results": [result]}
