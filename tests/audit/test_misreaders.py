"""The data file of misreaders."""

import re

import pytest
from pydantic import TypeAdapter

from adapterhub.audit.features import FEATURES
from adapterhub.audit.misreaders import FILE, Engine, Misreaders, misreaders, parse_engine
from adapterhub.errors import WrongUsage

ROWS = misreaders().rows


def test_the_file_is_valid_and_read_as_it_stands():
    assert TypeAdapter(Misreaders).validate_json(FILE.read_bytes(), strict=False) == misreaders()


def test_every_row_says_which_source_was_read_and_when():
    for row in ROWS:
        assert re.search(r"[0-9a-f]{7}|\d+\.\d+\.\d+", row.source), row.source
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row.read)


def test_every_engine_has_rows_and_every_row_an_engine():
    assert {row.engine for row in ROWS} == misreaders().engines.keys()


def test_every_feature_is_misread_by_somebody():
    assert {row.feature for row in ROWS} == FEATURES.keys()


def test_versions_of_a_row_are_in_order():
    for row in ROWS:
        assert not (row.since and row.before) or not row.holds(row.before)
        assert not row.since or row.holds(row.since)


@pytest.mark.parametrize(
    ("version", "features"),
    [("0.31.0", {"rank_pattern", "modules_to_save_but_heads"}), ("0.30.0", {"rank_pattern", "modules_to_save"})],
)
def test_a_version_selects_its_rows(version, features):
    told = {row.feature for row in Engine("vllm", version).rows()}
    assert told & {"rank_pattern", "modules_to_save", "modules_to_save_but_heads"} == features


def test_a_later_version_reads_what_an_earlier_one_did_not():
    told = {row.feature for row in Engine("vllm", "0.32.0.post1").rows()}
    assert told.isdisjoint({"rank_pattern", "alpha_pattern", "rslora"})


@pytest.mark.parametrize("word", ["vlm", "vllm@new", "", "@1"])
def test_an_unknown_engine_is_refused_with_those_that_are_known(word):
    with pytest.raises(WrongUsage, match=r"no engine that is known") as refused:
        parse_engine(word)
    assert "vllm" in refused.value.hint


def test_an_engine_alone_means_every_version():
    assert parse_engine("sglang") == Engine("sglang")
