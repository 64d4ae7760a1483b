"""Foreign patterns: they match what `re` matches, and cannot hang."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapterhub.formats.pattern import Unreadable, compile_pattern

PATHS = st.text("aq.0_", max_size=12)
ATOMS = st.sampled_from(["a", "q", r"\.", ".", "[a0]", "[^.]", r"\d", r"\w", r"\b", "0", "_"])
PATTERNS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda two: f"(?:{two[0]}|{two[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?"])).map(
            lambda t: f"({t[0]}){t[1]}"
        ),
    ),
    max_leaves=6,
)


@given(PATTERNS, PATHS)
def test_it_matches_what_re_matches(pattern, path):
    ours = compile_pattern(pattern)
    assert ours.fullmatch(path) == bool(re.fullmatch(pattern, path))
    assert ours.ends(path) == bool(re.match(rf"(.*\.)?({pattern})$", path))


UNSLOTH = (
    r"(?:.*?(?:language|text).*?(?:self_attn|mlp).*?(?:k_proj|v_proj|q_proj|down_proj).*?)"
    r"|(?:\bmodel\.layers\.[\d]{1,}\.(?:self_attn|mlp)\.(?:(?:k_proj|v_proj|q_proj|down_proj)))"
)


@pytest.mark.parametrize(
    "path",
    ["model.layers.11.mlp.down_proj", "language_model.layers.0.self_attn.q_proj", "vision.mlp.fc1", "model.layers"],
)
def test_the_patterns_of_real_configs_are_followed(path):
    assert compile_pattern(UNSLOTH).fullmatch(path) == bool(re.fullmatch(UNSLOTH, path))


@pytest.mark.parametrize("pattern", [r"(a+)+$", r"(a|a)*b", r"(?:.*a){30}", r"(a?){100}a{100}", r"(.*)*(.*)*(.*)*x"])
def test_what_would_hang_re_is_done_at_once(pattern):
    started = time.perf_counter()
    assert not compile_pattern(pattern).fullmatch("a" * 99 + "!")
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    ("pattern", "slow"), [("(a+)+", True), ("(a|a)*b", True), ("(a|b)*", False), (".*q_proj", False)]
)
def test_what_would_hang_others_is_told(pattern, slow):
    assert compile_pattern(pattern).slow == slow


@pytest.mark.parametrize(
    "pattern",
    [r"(a)\1", "(?=a)", "(?i)a", "a**", "a++", "*a", "(a", "a)", "[a", "[b-a]", r"a{300}", "a{3,2}", "a" * 3000,
     "(" * 60 + ")" * 60, r"\x41", "((a{99}){99}){9}", "\\"],
)  # fmt: skip
def test_what_is_not_in_the_grammar_is_unreadable(pattern):
    with pytest.raises(Unreadable):
        compile_pattern(pattern)
