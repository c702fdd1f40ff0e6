"""The grammar of git-annex's expressions about files: terms joined by `and`, `or`, `not` and parentheses.

What the terms mean is the caller's to say.  Quotes, ranges in globs, and `and`
beside `or` without parentheses are git-annex's to judge: `parse` gives None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeVar

Subject = TypeVar("Subject")
Judge = Callable[[Subject], bool]

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
_SIZE = re.compile(r"([0-9]+)([kmgt]?)(i?)b?", re.IGNORECASE)
_ODD_IN_GLOB = frozenset("[]\\{}!^'\"")


class NotUnderstood(Exception):
    """This expression is not for us."""


def parse(
    expression: str, term: Callable[[str, bool], Judge[Subject]], *, negated: bool = False
) -> Judge[Subject] | None:
    """Make a judge of an expression; None if git-annex has to be asked.

    `term` reads one term, told whether it is inside of a `not`, and raises
    NotUnderstood for one that it does not know.
    """
    text = expression.strip()
    tokens = [found[1] for found in _TOKEN.finditer(text)]
    if not tokens or "'" in text or '"' in text:
        return None
    rest = iter([*tokens, ")"])
    try:
        judge = _group(rest, term, negated)
    except (NotUnderstood, StopIteration):
        return None
    return judge if next(rest, None) is None else None


def _group(rest: Iterator[str], term: Callable[[str, bool], Judge[Subject]], negated: bool) -> Judge[Subject]:
    """Read terms up to the closing parenthesis; all of them joined by the same word."""
    parts = [_term(rest, term, negated)]
    joined = ""
    while (word := next(rest)) != ")":
        if word not in ("and", "or") or joined not in ("", word):
            raise NotUnderstood
        joined = word
        parts.append(_term(rest, term, negated))
    if len(parts) == 1:
        return parts[0]
    every = all if joined == "and" else any
    return lambda one: every(part(one) for part in parts)


def _term(rest: Iterator[str], term: Callable[[str, bool], Judge[Subject]], negated: bool) -> Judge[Subject]:
    word = next(rest)
    if word == "not":
        inner = _term(rest, term, True)
        return lambda one: not inner(one)
    if word == "(":
        return _group(rest, term, negated)
    if word in ("anything", "nothing"):
        return lambda _: word == "anything"
    return term(word, negated)


def size(text: str) -> int:
    """Read a number of bytes with its unit.  Raises NotUnderstood."""
    found = _SIZE.fullmatch(text)
    if not found or (found[3] and not found[2]):
        raise NotUnderstood
    step = 1024 if found[3] else 1000
    factor: int = step ** (" kmgt".index(found[2].lower()) if found[2] else 0)
    return int(found[1]) * factor


def glob(text: str) -> re.Pattern[str]:
    """Make a pattern in which a star also stands for slashes, as git-annex reads globs.  Raises NotUnderstood."""
    if not text or _ODD_IN_GLOB & set(text) or not text.isascii():
        raise NotUnderstood
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(letter) or re.escape(letter) for letter in text), re.DOTALL)
