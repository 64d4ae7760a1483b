"""How many notes a commit may bring, how large and how young; and how large a manifest may be."""

import json
import struct
from datetime import UTC, datetime, timedelta

import pytest

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, Refused, WrongUsage
from adapterhub.formats import safetensors_header
from adapterhub.note import Note
from adapterhub.protocols.hf_hub.answers import TooLarge
from adapterhub.protocols.hf_hub.commit_lines import Header, Large
from adapterhub.protocols.hf_hub.layout import LARGEST_NOTE, MANIFEST, note_path
from adapterhub.verbs import hub_gate, hub_notes
from adapterhub.verbs.hub_commit import commit
from adapterhub.verbs.hub_refs import branch, drop_branch, tag
from tests.builders import TIME, adapter_files, entry
from tests.verbs.hub_ground import POET, as_ours, guest, labels, paths, repository, said, send

ABOUT = entry().digest


def files(*notes):
    """Notes as the files of a commit."""
    return {note_path(ABOUT, Digest.of(note.to_bytes())): note.to_bytes() for note in notes}


def note(text="", time=TIME, key="text"):
    return Note(about=str(ABOUT), kind="values", data={key: text}, time=time)


def moment(**later):
    return (datetime.now(UTC) + timedelta(**later)).isoformat(timespec="microseconds").replace("+00:00", "Z")


@pytest.fixture
def desk(tmp_path):
    """A guest at his own repository, with one version."""
    desk = guest(repository(tmp_path), "ada")
    send(desk, as_ours(entry()))
    tag(desk, POET, "1", "main")
    return desk


@pytest.mark.parametrize("time", ["in an hour", "9999-12-31T23:59:59.999999Z", "99999", "tomorrow", "20991231"])
def test_a_note_of_tomorrow_is_refused_and_nothing_moves(desk, time):
    before, time = paths(desk), moment(hours=1) if time == "in an hour" else time
    with pytest.raises(Refused, match="later than now"):
        send(desk, files(note("x", time)))
    assert (paths(desk), said(desk, ABOUT).values) == (before, {})


def test_clocks_may_differ_a_little(desk):
    send(desk, files(note("x", moment(minutes=2)), note("y", moment(minutes=-2), "other"), note("z", "", "third")))
    assert said(desk, ABOUT).values == {"text": "x", "other": "y", "third": "z"}


def test_a_note_has_at_most_a_mebibyte(desk):
    longest = note("x" * (LARGEST_NOTE - len(note().to_bytes())))
    send(desk, files(longest))
    assert said(desk, ABOUT).values == longest.data
    with pytest.raises(Corrupt, match="a note has at most"):
        send(desk, files(note(f"{longest.data['text']}x")))


def test_a_commit_brings_at_most_so_many_notes_of_so_many_bytes(desk, monkeypatch):
    monkeypatch.setattr(hub_notes, "MOST", 3)
    each = [note(str(number)) for number in range(4)]
    with pytest.raises(Refused, match="this commit has 4 notes"):
        send(desk, files(*each))
    send(desk, files(*each[:3]))
    monkeypatch.setattr(hub_notes, "MOST", 1000)
    monkeypatch.setattr(hub_notes, "ROOM", 2000)
    with pytest.raises(Refused, match="of 2000 bytes"):
        send(desk, files(note("x" * 2000)))


def test_what_is_kept_about_an_entry_is_bounded_however_many_commits_bring_it(desk, monkeypatch):
    monkeypatch.setattr(hub_notes, "MOST", 3)
    each = [note(str(number)) for number in range(4)]
    send(desk, files(*each[:2]))
    send(desk, gone=[".adapterhub/notes/"])
    send(desk, files(each[2]))
    with pytest.raises(Refused, match="has 4 notes of"):
        send(desk, files(each[3]))
    send(desk, {"README.md": b"# of other things one may go on\n"})


def test_many_versions_may_have_more_notes_together_than_one(desk, monkeypatch):
    monkeypatch.setattr(hub_notes, "MOST", 2)
    for seed in range(1, 4):
        send(desk, as_ours(entry(seed, notes=[("metrics", {"a": 0.5}), ("tags", {"add": ["x"]})])))
        tag(desk, POET, f"v{seed}", "main")
    assert len([path for path in paths(desk) if "/notes/" in path]) == 6
    assert labels(desk) == ["1", "v1", "v2", "v3"]


def test_a_card_without_room_stays_a_file(tmp_path, monkeypatch):
    desk = guest(repository(tmp_path), "ada")
    monkeypatch.setattr(hub_notes, "LARGEST_NOTE", 2000)
    assert send(desk, {**adapter_files(), "README.md": b"# " + b"x" * 3000}).version == "1"
    digest = desk.store.names.shelf(POET).versions[0].digest
    assert said(desk, digest).card == ""
    assert send(desk, {"README.md": b"# short"}).version == "1"
    assert said(desk, digest).card == "# short"


def test_a_manifest_has_a_size_that_a_manifest_has(desk, monkeypatch):
    monkeypatch.setattr(hub_gate, "LARGEST_MANIFEST", len(entry(1).manifest.to_bytes()) - 1)
    with pytest.raises(Corrupt, match=f"{MANIFEST}: .* bytes, at most"):
        send(desk, as_ours(entry(1)))


def weights(count, name="base_model.model.model.layers.{}.mlp.experts.{}.down_proj.lora_A.weight"):
    """Weights of so many tensors without a number in them."""
    row = {"dtype": "BF16", "shape": [0, 16], "data_offsets": [0, 0]}
    text = json.dumps({name.format(number // 384, number % 384): row for number in range(count)}).encode()
    return struct.pack("<Q", len(text)) + text


def test_a_huge_header_is_refused_before_it_is_read(tmp_path, monkeypatch):
    desk = guest(repository(tmp_path), "ada")
    send(desk, {"x.txt": b"1"})
    before = paths(desk)
    monkeypatch.setattr(hub_gate, "LARGEST_HEADER", 4000)
    monkeypatch.setattr(safetensors_header, "read", None)
    with pytest.raises(TooLarge, match="bytes, and at most 4000 are read"):
        send(desk, {"adapter_model.safetensors": weights(40)})
    assert (paths(desk), labels(desk)) == (before, [])


def test_an_adapter_of_a_large_mixture_of_experts_has_room(tmp_path):
    assert len(weights(100_000)) < hub_gate.LARGEST_HEADER / 2
    send(repository(tmp_path), {"some.safetensors": weights(1000)})


def test_what_no_branch_and_no_tag_reaches_any_more_is_named_by_nobody(tmp_path):
    desk, data = repository(tmp_path), adapter_files()["adapter_model.safetensors"]
    named = [Header("again", "", None), Large("copy.safetensors", Digest.of(data).hex, len(data))]
    branch(desk, POET, "dev", None)
    send(desk, {"w.safetensors": data}, branch="dev")
    commit(desk, POET, "dev", named, lambda _: False)
    drop_branch(desk, POET, "dev")
    with pytest.raises(WrongUsage, match="nobody sent"):
        commit(desk, POET, "main", named, lambda _: False)
