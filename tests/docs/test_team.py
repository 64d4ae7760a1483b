"""The README's server for a team, typed on three machines: a server, one that pushes, and one that pulls.

Changed are only what is a person's own: the address, the token that was shown, and the extra that is installed here.
"""

import contextlib
import os
import re
import signal
from importlib.metadata import metadata

from adapterhub.hub import Hub
from tests.builders import tiny_adapter
from tests.docs.pages import begin, put, run, section, typed

INSTALL = re.compile(r"pip install '\.\[(\w+)\]'\n")


@contextlib.contextmanager
def serving(script, home):
    """The server's own machine; yields the token it showed and its address. SIGTERM ends it."""
    with begin(script, home) as shell:
        token, said = shell.stdout.readline().strip(), shell.stdout.readline()
        assert said.startswith("serving "), f"{said!r} {shell.stderr.read()}"
        yield token, said.rpartition(" at ")[2].strip()
        os.killpg(shell.pid, signal.SIGTERM)
        shell.communicate()


def test_the_team_of_the_readme_shares_an_adapter(tmp_path):
    server, pusher, puller = typed(section("README.md", "A server for a team"))
    assert INSTALL.findall(server)[0] in metadata("adapterhub").get_all("Provides-Extra")
    mine = Hub.open(tmp_path / "mine/store")
    mine.add(tiny_adapter(tmp_path / "run"), "ada/sql", metrics={"accuracy": 0.5})
    script = put(INSTALL.sub("", server), {"--host 0.0.0.0": "--host 127.0.0.1 --port 0"})
    with serving(script, tmp_path / "server") as (token, url):
        own = {"hf_ahub_…": token, "http://server:8000": url}
        run(put(pusher, own), tmp_path / "mine")
        run(put(puller, own), tmp_path / "theirs")
    theirs = Hub.open(tmp_path / "theirs/store")
    assert theirs.show("ada/sql").digest == mine.show("ada/sql").digest
    assert theirs.show("ada/sql").metrics == {"accuracy": 0.5}
    assert theirs.check().ok
    assert theirs.check().blobs == 3
    (snapshot,) = (tmp_path / "theirs").rglob("models--ada--sql/snapshots/*")
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        assert (snapshot / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
