"""Pull, push and aliases there, as a person types them and reads of them."""

import pytest

from adapterhub.cli import moves
from tests.cli.builders import CommandLine, adapter, base


@pytest.fixture
def run(tmp_path):
    """A store with two versions of ada/poet, and a team's folder to push to."""
    run = CommandLine(tmp_path / "store", tmp_path)
    base(tmp_path / "base")
    for seed in (1, 2):
        adapter(tmp_path / f"poet{seed}", seed=seed)
        run("add", f"./poet{seed}", "ada/poet", "--base", "./base")
    run("remote", "add", "team", f"file://{tmp_path / 'team'}")
    return run


def test_a_push_says_what_its_aliases_mean_there_now(run):
    ran = run("push", "ada/poet@1", "ada/poet@2", "--alias", "prod", "--alias", "best")
    assert [line for line in ran.err.splitlines() if "→" in line] == ["prod → ada/poet@2", "best → ada/poet@2"]
    assert "prod → ada/poet@1" in run("push", "ada/poet@1", "--alias", "prod").err
    assert "→" not in run("push", "ada/poet@1").err
    (first, _) = run("list", "--remote", "team", "--json").json
    assert (first["reference"], first["aliases"]) == ("ada/poet@1", ["prod"])


def test_a_remote_among_the_entries_is_told_its_option(run):
    assert "write --to team" in run("push", "ada/poet", "team", code=2).err
    assert "write --from team" in run("pull", "ada/poet", "team", code=2).err
    assert "write --to hf" in run("push", "ada/poet", "hf", code=2).err
    assert "there is no '/' in it" in run("push", "ada/poet", "them", code=4).err


def test_a_pull_says_what_it_fits_in_the_words_of_the_adapters_config(run, tmp_path):
    run("push", "ada/poet")
    other = CommandLine(tmp_path / "other", tmp_path)
    card = run("base", "list", "--json").json[0]["card"]
    told = other("pull", "ada/poet", "--from", f"file://{tmp_path / 'team'}").err
    assert f"ada/poet@2 fits org/tiny [{card[7:19]}] (exact)" in told
    assert "ada/poet@2 fits base (exact)" in run("pull", "ada/poet").err


def test_who_stops_a_transfer_hears_how_it_goes_on(capsys):
    with pytest.raises(KeyboardInterrupt), moves.moving():
        raise KeyboardInterrupt
    assert capsys.readouterr().err == "stopped; the same command goes on from there\n"
