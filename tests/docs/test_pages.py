"""A page that waits for ever fails its test, and keeps nobody else waiting."""

import time

import pytest

from tests.docs import pages


def test_what_a_page_says_is_run_with_its_errors_told(tmp_path):
    assert pages.run("echo $HOME", tmp_path / "home") == f"{tmp_path / 'home'}\n"
    with pytest.raises(AssertionError, match="no-such-command"):
        pages.run("no-such-command", tmp_path / "home")


@pytest.mark.parametrize("script", ["sleep 60", "sleep 60 &"], ids=["before", "behind"])
def test_what_never_ends_is_ended(tmp_path, monkeypatch, script):
    monkeypatch.setattr(pages, "SECONDS", 1.0)
    begun = time.monotonic()
    with pytest.raises(AssertionError, match="at work still"):
        pages.run(f"echo begun; {script}", tmp_path / "home")
    assert time.monotonic() - begun < 30
