"""Manifests: one entry, one digest."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from adapterhub.digest import Digest
from adapterhub.errors import Corrupt, Refused
from adapterhub.manifest import File, Manifest, Parent
from tests.words.test_document import JSON, TEXT

HEX = st.binary(max_size=3).map(lambda data: Digest.of(data).hex)
PATHS = st.from_regex(r"[a-z0-9_]{1,6}(/[a-z0-9_]{1,6}){0,2}\.[a-z]{1,3}", fullmatch=True)
FILES = st.lists(st.builds(File, path=PATHS, size=st.integers(0, 2**63), sha256=HEX), unique_by=lambda f: f.path)
MANIFESTS = st.builds(
    Manifest,
    kind=st.sampled_from(["adapter", "model", "data"]),
    files=FILES.map(tuple),
    parents=st.lists(st.builds(Parent, digest=HEX.map("sha256:{}".format), weight=st.floats(-2, 2))).map(tuple),
    recipe=st.none() | st.dictionaries(TEXT, JSON, min_size=1, max_size=3),
)


@given(MANIFESTS)
def test_what_is_written_is_read_again_with_the_same_digest(manifest: Manifest) -> None:
    again = Manifest.read(manifest.to_bytes(), "manifest")
    assert (again, again.digest) == (manifest, manifest.digest)


@given(MANIFESTS, st.randoms())
def test_the_order_of_the_files_does_not_change_the_digest(manifest: Manifest, random: Any) -> None:
    files = list(manifest.files)
    random.shuffle(files)
    assert manifest.model_copy(update={}).digest == Manifest(**{**dict(manifest), "files": tuple(files)}).digest


@given(MANIFESTS)
def test_any_other_spelling_of_the_same_json_is_refused(manifest: Manifest) -> None:
    with pytest.raises(Corrupt, match="not in canonical form"):
        Manifest.read(json.dumps(json.loads(manifest.to_bytes()), indent=1).encode(), "manifest")


def test_fields_of_a_later_version_are_kept_and_count() -> None:
    data = b'{"kind":"data","licence":"MIT"}'
    manifest = Manifest.read(data, "manifest")
    assert manifest.to_bytes() == data
    assert manifest.digest != Manifest(kind="data").digest


def file(path: str, size: Any = 1, sha256: str = "0" * 64) -> dict[str, Any]:
    return {"path": path, "size": size, "sha256": sha256}


ESCAPES = ["", "/x", "../x", "a/../x", "a//b", "a/", ".", "./a", "C:/x", "a\\b", "a/" * 600 + "b"]
LONG = ["a" * 256, "b/" + "ä" * 128, "a" * 256 + "/b", "/".join(["a" * 205] * 5)]
UNPRINTABLE = ["a\nb", "a\0b", "a\x7fb", "\u202ea", "\ud800"]


@pytest.mark.parametrize("path", [*ESCAPES, *UNPRINTABLE, *LONG], ids=lambda path: ascii(path[:9]))
def test_a_path_that_could_leave_the_folder_is_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="file's path"):
        Manifest(kind="adapter", files=(file(path),))  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["a" * 255, "ä" * 127, "/".join(["a" * 255] * 4)], ids=len)
def test_a_path_that_every_system_can_write_is_taken(path: str) -> None:
    assert Manifest(kind="adapter", files=(file(path),)).files[0].path == path  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("paths", "why"),
    [
        (["a", "A"], "two files have the same name"),
        (["straße", "STRASSE"], "two files have the same name"),
        (["a", "a/b"], "a file and a folder have the same name: a"),
        (["X/b/c", "x/B"], "a file and a folder have the same name: x/b"),
    ],
)
def test_names_that_would_overwrite_each_other_are_refused(paths: list[str], why: str) -> None:
    with pytest.raises(Refused, match=why):
        Manifest.made(kind="adapter", files=tuple(file(path) for path in paths))


@pytest.mark.parametrize(
    "lie",
    [
        {"kind": "poem"},
        {"kind": "adapter", "files": [file("a", -1)]},
        {"kind": "adapter", "files": [file("a", "many")]},
        {"kind": "adapter", "files": [file("a", sha256="0" * 63)]},
        {"kind": "adapter", "files": [file("a", sha256="A" * 64)]},
        {"kind": "adapter", "files": {"a": 1}},
        {"kind": "adapter", "parents": [{"digest": "ada/poet"}]},
        {"kind": "adapter", "base": {"evidence": "rumour"}},
        {"kind": "adapter", "base": {"evidence": "bytes", "card": "../../settings"}},
    ],
)
def test_a_lying_manifest_is_corrupt(lie: dict[str, Any]) -> None:
    with pytest.raises(Corrupt, match=r"^manifest abc: "):
        Manifest.read(json.dumps(lie).encode(), "manifest abc")


@pytest.mark.parametrize(
    "data",
    [
        b'{"kind":"data","parents":[{"digest":"sha256:' + b"0" * 64 + b'","weight":NaN}]}',
        b'{"kind":"data","parents":[{"digest":"sha256:' + b"0" * 64 + b'","weight":1e999}]}',
        b'{"kind":"data","recipe":{"steps":' + b"9" * 5000 + b"}}",
        b'{"kind":"data","recipe":{"a":' + b'{"a":' * 5000 + b"1" + b"}" * 5002,
        b'{"kind":"data","kind":"data"}',
        b'{"kind":"data","recipe":null}',
        b'{"kind":"data","files":[]}',
    ],
)
def test_numbers_and_nesting_without_end_are_corrupt(data: bytes) -> None:
    with pytest.raises(Corrupt) as refusal:
        Manifest.read(data, "manifest")
    assert refusal.value.hint
