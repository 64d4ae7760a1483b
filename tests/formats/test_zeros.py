"""All zero, or not."""

import io

from hypothesis import given
from hypothesis import strategies as st

from adapterhub.formats.zeros import CHUNK, FIRST, all_zero


@given(st.binary(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_it_says_what_counting_says(data, start, end):
    start, end = sorted((min(start, len(data)), min(end, len(data))))
    assert all_zero(io.BytesIO(data), start, end) == (data[start:end].count(0) == end - start)


def test_the_last_byte_of_many_is_seen():
    data = bytes(FIRST + 2 * CHUNK + 5)
    assert all_zero(io.BytesIO(data), 0, len(data))
    assert not all_zero(io.BytesIO(data[:-1] + b"\x80"), 0, len(data))


def test_a_trained_factor_is_told_by_its_first_page():
    stream = io.BytesIO(b"\x01" * (1 << 20))
    assert not all_zero(stream, 0, 1 << 20)
    assert stream.tell() == FIRST


def test_bytes_that_are_not_there_are_not_zero():
    assert not all_zero(io.BytesIO(bytes(3)), 0, 4)
