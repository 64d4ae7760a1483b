"""The grammar of expressions: a weighted sum of adapters.

expression := [ "-" ] term { ( "+" | "-" ) term }       + and - stand between spaces
term       := ( reference | folder ) [ "*" weight ]     without a weight: 1
weight     := a number (see number)

ada/sql@1*0.7 + ada/chat*0.3 - ada/rude*0.2
"""

from dataclasses import dataclass
from pathlib import Path

from adapterhub.errors import BadReference
from adapterhub.number import number
from adapterhub.reference import Reference, folder_or_reference

__all__ = ["Expression", "Term", "parse"]

HINT = (
    "write terms between spaces: ada/sql@1*0.7 + ada/chat*0.3 - ada/rude*0.2; "
    "each is namespace/name[@pin][*weight] or a ./folder"
)


@dataclass(frozen=True)
class Term:
    """One adapter and its weight."""

    operand: Reference | Path
    weight: float = 1.0

    @property
    def word(self) -> str:
        """The operand as it is typed: a folder begins so that it is known as one."""
        name = str(self.operand)
        return f"./{name}" if isinstance(self.operand, Path) and not name.startswith(("/", "~", "../")) else name

    def __str__(self) -> str:
        return self.word if self.weight == 1.0 and "*" not in self.word else f"{self.word}*{self.weight!r}"


@dataclass(frozen=True)
class Expression:
    """A weighted sum; the order of its terms is kept."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " + ".join(map(str, self.terms))


def parse(text: str) -> Expression:
    """Read an expression.

    >>> str(parse("ada/sql@1*0.7 - ada/rude*0.2"))
    'ada/sql@1*0.7 + ada/rude*-0.2'
    """
    words = text.split()
    if stuck := next((word for word in words if word[0] in "+-" and len(word) > 1), None):
        raise BadReference(
            f"cannot read the expression {text!r}: no space after the {stuck[0]!r} of {stuck!r}",
            hint=f"write '{stuck[0]} {stuck[1:]}': + and - stand between spaces",
        )
    sign = -1.0 if words[:1] == ["-"] else 1.0
    words = words[1:] if sign < 0 else words
    if not words:
        raise BadReference(f"the expression {text!r} names no adapter", hint=HINT)
    terms = [_term(words[0], sign, text)]
    for operator, word in zip(words[1::2], words[2::2], strict=False):
        if operator not in ("+", "-"):
            raise BadReference(f"cannot read the expression {text!r}: {operator!r} is not + or -", hint=HINT)
        terms.append(_term(word, -1.0 if operator == "-" else 1.0, text))
    if len(words) % 2 == 0:
        raise BadReference(f"cannot read the expression {text!r}: nothing follows {words[-1]!r}", hint=HINT)
    return Expression(tuple(terms))


def _term(word: str, sign: float, text: str) -> Term:
    operand, star, weight = word.rpartition("*")
    if number(operand) is not None:
        raise BadReference(
            f"cannot read the expression {text!r}: a weight stands behind its adapter, not as in {word!r}",
            hint=f"write {weight}*{operand}",
        )
    if not star:
        return Term(_operand(word), sign)
    return Term(_operand(operand), sign * _weight(weight, text))


def _operand(word: str) -> Reference | Path:
    try:
        return folder_or_reference(word)
    except BadReference as error:
        raise BadReference(str(error), hint=HINT) from None


def _weight(word: str, text: str) -> float:
    weight = number(word)
    if weight is None:
        raise BadReference(f"cannot read the expression {text!r}: a weight is a finite number, got {word!r}", hint=HINT)
    return float(weight)
