"""Which bytes a commit may name: those its sender uploaded, and those the repository has."""

from functools import partial

import pytest

from adapterhub.errors import Corrupt, WrongUsage
from adapterhub.protocols.hf_hub.commit_lines import Header, Large
from adapterhub.verbs.hub_commit import commit
from adapterhub.verbs.hub_look import recent
from adapterhub.verbs.hub_refs import branch
from tests.verbs.hub_ground import POET, paths, repository, send, upload


def anything(_):
    """What a client may name, where nobody else has a blob here."""
    return True


def test_large_files_must_have_been_sent_with_that_size(tmp_path):
    desk = repository(tmp_path)
    with pytest.raises(WrongUsage, match="nobody sent"):
        commit(desk, POET, "main", [Header("t", "", None), Large("w.safetensors", "0" * 64, 3)], anything)
    blob = upload(desk, b"abc")
    with pytest.raises(Corrupt, match="3 bytes, the commit says 4"):
        commit(desk, POET, "main", [Header("t", "", None), Large("w.dat", blob.hex, 4)], anything)
    commit(desk, POET, "main", [Header("t", "", None), Large("w.dat", blob.hex, None)], anything)
    assert desk.store.history.find(POET, "main")[1].file("w.dat").size == 3


def test_a_blob_of_somebody_elses_cannot_be_named(tmp_path):
    desk = repository(tmp_path)
    blob = upload(desk, b"secret")
    with pytest.raises(WrongUsage, match="nobody sent"):
        commit(desk, POET, "main", [Header("t", "", None), Large("w.dat", blob.hex, 6)], lambda _: False)
    commit(desk, POET, "main", [Header("t", "", None), Large("w.dat", blob.hex, 6)], anything)
    again = [Header("t", "", None), Large("copy.dat", blob.hex, None)]
    commit(desk, POET, "main", again, lambda _: False)
    assert paths(desk) == ["copy.dat", "w.dat"]


def test_what_a_branch_holds_can_be_named_on_it_however_long_main_is(tmp_path, monkeypatch):
    desk = repository(tmp_path)
    branch(desk, POET, "dev", "main")
    blob = upload(desk, b"mine")
    commit(desk, POET, "dev", [Header("t", "", None), Large("w.dat", blob.hex, 4)], anything)
    for number in range(3):
        send(desk, {"README.md": b"%d" % number})
    monkeypatch.setattr("adapterhub.verbs.hub_commit.recent", partial(recent, most=3))
    again = [Header("t", "", None), Large("copy.dat", blob.hex, None)]
    commit(desk, POET, "dev", again, lambda _: False)
    assert paths(desk, "dev") == ["copy.dat", "w.dat"]
    with pytest.raises(WrongUsage, match="no commit of the last 1,000 names it"):
        commit(desk, POET, "main", again, lambda _: False)
