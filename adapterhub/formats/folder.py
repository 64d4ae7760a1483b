"""Which files of a folder an entry takes: weights, adapter config, tokenizer files, chat template; and why no others.

A name is judged by the first row that fits. Nothing outside of the folder is ever read: a link that leaves it is
`Refused`, except into the blobs of a Hub cache, where every file of a snapshot is such a link.
"""

import os
import re
import stat
from collections.abc import Container
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import final

from adapterhub.errors import NotFound, Refused
from adapterhub.manifest import safe_path

__all__ = [
    "CARD",
    "CONFIGS",
    "LOGS",
    "Listing",
    "check_taken",
    "is_copy",
    "is_pickle",
    "is_tokenizer",
    "read_folder",
    "walk",
    "why_left_out",
]

CARD = "README.md"
LOGS = ("trainer_state.json", "all_results.json", "train_results.json", "eval_results.json")
CONFIGS = {
    "axolotl_config.yaml": "axolotl",
    "axolotl_config.yml": "axolotl",
    "training_args.yaml": "llamafactory",
    "llamafactory.yaml": "llamafactory",
}
"""Config of a run -> whose. LLaMA-Factory's web page writes training_args.yaml; the others are laid there by hand."""

TOKENIZER = (
    "tokenizer.json",
    "tokenizer_config.json",
    "tokenizer.model",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
    "normalizer.json",
    "*.tiktoken",
    "*.spm",
    "spiece.model",
    "sentencepiece*.model",
    "tekken.json",
    "chat_template.jinja",
    "chat_template.json",
)
TEMPLATES = "additional_chat_templates"

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")

REASONS = (
    (("optimizer*", "scheduler*", "scaler.pt", "*_optim_states.pt"), "state of an optimiser"),
    (("rng_state*", "random_states*"), "state of a random generator"),
    (("training_args.bin",), "a pickle of the training's arguments"),
    (tuple(f"*{suffix}" for suffix in PICKLES), "a pickle: never read"),
    (("*_adapters.safetensors",), "an earlier checkpoint of the training"),
    (
        ("*_results.json", "trainer_log*", "running_log*", "tokens_state*", "training_*loss*", "events.out.*", "*.log"),
        "a log of the training",
    ),
    (("training_args.yaml", "axolotl_config.y*ml", "llamafactory.yaml"), "a config of a training, and not the first"),
    (("llamaboard_config.yaml",), "settings of a web page"),
)


@final
@dataclass(frozen=True)
class Listing:
    """What lies in a folder: files that can be read, folders, and what is neither, with the reason."""

    files: dict[str, Path]
    folders: tuple[str, ...]
    odd: tuple[tuple[str, str], ...]


def read_folder(folder: Path) -> Listing:
    """List a folder, hidden names left out; `NotFound` if there is none, `Refused` if it may not be read."""
    files: dict[str, Path] = {}
    folders: list[str] = []
    odd: list[tuple[str, str]] = []
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"{folder}: no such folder", hint="check the path; a folder begins with / ./ ../ or ~") from None
    except OSError as error:
        raise Refused(f"{folder}: cannot be read: {error.strerror}", hint="ask its owner for the right to") from None
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            mode = entry.stat().st_mode
        except OSError as error:
            odd.append((entry.name, f"cannot be read: {error.strerror}"))
            continue
        if stat.S_ISREG(mode):
            files[entry.name] = Path(entry.path)
        elif stat.S_ISDIR(mode):
            folders.append(entry.name)
        else:
            odd.append((entry.name, "neither a file nor a folder"))
    if TEMPLATES in folders and not (folder / TEMPLATES).is_symlink():
        inner = read_folder(folder / TEMPLATES)
        files |= {f"{TEMPLATES}/{name}": path for name, path in inner.files.items() if name.endswith(".jinja")}
    return Listing(files, tuple(folders), tuple(odd))


def walk(folder: Path) -> dict[str, Path]:
    """Every file below a folder by its relative name, hidden ones and linked folders left out."""
    files: dict[str, Path] = {}
    waiting = [""]
    while waiting:
        place = waiting.pop()
        listing = read_folder(folder / place)
        files |= {place + name: path for name, path in listing.files.items() if "/" not in name}
        waiting += [f"{place}{name}/" for name in listing.folders if not (folder / place / name).is_symlink()]
    return files


def check_taken(folder: Path, paths: dict[str, Path]) -> None:
    """`Refused` if a file that would be taken lies elsewhere or has a name no other system could write."""
    real = folder.resolve()
    allowed = [real]
    cache = next((parent.parent for parent in (real, *real.parents) if parent.name == "snapshots"), None)
    if cache is not None:
        allowed.append(cache / "blobs")
    for name, path in paths.items():
        try:
            safe_path(name)
        except ValueError as error:
            raise Refused(f"{folder}: {error}", hint="rename the file") from None
        if path.is_symlink() and not any(path.resolve().is_relative_to(root) for root in allowed):
            raise Refused(
                f"{path}: a link to {path.resolve()}, outside of the folder",
                hint="copy the file into the folder if it belongs to the adapter",
            )


def is_tokenizer(name: str) -> bool:
    """Whether a file is a tokenizer's or a chat template.

    >>> is_tokenizer("vocab.json"), is_tokenizer("config.json")
    (True, False)
    """
    return name.startswith(f"{TEMPLATES}/") or any(fnmatchcase(name, pattern) for pattern in TOKENIZER)


def is_copy(name: str, names: Container[str]) -> bool:
    """Whether a browser's numbered copy lies beside the file itself.

    >>> is_copy("adapter_config (1).json", {"adapter_config.json"})
    True
    """
    original = re.sub(r" ?\(\d{1,3}\)(?=\.[^.]*$)", "", name)
    return original != name and original in names


def is_pickle(name: str) -> bool:
    """Whether a file is a pickle by its name."""
    return name.lower().endswith(PICKLES)


def why_left_out(name: str, kind: str) -> str:
    """The reason a file is not taken.

    >>> why_left_out("optimizer.pt", "adapter")
    'state of an optimiser'
    """
    fits = (reason for patterns, reason in REASONS if any(fnmatchcase(name.lower(), pattern) for pattern in patterns))
    return next(fits, f"not part of {'an adapter' if kind == 'adapter' else 'a model'}")
