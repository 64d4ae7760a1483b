"""A hash is spelled as its four numbers are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.errors import BadReference
from adapterhub.protocols.xet.hashes import check_hash, spelled
from tests.protocols.xet.making import GOLDEN_NAME, GOLDEN_SHARD, turned


def test_a_hash_is_spelled_as_the_client_spells_it_in_its_requests() -> None:
    assert spelled(GOLDEN_SHARD[96:128]) == GOLDEN_NAME


@given(st.binary(min_size=32, max_size=32))
def test_spelling_turns_each_number_round_and_back(raw: bytes) -> None:
    assert turned(spelled(raw)) == raw
    assert check_hash(spelled(raw)) == spelled(raw)


@pytest.mark.parametrize("text", ["", "0" * 63, "0" * 65, "A" * 64, "../" + "0" * 61, "0" * 63 + "\n", "0" * 64 + "\n"])
def test_what_is_no_hash_is_refused(text: str) -> None:
    with pytest.raises(BadReference):
        check_hash(text)
