"""What a person reads who works with a server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from adapterhub.errors import NotFound
from tests.cli.builders import CommandLine, adapter
from tests.server.running import Running


@pytest.fixture
def run(tmp_path: Path, server: Running) -> CommandLine:
    """A command line that knows the server, and has an adapter to push."""
    run = CommandLine(tmp_path / "store", tmp_path)
    run("add", adapter(tmp_path / "poet"), "ada/poet")
    run("remote", "add", "team", f"hub+{server.url}")
    return run


def test_a_list_of_a_server_says_what_it_may_hide(run: CommandLine, server: Running) -> None:
    run("push", "ada/poet", ADAPTERHUB_TOKEN=server.token)
    seen = run("list", "--remote", "team", ADAPTERHUB_TOKEN=server.token)
    assert ("ada/poet@1" in seen.out, seen.err) == (True, "")
    unseen = run("list", "--remote", "team", HF_TOKEN="", HF_ENDPOINT="https://huggingface.co")
    assert unseen.out == ""
    assert "nothing in team; private adapters are not listed, since no token was sent" in unseen.err
    assert "set ADAPTERHUB_TOKEN" in unseen.err
    other = server.new_token(f"other{run.cwd.name}", "read", "bob")
    assert "that this token may not see" in run("list", "--remote", "team", ADAPTERHUB_TOKEN=other).err


def test_a_folder_that_is_an_empty_remote_hides_nothing(run: CommandLine, tmp_path: Path) -> None:
    run("push", "ada/poet", "--to", tmp_path / "folder")
    run("remove", "ada/poet@1", "--store", tmp_path / "folder")
    assert run("list", "--remote", tmp_path / "folder").err == f"there is nothing in {tmp_path}/folder\n"


def test_what_was_private_before_a_public_push_is_said_to_stay_so(run: CommandLine, server: Running) -> None:
    def push() -> str:
        words = ("push", "ada/poet", "--public")
        return run(*words, ADAPTERHUB_TOKEN=server.token, HF_ENDPOINT="https://huggingface.co").err

    run("push", "ada/poet", ADAPTERHUB_TOKEN=server.token)
    said = push()
    assert said.startswith("ada/poet was there before and stays private; ")
    change = said.split("`")[1].split()
    assert change == [f"HF_ENDPOINT={server.url}", "hf", "repos", "settings", "ada/poet", "--public"]
    env = {**os.environ, "HF_ENDPOINT": server.url, "HF_TOKEN": server.token, "HF_HUB_OFFLINE": "0"}
    hf = Path(sys.executable).with_name("hf")
    subprocess.run([hf, *change[2:]], env=env, check=True, capture_output=True, timeout=60)
    assert server.ask("GET", "/api/models/ada/poet", token=None).json()["private"] is False
    assert push() == ""


def test_a_version_that_is_not_there_is_told_with_the_remote_and_what_there_is(
    run: CommandLine, server: Running
) -> None:
    env = {"ADAPTERHUB_TOKEN": server.token, "HF_ENDPOINT": "https://huggingface.co"}
    run("push", "ada/poet", **env)
    run("push", "ada/poet", "--to", run.cwd / "folder")
    for place, where in (("team", f"{server.url}/ada/poet"), (run.cwd / "folder", run.cwd / "folder")):
        told = run("pull", "ada/poet@77", "--from", place, code=NotFound.code, **env).err
        assert str(where) in told
        assert "'77'" in told or "@77" in told
        assert "the versions there: 1\n" in told
    run("push", "ada/poet", "--alias", "prod", **env)
    assert "the versions there: 1; the aliases: prod\n" in run("pull", "ada/poet@canary", code=NotFound.code, **env).err


def test_a_list_of_what_is_no_hub_says_so(run: CommandLine, server: Running) -> None:
    told = run("list", "--remote", f"hub+{server.url}/below", code=NotFound.code).err
    assert "no Hub there" in told
    assert "without a path" in told
