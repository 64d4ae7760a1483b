"""`served`: one server for all tests of a file; `adapters`: folders to send; each test has a namespace of its own."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy
import pytest

from adapterhub.formats.peft_keys import build_key
from tests.builders import adapter_files, safetensors, write_files
from tests.server.running import Running, running

COUNT = itertools.count(1)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server whose clients send files above 4 MiB in parts."""
    with running(tmp_path_factory.mktemp("served"), part=4 << 20) as found:
        yield found


@pytest.fixture
def namespace() -> str:
    return f"team{next(COUNT)}"


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Two versions of an adapter that no other test has, with a card, and a file English has no letters for."""
    card = b"---\nlicense: mit\ntags: [verse]\n---\n# Poet\n"
    beside = {"README.md": card, "Prüfung/größe 1.txt": "für dich\n".encode()}
    first, second = (adapter_files(rank=32, size=256, seed=next(COUNT)) for _ in range(2))
    return write_files(tmp_path / "first", first | beside), write_files(tmp_path / "second", second | beside)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An adapter of 12 MB that nothing compresses."""
    dice, size, rank = numpy.random.default_rng(5), 750, 1000
    shapes = {build_key(f"layers.0.{at}", role): (at, role) for at in ("q_proj", "v_proj") for role in ("A", "B")}
    files = adapter_files(rank=rank, size=1)
    files["adapter_model.safetensors"] = safetensors({
        name: ((rank, size) if role == "A" else (size, rank), dice.standard_normal(rank * size, "f4").tobytes())
        for name, (_, role) in shapes.items()
    })  # fmt: skip
    return write_files(tmp_path_factory.mktemp("large"), files)
