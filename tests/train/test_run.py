"""The folder of a run forgives whatever stands in it."""

import json

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt
from adapterhub.train.run import Known, Outcome, RunFolder

KNOWN = Known(
    asked={"name": "ada/topic"},
    identity={"base": None},
    micro_batch=8,
    published=str(Digest.of(b"")),
    reference="ada/topic@1",
    ended=Outcome(steps=3, best_step=2, validation={"loss": 0.5}, sync_gap=0.0),
)


@pytest.fixture
def run(tmp_path):
    return RunFolder.of(tmp_path, {"name": "ada/topic"})


def test_what_is_written_is_read_again(run):
    assert run.read() == Known()
    run.write(KNOWN)
    assert run.read() == KNOWN


@pytest.mark.parametrize(
    "fields",
    [
        {"published": 5}, {"published": "x"}, {"ended": 5}, {"ended": {"steps": "many"}}, {"micro_batch": 0},
        {"micro_batch": "all"}, {"identity": []}, {"rung": {"lr": None}}, {"metric": 3}, {"asked": float("nan")},
    ],
)  # fmt: skip
def test_a_document_that_is_none_of_ours_is_as_good_as_none(run, fields):
    run.write(KNOWN)
    run.document.write_text(json.dumps(KNOWN.plain() | fields))
    assert run.read() == Known()


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"{", b"\xff\x00", b"[" * 100_000])
def test_neither_is_what_is_no_document_at_all(run, content):
    run.write(KNOWN)
    run.document.write_bytes(content)
    assert run.read() == Known()


@pytest.mark.parametrize("name", ["state", "document", "log"])
def test_a_folder_in_place_of_a_file_is_told_and_goes_when_it_begins_again(run, name):
    run.write(KNOWN)
    run.insist_on_files()
    path = getattr(run, name)
    path.unlink(missing_ok=True)
    (path / "inside").mkdir(parents=True)
    with pytest.raises(Corrupt, match=rf"{path.name}: got a folder, wanted a file") as refusal:
        run.insist_on_files()
    assert "--restart" in refusal.value.hint
    run.forget()
    assert not path.exists()
    run.insist_on_files()


def test_another_folder_that_is_linked_to_stays(run, tmp_path):
    run.write(KNOWN)
    other = tmp_path / "other"
    other.mkdir()
    run.log.symlink_to(other)
    run.forget()
    assert other.exists()
    assert not run.log.is_symlink()


def test_what_a_killed_process_was_writing_is_tidied_away(run):
    run.tidy()
    run.write(KNOWN)
    (run.path / ".0123456789abcdef.tmp").write_bytes(b"half a state")
    run.tidy()
    assert [path.name for path in run.path.iterdir()] == ["run.json"]
    assert run.read() == KNOWN
