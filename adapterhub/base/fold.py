"""Lists of module names as people read them: `layers.0-31.self_attn.q_proj` instead of thirty-two lines."""

from collections.abc import Callable, Iterable

__all__ = ["brief", "briefed", "fold", "folded", "sentence"]

Line = tuple[list[str], int]
"""The words of a folded name, and how many names it stands for."""


def fold(names: Iterable[str]) -> list[str]:
    """The names in order of first appearance, those that differ only in their first number folded into one.

    >>> fold(["h.0.attn", "h.1.attn", "lm_head", "h.3.attn", "h.1.mlp"])
    ['h.0-1,3.attn', 'lm_head', 'h.1.mlp']
    """
    return list(folded(names))


def folded(names: Iterable[str]) -> dict[str, list[str]]:
    """The folded names, each with those it stands for.

    >>> folded(["h.0.attn", "h.1.attn", "lm_head"])
    {'h.0-1.attn': ['h.0.attn', 'h.1.attn'], 'lm_head': ['lm_head']}
    """
    groups: dict[tuple[str, str | None], dict[int, str]] = {}
    for name in names:
        head, number, tail = _split(name)
        groups.setdefault((head, tail), {})[number] = name
    return {
        head if tail is None else head + _ranges(set(each)) + tail: list(each.values())
        for (head, tail), each in groups.items()
    }


def brief(names: Iterable[str]) -> list[str]:
    """The names with all their numbers folded, and last words that are alike in braces.

    >>> brief(f"h.{layer}.{leaf}_proj" for layer in range(4) for leaf in "qv")
    ['h.0-3.{q,v}_proj']
    >>> brief(f"h.{layer}.experts.{n}.w1" for layer in range(2) for n in range(8))
    ['h.0-1.experts.0-7.w1']
    """
    return list(briefed(names))


def briefed(names: Iterable[str]) -> dict[str, int]:
    """The same, each with how many names it stands for.

    >>> briefed(["h.0.attn", "h.1.attn", "lm_head"])
    {'h.0-1.attn': 2, 'lm_head': 1}
    """
    lines = [(name.split("."), 1) for name in dict.fromkeys(names)]
    deepest = max((len(words) for words, _ in lines), default=0)
    for place in range(deepest):
        lines = _joined(lines, place, _has_number(place), lambda words: _ranges(set(map(int, words))))
    for place in range(1, deepest):
        lines = _joined(lines, place, _ends_in_word(place), _braces)
    return {".".join(words): count for words, count in lines}


def _has_number(place: int) -> Callable[[list[str]], bool]:
    return lambda words: place < len(words) and _is_number(words[place])


def _ends_in_word(place: int) -> Callable[[list[str]], bool]:
    return lambda words: place == len(words) - 1 and not words[place][:1].isdigit()


def _joined(
    lines: list[Line], place: int, takes: Callable[[list[str]], bool], join: Callable[[list[str]], str]
) -> list[Line]:
    """Lines that differ in one word alone as one; what is joined stands where its first line stood."""
    groups: dict[tuple[str, ...], list[Line]] = {}
    for line in lines:
        words = line[0]
        key = (*words[:place], "\0", *words[place + 1 :]) if takes(words) else tuple(words)
        groups.setdefault(key, []).append(line)
    return [_one(each, place, join) if len(each) > 1 else each[0] for each in groups.values()]


def _one(lines: list[Line], place: int, join: Callable[[list[str]], str]) -> Line:
    words = lines[0][0]
    joined = join([words[place] for words, _ in lines])
    return [*words[:place], joined, *words[place + 1 :]], sum(count for _, count in lines)


def _is_number(word: str) -> bool:
    # "07" is no number here: folded into 7 it could not be told from it.
    return word.isascii() and word.isdigit() and len(word) < 10 and word == str(int(word))


def _braces(words: list[str]) -> str:
    """What several words have in common, up to an underscore, and in braces what they have not.

    >>> _braces(["q_proj", "v_proj"]), _braces(["query", "value"]), _braces(["c_attn", "c_proj"])
    ('{q,v}_proj', '{query,value}', 'c_{attn,proj}')
    """
    pieces = [word.split("_") for word in words]
    room = min(map(len, pieces)) - 1
    head = _alike(pieces, room)
    tail = _alike([each[::-1] for each in pieces], room - head)
    before = "".join(f"{piece}_" for piece in pieces[0][:head])
    after = "".join(f"_{piece}" for piece in pieces[0][len(pieces[0]) - tail :])
    return f"{before}{{{','.join('_'.join(each[head : len(each) - tail]) for each in pieces)}}}{after}"


def _alike(pieces: list[list[str]], most: int) -> int:
    """With how many of the same pieces all begin, `most` at the most."""
    return next((n for n in range(most) if len({each[n] for each in pieces}) > 1), most)


def sentence(names: Iterable[str], limit: int = 6) -> str:
    """The folded names as one phrase, cut after `limit` of them.

    >>> sentence(["h.0.attn", "h.1.attn"])
    'h.0-1.attn'
    """
    lines = fold(names)
    more = f" and {len(lines) - limit} more" if len(lines) > limit else ""
    return ", ".join(lines[:limit]) + more


def _split(name: str) -> tuple[str, int, str | None]:
    parts = name.split(".")
    for place, part in enumerate(parts):
        if _is_number(part):
            return "".join(f"{p}." for p in parts[:place]), int(part), "".join(f".{p}" for p in parts[place + 1 :])
    return name, 0, None


def _ranges(numbers: set[int]) -> str:
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and runs[-1][1] == number - 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(a) if a == b else f"{a}-{b}" for a, b in runs)
