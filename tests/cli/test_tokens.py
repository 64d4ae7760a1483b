"""`adapterhub token` for people and programs."""

import pytest

from adapterhub.cli.options import Run
from adapterhub.cli.served import serve
from adapterhub.server import run as server
from adapterhub.server.settings import Serving
from tests.cli.builders import CommandLine


@pytest.fixture
def run(tmp_path):
    return CommandLine(tmp_path / "store", tmp_path)


def test_a_token_alone_is_on_standard_output(run):
    made = run("token", "create", "ada", "--role", "write", "--namespace", "ada", "--expires", "30d")
    assert made.out.startswith("hf_ahub_")
    assert made.out.count("\n") == 1
    assert "ada: write in ada, until 20" in made.err
    assert made.out.strip() not in run("token", "list").out


def test_a_program_gets_one_document(run):
    made = run("token", "create", "ci", "--json").json
    assert (made["role"], made["token"][:8]) == ("read", "hf_ahub_")
    (listed,) = run("token", "list", "--json").json
    assert (listed["id"], listed["state"]) == (made["id"], "good")
    assert "token" not in listed


def test_a_token_is_revoked_by_name(run):
    assert "there is no token" in run("token", "list").err
    run("token", "create", "ci")
    assert "is revoked" in run("token", "revoke", "ci").out
    assert "revoked" in run("token", "list").out
    assert "ci: this token is revoked already" in run("token", "revoke", "ci", code=3).err
    assert "no token has this name" in run("token", "revoke", "cj", code=3).err
    assert "'root' is no role" in run("token", "create", "x", "--role", "root", code=2).err


def test_the_log_tells_of_tokens(run):
    made = run("token", "create", "ci").out.strip()
    run("token", "revoke", "ci")
    told = run("log").out
    assert ["token:ci" in line for line in told.splitlines()[-2:]] == [True, True]
    assert "read in all namespaces" in told
    assert made not in told


def test_serving_refuses_words_that_make_no_sense(run):
    assert "'much' is no size" in run("serve", "--largest", "much", code=2).err
    assert "cannot listen on 203.0.113.1" in run("serve", "--host", "203.0.113.1", "--port", "0", code=7).err
    assert "less than or equal to 65535" in run("serve", "--port", "65536", code=2).err


def test_a_server_says_where_a_token_is_made_and_that_its_store_is_new(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(server, "serve", lambda desk, serving, started: started("http://here"))
    store = tmp_path / "a store"
    serve(Run(store=str(store)), Serving())
    told = capsys.readouterr()
    assert told.out == f"serving {store} at http://here\n"
    assert f"--namespace NAME --store '{store}'`" in told.err
    assert f"the store is new: nothing was at {store} before" in told.err
    CommandLine(store, tmp_path)("token", "create", "ada", "--role", "write")
    serve(Run(store=str(store)), Serving())
    assert capsys.readouterr().err == ""
