"""A server with something to show, and two browsers on it: one that is logged in as the admin, one of a stranger."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from adapterhub.manifest import Parent
from adapterhub.reference import Name
from adapterhub.verbs.hub_repos import set_private
from tests.builders import tiny_adapter, tiny_base, write_files
from tests.server.running import Running, running
from tests.server.web.seeing import Reader, browser

CARD = b"""---
tags: [verse]
---
# The poet

Writes **verse**; see [its config](adapter_config.json) and [a paper](https://example.org/paper).

| set | accuracy |
|-----|---------:|
| all | 0.91     |
"""
HOSTILE = b"""# Trap

<script>document.title = "taken"</script>
<img src="https://evil.example/x.png" onerror="document.title='taken'">
<a href="javascript:document.title='taken'">html</a>
<style>body { display: none }</style>

[one](javascript:document.title='taken') [two](data:text/html,<script>1</script>) [three](vbscript:x)
[four](//evil.example/) ![five](data:image/png;base64,AAAA) ![six](https://evil.example/pixel.png)
[seven](JaVaScRiPt:alert(1))
<javascript:alert(1)> [![eight](https://evil.example/b.svg)](https://example.org/)
"""
TAG = "<script>alert('tag')</script> & \"more\""
POETS = 60


@pytest.fixture(scope="session")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """ada/poet (public) in three versions on a known base; ada/child of it; ada/trap; bob/style-00 … and bob/open."""
    folder = tmp_path_factory.mktemp("web")
    with running(folder) as server:
        fill(server, folder)
        yield server


def fill(server: Running, folder: Path) -> None:
    """What there is to see."""
    hub, base = server.hub, tiny_base(folder / "tiny")
    hub.base_add(base)
    hub.base_add(tiny_base(folder / "secret", seed=3, size=8))
    for version in (1, 2, 3):
        run = write_files(tiny_adapter(folder / f"poet{version}", seed=version), {"README.md": CARD})
        metrics = {"accuracy": 0.8 + version / 100, "loss": 1 / version}
        hub.add(run, "ada/poet", base=base, metrics=metrics, tags=["verse"], license="MIT", training={"seed": 7})
    hub.alias("ada/poet@2", "prod")
    parents = [Parent(digest=hub.show("ada/poet@3").digest, weight=0.7)]
    hub.add(tiny_adapter(folder / "child", seed=9), "ada/child", parents=parents)
    hub.add(write_files(tiny_adapter(folder / "trap", seed=8), {"README.md": HOSTILE}), "ada/trap", tags=[TAG])
    for number in range(POETS):
        modules = ("q_proj", "gate_proj") if number % 2 else ("q_proj",)
        hub.add(tiny_adapter(folder / f"style{number}", seed=100 + number, modules=modules), f"bob/style-{number:02}")
    hub.add(tiny_adapter(folder / "open", seed=99), "bob/open", tags=["open"])
    for name in (Name("ada", "poet"), Name("bob", "open")):
        set_private(hub.desk, name, False)


@pytest.fixture(scope="session")
def admins(shown: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with browser(shown, tmp_path_factory.mktemp("admins")) as found:
        found.log_in(shown.token)
        yield found


@pytest.fixture(scope="session")
def strangers(shown: Running, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    with browser(shown, tmp_path_factory.mktemp("strangers")) as found:
        yield found


@pytest.fixture
def admin(admins: Reader) -> Reader:
    """The admin's browser, as it was when it was opened."""
    return _plain(admins)


@pytest.fixture
def stranger(strangers: Reader) -> Reader:
    """A browser without a token."""
    return _plain(strangers)


def _plain(reader: Reader) -> Reader:
    reader.scripts(True)
    reader.size(1200)
    reader.dark(False)
    reader.complaints()
    return reader
