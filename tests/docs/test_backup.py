"""The backup of docs/server.md, typed beside a server whose clients push all the while."""

import threading
import time

import pytest

from adapterhub.hub import Hub
from tests.builders import adapter_files, tiny_adapter, tiny_base, write_files
from tests.docs.pages import put, run, section, typed
from tests.server.running import running

ADAPTERS = 30


@pytest.fixture
def server(tmp_path):
    """A server whose store has enough in it that a copy takes its time."""
    with running(tmp_path) as found:
        found.hub.base_add(tiny_base(tmp_path / "tiny"))
        for number in range(ADAPTERS):
            style = tiny_adapter(tmp_path / f"run{number}", seed=number)
            found.hub.add(style, f"old/style-{number:02}", base=tmp_path / "tiny", metrics={"accuracy": number / 100})
        yield found


class Busy:
    """Two that write as fast as they can: a client that pushes and moves an alias, and a person at the server's store,
    who shows a base, says a metric, and tells which version is the best."""

    def __init__(self, server, folder):
        self.server, self.folder, self.ended, self.faults = server, folder, threading.Event(), []
        self.pushed, self.added = 0, 0
        self.threads = [
            threading.Thread(target=self.guard, args=(turn,), daemon=True) for turn in (self.push, self.add)
        ]

    def guard(self, turn):
        try:
            while not self.ended.is_set():
                turn()
        except Exception as fault:
            self.faults.append(fault)

    def push(self):
        hub, seed = Hub.open(self.folder / "client"), 1000 + self.pushed
        hub.add(write_files(self.folder / "push", adapter_files(seed=seed)), "ada/pushed")
        hub.push(["ada/pushed"], "ours", aliases=["prod"])
        self.pushed += 1

    def add(self):
        hub, seed = self.server.hub, 100_000 + self.added
        base = tiny_base(self.folder / "base", seed=seed)
        hub.add(write_files(self.folder / "add", adapter_files(seed=seed)), "ada/added", base=base)
        hub.alias("ada/added", "best")
        hub.note("ada/added", {"accuracy": 1 / seed})
        self.added += 1

    def __enter__(self):
        Hub.open(self.folder / "client").remote_add("ours", f"hub+{self.server.url}")
        for thread in self.threads:
            thread.start()
        self.wait(self.pushed, self.added)
        return self

    def wait(self, pushed, added):
        """Until both have written again."""
        until = time.monotonic() + 60
        while not self.faults and (self.pushed <= pushed or self.added <= added):
            assert time.monotonic() < until
            time.sleep(0.01)

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join(60)
        assert self.faults == []
        assert not any(thread.is_alive() for thread in self.threads)


def test_the_backup_of_the_page_is_whole_while_clients_push(server, tmp_path, monkeypatch):
    monkeypatch.setenv("ADAPTERHUB_TOKEN", server.token)
    (commands,) = (block for block in typed(section("docs/server.md", "Day by day")) if "rsync" in block)
    commands = put(commands, {"/srv/adapters/": f"{server.home}/"})
    with Busy(server, tmp_path) as busy:
        for _ in range(3):  # into an empty folder first, then over what is there
            before = busy.pushed, busy.added
            run(commands, tmp_path / "night")  # the last of them is the check
            busy.wait(*before)
    copied = Hub.open(tmp_path / "night/backup")
    assert copied.check().damage == ()
    assert len(copied.list()) > ADAPTERS + 2
    pull_all(copied, Hub.open(tmp_path / "restored"))
    assert (copied.store / ".server-key").read_bytes() == (server.home / ".server-key").read_bytes()
    assert {token.id for token in copied.token_list()} == {token.id for token in server.hub.token_list()}


def pull_all(copy, to):
    """Each entry and each alias of a copy can be had from it."""
    to.remote_add("copy", copy.store.as_uri())
    to.pull([str(one.reference) for one in copy.list()], "copy")
    to.pull(["ada/pushed@prod", "ada/added@best"], "copy")
    assert to.check().ok
