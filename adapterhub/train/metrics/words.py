"""How close one text is to another.

`exact_match` and `word_f1` read texts as SQuAD's evaluation does (Rajpurkar et al. 2016, https://arxiv.org/abs/1606.05250):
in small letters, without ASCII punctuation, without the articles a, an and the.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

__all__ = ["exact_match", "normal", "rouge_l", "word_f1"]

ARTICLES = re.compile(r"\b(a|an|the)\b")
PUNCTUATION = str.maketrans("", "", string.punctuation)


def normal(text: str) -> str:
    """A text as SQuAD's evaluation reads it.

    >>> normal("The  Eiffel-Tower!")
    'eiffeltower'
    """
    return " ".join(ARTICLES.sub(" ", text.lower().translate(PUNCTUATION)).split())


def exact_match(said: str, wanted: str) -> float:
    """1 if both are one text once they are `normal`, else 0."""
    return float(normal(said) == normal(wanted))


def word_f1(said: str, wanted: str) -> float:
    """2·shared/(said + wanted), in words of the `normal` texts, each as often as it stands there.

    >>> word_f1("in the tall tower", "tall tower")
    0.8
    """
    one, other = normal(said).split(), normal(wanted).split()
    return _balance(sum((Counter(one) & Counter(other)).values()), len(one), len(other))


def rouge_l(said: str, wanted: str) -> float:
    """ROUGE-L: 2·LCS/(said + wanted), LCS the longest common subsequence of words (Lin 2004, ACL W04-1013).

    Words are runs of letters and digits in small letters; nothing is stemmed.

    >>> rouge_l("the cat sat", "the black cat sat down")
    0.75
    """
    one, other = (re.findall(r"[^\W_]+", text.lower()) for text in (said, wanted))
    return _balance(_common(one, other), len(one), len(other))


def _balance(shared: int, one: int, other: int) -> float:
    """The F-measure of a precision shared/one and a recall shared/other; two empty texts agree."""
    return 2 * shared / (one + other) if one + other else 1.0


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """The length of the longest common subsequence."""
    row = [0] * (len(other) + 1)
    for word in one:
        above = row
        row = [0]
        for place, candidate in enumerate(other):
            row.append(above[place] + 1 if word == candidate else max(above[place + 1], row[-1]))
    return row[-1]
