"""Imports go down only, neighbours do not know each other, and nothing goes in circles."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.house.sources import PACKAGE, ROOT, modules, tree

LINTER = Path(sys.executable).with_name("lint-imports")


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the import linter with the contracts of `folder`."""
    words = [LINTER, "--config", folder / "pyproject.toml", "--no-cache"]
    return subprocess.run(words, capture_output=True, text=True, cwd=folder, check=False)


def test_the_layers_are_kept():
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout


def test_an_import_that_goes_up_is_caught(tmp_path):
    contracts = (ROOT / "pyproject.toml").read_text().partition("[tool.importlinter]")[2]
    (tmp_path / "pyproject.toml").write_text(f"[tool.importlinter]{contracts}")
    for path in PACKAGE.rglob("*.py"):
        copy = tmp_path / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(path.read_text())
    with (tmp_path / "adapterhub" / "digest.py").open("a") as module:
        module.write("\n\ndef up():\n    from adapterhub.store import store\n")
    done = lint(tmp_path)
    assert done.returncode == 1
    assert "adapterhub.digest -> adapterhub.store" in done.stdout


def test_every_package_has_a_place_in_the_layers():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    placed = {word for layer in contracts[0]["layers"] for word in layer.replace("|", ":").replace(" ", "").split(":")}
    here = {
        p.stem if p.is_file() else p.name for p in PACKAGE.iterdir() if p.name[0] not in "._" or p.stem == "__main__"
    }
    assert here - {"py"} <= placed


def test_nobody_inside_imports_the_root():
    for path in modules():
        for node in ast.walk(tree(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            taken = (
                getattr(node, "names", []) if isinstance(node, ast.ImportFrom) and node.module == "adapterhub" else []
            )
            assert "adapterhub" not in names, path
            assert all((PACKAGE / f"{alias.name}.py").exists() for alias in taken), path
