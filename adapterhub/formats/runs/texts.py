"""The texts of a folder that become notes: the card, the logs, the config of the run; and why one cannot."""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from adapterhub.document import check_data
from adapterhub.formats.folder import CARD, CONFIGS, LOGS, Listing
from adapterhub.formats.runs.checkpoints import LARGEST, STATE, log_of_checkpoint
from adapterhub.formats.runs.portable import portable

__all__ = ["LARGEST_CONFIG", "Texts", "parse_config", "read"]

LARGEST_CONFIG = 1 << 18
"""Bytes of a config: YAML takes a second for as many, and people write some thousands."""


@final
@dataclass
class Texts:
    """What was read, by the names of the files; of configs the first. `unsaid`: what cannot be kept, and why."""

    card: str = ""
    logs: dict[str, Any] = field(default_factory=dict)
    config: dict[str, dict[str, Any]] = field(default_factory=dict)
    unsaid: dict[str, str] = field(default_factory=dict)


def read(folder: Path, listing: Listing) -> Texts:
    """Read what there is; nothing is raised, for an adapter is whole without them."""
    texts = Texts()
    if STATE not in listing.files and (log := log_of_checkpoint(folder, listing.folders)):
        _take(texts, STATE, log)
    for name in (CARD, *LOGS, *CONFIGS):
        path = listing.files.get(name)
        if path is None or (name in CONFIGS and texts.config):
            continue
        if why := _take(texts, name, path):
            texts.unsaid[name] = why
    return texts


def _take(texts: Texts, name: str, path: Path) -> str:
    """Take one file into the texts, or say why not."""
    if path.is_symlink():
        return "a link: only a file of the folder is kept as a note"
    try:
        size = path.stat().st_size
        if size > LARGEST:
            return f"{size} bytes, and a card or a log of at most {LARGEST} is kept"
        text = path.read_bytes().decode("utf-8")  # line ends as they are: export gives the card back
    except UnicodeDecodeError:
        return "not UTF-8, so it is no text that could be kept"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return _keep(texts, name, text)


def _keep(texts: Texts, name: str, text: str) -> str:
    try:
        if name == CARD:
            texts.card = text
        elif name in LOGS:
            texts.logs[name] = _log(text)
        else:
            texts.config[name] = parse_config(text)
    except (ValueError, RecursionError):
        return "a log that is not JSON" if name in LOGS else "a config of a run that cannot be read"
    return ""


def _log(text: str) -> Any:
    """A log that can be kept as JSON; a diverged training logs NaN, which no JSON of ours may hold."""
    log = json.loads(text, parse_constant=lambda word: None)
    check_data(log)
    json.dumps(log, ensure_ascii=False).encode()
    if isinstance(log, dict) and isinstance(best := log.get("best_model_checkpoint"), str):
        log["best_model_checkpoint"] = portable(best)
    return log


def parse_config(text: str) -> dict[str, Any]:
    """A YAML config as data that may travel; `ValueError` for what is none."""
    import yaml

    if len(text) > LARGEST_CONFIG:
        raise ValueError(f"{len(text)} characters, and a config of at most {LARGEST_CONFIG} is read")

    try:
        data = portable(_loader()(text).get_single_data())
    except yaml.YAMLError as error:
        raise ValueError(str(error)[:200]) from None
    if not isinstance(data, dict):
        raise ValueError("a config is a mapping")
    check_data(data)
    return data


def _loader() -> Any:
    """YAML's safe loader, to which 2e-4 is the number it is to everybody but YAML 1.1."""
    import yaml

    class Loader(yaml.SafeLoader):
        """One of our own: what is added to it is not added for everybody."""

    number = re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789"))
    return Loader
