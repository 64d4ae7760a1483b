"""Texts with topics, made of what is installed: what functions, methods and classes say they do.

Sources are read and never imported. A topic is a package or a part of one; the packages' and the module's own names are
taken out of a text. Of texts that begin alike only the first stands. A module is in one split only, so
that its near-copies do not stand on both sides. The same packages give the same rows, whose digest the page tells.
"""

import ast
import json
import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

__all__ = ["NAMES", "TOPICS", "Text", "split", "texts", "write"]

TOPICS = {
    "array": "numpy",
    "cloud": "huggingface_hub",
    "compiler": "torch/_inductor",
    "database": "sqlalchemy",
    "distributed": "torch/distributed",
    "graph": "networkx",
    "learning": "sklearn",
    "physics": "sympy/physics",
    "plot": "matplotlib",
    "polynomial": "sympy/polys",
    "science": "scipy",
    "statistics": "scipy/stats",
    "table": "pandas",
    "tracking": "mlflow",
    "transformer": "transformers/models",
}
"""Topic -> the folder its modules lie in; what a longer folder takes is not in a shorter one."""

NICKNAMES = ("np", "nx", "pd", "plt", "mpl", "sa", "sp", "sklearn", "scikit", "hf", "huggingface", "pytorch")
NAMES = frozenset({*NICKNAMES, *(folder.partition("/")[0] for folder in TOPICS.values())})
"""Words that would give a topic away, in every text."""

SKIPPED = {"tests", "test", "testing", "_testing", "conftest.py", "_vendor", "externals", "distutils", "f2py"}
LEAST, MOST = 60, 600
"""Characters of a text."""
OF_A_MODULE = 20
"""Texts of one module, at most."""


@dataclass(frozen=True)
class Text:
    """A row, and the module it is from."""

    topic: str
    module: str
    text: str

    @property
    def place(self) -> str:
        """Where it stands in an order that looks like chance and is always the same."""
        return _hash(f"{self.topic}\n{self.text}")


def texts() -> list[Text]:
    """Every text there is, in the order of topics, modules and places in the file."""
    found, seen = [], set()
    for topic, folder in sorted(TOPICS.items()):
        for one in _of_topic(topic, folder):
            first = one.text[:LEAST].lower()
            if first not in seen:
                seen.add(first)
                found.append(one)
    return found


def split(found: Iterable[Text], rows: int, tests: int) -> dict[str, list[Text]]:
    """train and validation with `rows` texts together, an eighth in validation, and at most `tests` texts of a topic.

    Each topic has as many as the others in train and validation. Raises `SystemExit` where a topic has too few.
    """
    each = rows // len(TOPICS)
    wanted = {"validation": max(1, each // 8), "train": each - max(1, each // 8), "test": tests}
    parts: dict[str, list[Text]] = {name: [] for name in wanted}
    for topic in sorted(TOPICS):
        modules: dict[str, list[Text]] = {}
        for one in found:
            if one.topic == topic:
                modules.setdefault(one.module, []).append(one)
        left = iter(sorted(modules, key=_hash))
        for name, count in wanted.items():
            taken = _taken(left, modules, count)
            if len(taken) < count and name != "test":
                raise SystemExit(f"{topic}: {len(taken)} texts for {name}, wanted {count}; is all of [dev] installed?")
            parts[name] += taken
    return {name: sorted(rows, key=lambda one: one.place) for name, rows in parts.items()}


def write(folder: Path, parts: dict[str, list[Text]]) -> str:
    """A JSONL file for each part; the digest of all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = sha256()
    for name, rows in sorted(parts.items()):
        data = "".join(json.dumps({"text": one.text, "topic": one.topic}) + "\n" for one in rows).encode()
        (folder / f"{name}.jsonl").write_bytes(data)
        digest.update(data)
    return digest.hexdigest()


def _taken(left: Iterator[str], modules: dict[str, list[Text]], count: int) -> list[Text]:
    """So many texts off the next modules; what is left of the last module is nobody's."""
    taken: list[Text] = []
    while len(taken) < count and (module := next(left, None)) is not None:
        taken += sorted(modules[module], key=lambda one: one.place)[:OF_A_MODULE]
    return taken[:count]


def _of_topic(topic: str, folder: str) -> Iterator[Text]:
    package, _, inner = folder.partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed: pip install -e '.[dev]'")
    root = Path(spec.submodule_search_locations[0])
    others = [other for other in TOPICS.values() if other.startswith(f"{folder}/")]
    for path in sorted((root / inner).rglob("*.py")):
        module = f"{package}/{path.relative_to(root).as_posix()}"
        if not SKIPPED & {*module.split("/")} and not any(module.startswith(f"{other}/") for other in others):
            yield from _of_module(topic, module, path)


def _of_module(topic: str, module: str, path: Path) -> Iterator[Text]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old strings with odd escapes
        try:
            tree = ast.parse(path.read_bytes())
        except SyntaxError:
            return
    words = NAMES | {word for part in module.removesuffix(".py").split("/") for word in (part, part.strip("_"))}
    hidden = re.compile(rf"\b({'|'.join(sorted(map(re.escape, words - {''})))})\b", re.IGNORECASE)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            text = " ".join(hidden.sub(" ", ast.get_docstring(node) or "").split())[:MOST]
            if len(text) >= LEAST:
                yield Text(topic, module, text)


def _hash(word: str) -> str:
    return sha256(word.encode()).hexdigest()
