"""Resized vocabularies: which side, by how much, and whether it may only be padding."""

import pytest

from adapterhub.audit.fit import fit
from tests.audit.builders import LAYERS, adapter, card

EMBED, HEAD = "model.embed_tokens", "lm_head"


def base(rows):
    return card({**LAYERS, EMBED: (rows, 5), HEAD: (rows, 5)})


def told(one, rows):
    return [found for found in fit(one, base(rows)).findings if found.check == "vocabulary"]


def test_factors_of_another_vocabulary_do_not_fit_and_say_by_how_much():
    (found,) = told(adapter({**LAYERS, EMBED: (32016, 5), HEAD: (32016, 5)}), 32000)
    assert (found.severity, found.place) == ("error", "model.embed_tokens, lm_head")
    assert found.message == "the adapter has 32016 rows, one a token: 16 more than the 32000 of tiny"
    assert "resize_token_embeddings(32016)" in found.remedy


@pytest.mark.parametrize(
    ("mine", "theirs", "says"),
    [
        (
            50257,
            50304,
            "47 fewer than the 50304 of tiny; 50304 is 50257 rounded up to a multiple of 64, so this",
        ),
        (
            50304,
            50257,
            "47 more than the 50257 of tiny; 50304 is 50257 rounded up to a multiple of 64, so the",
        ),
        (100, 107, "7 fewer than the 107 of tiny"),
    ],
)
def test_what_may_be_padding_is_called_so(mine, theirs, says):
    (found,) = told(adapter({**LAYERS, EMBED: (mine, 5)}), theirs)
    assert says in found.message
    assert ("rounded" in found.message) == ("rounded" in says)


def test_a_whole_embedding_with_more_tokens_wants_the_base_resized():
    one = adapter(saved={f"{EMBED}.weight": (12, 5), f"{HEAD}.weight": (12, 5)})
    report = fit(one, base(9))
    assert [(found.check, found.severity) for found in report.findings] == [("vocabulary", "warning")]
    assert report.verdict == "unpinned"


def test_another_width_is_no_vocabulary():
    checks = {found.check for found in fit(adapter({**LAYERS, EMBED: (12, 7)}), base(9)).findings}
    assert checks == {"shape"}


def test_a_trained_token_must_have_a_row():
    (found,) = told(adapter(tokens={EMBED: (3, 9)}), 9)
    assert found.severity == "error"
    assert "trains row 9, and tiny has 9 rows" in found.message
    assert told(adapter(tokens={EMBED: (3, 8)}), 9) == []
