"""Bases for people."""

import re

from adapterhub.cli.cards import print_base, print_bases, print_difference
from adapterhub.verbs.base_diff import BaseDiff, TensorDistance
from adapterhub.verbs.base_shown import BaseShown

DIGEST = "sha256:" + "0" * 64
LAYERS = tuple(f"layers.{n}.q_proj.weight" for n in range(12))


def base(**fields):
    return BaseShown(**{"name": "tiny", "card": DIGEST, "layout_digest": DIGEST, **fields})


def test_a_base_known_by_many_files_names_some(capsys):
    print_base(base(files={f"model-{n}.safetensors": f"{n:064}" for n in range(30)}, dtypes={"F32": 1, "BF16": 9}))
    out = capsys.readouterr().out
    assert out.count(".safetensors") == 4
    assert "and 26 files more" in out
    assert "in BF16, F32" in out
    assert "known by its files" in out
    assert max(map(len, out.splitlines())) <= 80


def test_a_base_that_is_gone_or_was_called_otherwise_says_so(capsys):
    there = base(source="/x/tiny", gone=True, formerly="old", weights_digest=DIGEST)
    print_base(there)
    print_bases([there, base(files={"a": "b"}), base()])
    out = capsys.readouterr().out
    assert "it lies there no more" in out
    assert "was called old here until now" in out
    assert "gone: /x/tiny" in out
    assert "by files" in out
    assert "not hashed" in out


def test_tensors_that_differ_are_folded_with_the_range_of_their_distances(capsys):
    rows = tuple(TensorDistance(tensor=name, relative=n / 100, largest=0.5) for n, name in enumerate(LAYERS, 1))
    unknown = (TensorDistance(tensor="nan.weight"),)
    print_difference(
        BaseDiff(a="one", b="two", naming="prefix model. left out", same=3, changed=(*LAYERS, "nan.weight"),
                 only_a=("lm_head.weight",), untold=("norm.weight",), distances=(*rows, *unknown), relative=0.07)
    )  # fmt: skip
    out = capsys.readouterr().out
    assert re.search(r"^layers\.0-11\.q_proj\.weight +12 +0\.01–0\.12 +0\.5$", out, re.M)
    assert re.search(r"^together +13 +0\.07$", out, re.M)
    assert "only in one  lm_head.weight" in out
    assert "no digest to compare  norm.weight" in out
    assert out.endswith("one and two share 3 tensors, under the rule: prefix model. left out\n")


def test_where_only_cards_are_there_it_is_said_what_is_missing(capsys):
    print_difference(BaseDiff(a="one", b="two", same=0, changed=("w",)))
    assert "how far they differ is told where both lie on this machine" in capsys.readouterr().err
