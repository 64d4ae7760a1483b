"""The project's own files, as the rules of the house see them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "adapterhub"
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".sh", ".json", ""}
LEFT_OUT = {".venv", ".git", "blobs", "dist", "node_modules", "demo-out"}


@cache
def modules() -> tuple[Path, ...]:
    """Every Python file of the package."""
    return tuple(sorted(PACKAGE.rglob("*.py")))


@cache
def python() -> tuple[Path, ...]:
    """Every Python file of the project."""
    return tuple(path for path in _files(ROOT) if path.suffix == ".py")


@cache
def texts() -> tuple[Path, ...]:
    """Every text a person wrote: code, documents, settings. The registry's own bytes are not among them."""
    return tuple(
        path for path in _files(ROOT) if path.suffix in TEXT and "registry" not in path.relative_to(ROOT).parts[:1]
    )


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        hidden = path.name.startswith(".") and path.name not in (".ci", ".gitignore", ".gitattributes")
        if hidden or path.name in LEFT_OUT or path.name.startswith("__pycache__") or path.is_symlink():
            continue
        if path.is_dir():
            yield from _files(path)
        else:
            yield path


def name(path: Path) -> str:
    """A file's path from the project's root, for messages."""
    return path.relative_to(ROOT).as_posix()


@cache
def tree(path: Path) -> ast.Module:
    """A parsed file."""
    return ast.parse(path.read_text(), name(path))


Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    return (node for node in ast.walk(tree(path)) if isinstance(node, Function))


def public(path: Path) -> Iterator[Function | ast.ClassDef]:
    """Public functions and classes of a module, and the public methods of public classes."""
    for node in tree(path).body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from (n for n in node.body if isinstance(n, Function) and not n.name.startswith("_"))
