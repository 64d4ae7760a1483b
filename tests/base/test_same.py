"""Two bases that are known to be the same."""

import pytest

from adapterhub.base.card import Card
from adapterhub.base.row import TensorRow
from adapterhub.base.same import is_copy, known_same, same_bytes, same_files
from adapterhub.manifest import BasePin

LAYOUT = "sha256:" + "0" * 64
ONE, TWO = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def card(**fields):
    return Card(**{"layout_digest": LAYOUT, **fields})


def test_files_are_the_same_whatever_they_are_called():
    one = card(files={"a": "1", "b": "2"})
    assert same_files(one, card(files={"x": "2", "y": "1"}))
    for other in ({}, {"a": "1"}, {"a": "1", "b": "3"}):
        assert not same_files(one, card(files=other))
    assert not same_files(card(), card())
    assert not same_files(one, card(files=one.files, layout_digest=ONE))


@pytest.mark.parametrize(
    ("pin", "recorded", "base", "same"),
    [
        ({"evidence": "bytes", "weights_digest": ONE}, None, {"weights_digest": ONE}, True),
        ({"evidence": "bytes", "weights_digest": ONE}, None, {"weights_digest": TWO}, False),
        ({"evidence": "bytes"}, None, {}, False),
        ({"evidence": "files"}, {"files": {"a": "1"}}, {"files": {"b": "1"}}, True),
        ({"evidence": "files"}, {"files": {"a": "1"}}, {"files": {"a": "2"}}, False),
        ({"evidence": "revision", "source": "hf:o/n", "revision": "c1"}, None, {"source": "hf:o/n@c1"}, True),
        ({"evidence": "revision", "source": "hf:o/n", "revision": "c1"}, None, {"source": "hf:o/n@c2"}, False),
        ({"evidence": "revision", "source": "hf:o/n", "revision": "c1"}, None, {"source": "hf:o/n"}, False),
        ({"evidence": "revision", "source": "hf:o/n#u", "revision": "c1"}, None, {"source": "hf:o/n@c1#u"}, True),
        ({"evidence": "revision", "source": "hf:o/n#u", "revision": "c1"}, None, {"source": "hf:o/n@c1"}, False),
        ({"evidence": "name", "source": "hf:o/n"}, None, {"source": "./x"}, False),
    ],
)
def test_a_pin_tells_its_base_by_digest_by_files_or_by_commit(pin, recorded, base, same):
    then = card(**recorded) if recorded else None
    assert known_same(BasePin(**pin), then, card(**base)) is same


def row(dtype="F32", sha256="1", **fields):
    return TensorRow(name="q", dtype=dtype, sha256=sha256, **fields)


def test_tensors_are_the_same_by_type_shape_and_bytes():
    assert same_bytes(row(), row())
    for other in (row("BF16"), row(sha256="2"), row(shape=(1,))):
        assert not same_bytes(row(), other)


def test_what_has_no_digest_is_not_known_to_be_the_same():
    assert not same_bytes(row(sha256=None), row(sha256=None))
    assert not is_copy(row(sha256=None), row("BF16", None))


def test_a_copy_is_one_in_bf16_of_another_type():
    assert is_copy(row(bf16="2"), row("BF16", "2"))
    assert is_copy(row("BF16", "2"), row("F16", "3", bf16="2"))
    assert not is_copy(row(bf16="2"), row("F16", "3", bf16="2"))
    assert not is_copy(row("BF16", "2"), row("BF16", "2"))
