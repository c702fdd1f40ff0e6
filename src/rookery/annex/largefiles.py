"""Which files belong into the annex: `annex.largefiles` as far as it can be judged without git-annex.

    anything | nothing | include=GLOB | exclude=GLOB | largerthan=SIZE | smallerthan=SIZE
    mimetype=GLOB | mimeencoding=GLOB | not TERM | (EXPRESSION) | TERM and TERM | TERM or TERM

Whatever else there is (other terms, quotes, ranges in globs, "and" beside "or"
without parentheses) is git-annex's to judge: `parse` gives None for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rookery.annex.magic import Magic

_TOKEN = re.compile(r"\s*([()]|[^\s()]+)")
_SIZE = re.compile(r"([0-9]+)([kmgt]?)(i?)b?", re.IGNORECASE)
_ODD_IN_GLOB = frozenset("[]\\{}!^'\"")


class Candidate(NamedTuple):
    """A file to be judged: its path below the top, where it is, its size."""

    path: str
    file: str
    size: int


Judge = Callable[[Candidate], bool]


class _NotUnderstood(Exception):
    """This expression is not for us."""


def parse(expression: str, magic: Magic | None) -> Judge | None:
    """Make a judge of an expression; None if git-annex has to be asked.

    Without magic (libmagic could not be loaded) nobody can judge by kind of content.
    """
    text = expression.strip()
    tokens = [found[1] for found in _TOKEN.finditer(text)]
    if not tokens or "'" in text or '"' in text:
        return None
    rest = iter([*tokens, ")"])
    try:
        judge = _group(rest, magic)
    except (_NotUnderstood, StopIteration):
        return None
    return judge if next(rest, None) is None else None


def _group(rest: Iterator[str], magic: Magic | None) -> Judge:
    """Read terms up to the closing parenthesis; all of them joined by the same word."""
    parts = [_term(rest, magic)]
    joined = ""
    while (word := next(rest)) != ")":
        if word not in ("and", "or") or joined not in ("", word):
            raise _NotUnderstood
        joined = word
        parts.append(_term(rest, magic))
    if len(parts) == 1:
        return parts[0]
    every = all if joined == "and" else any
    return lambda one: every(part(one) for part in parts)


def _term(rest: Iterator[str], magic: Magic | None) -> Judge:
    word = next(rest)
    if word == "not":
        inner = _term(rest, magic)
        return lambda one: not inner(one)
    if word == "(":
        return _group(rest, magic)
    if word in ("anything", "nothing"):
        return lambda _: word == "anything"
    name, has_value, value = word.partition("=")
    if not has_value:
        raise _NotUnderstood
    if name in ("largerthan", "smallerthan"):
        size = _size(value)
        return (lambda one: one.size > size) if name == "largerthan" else (lambda one: one.size < size)
    glob = _glob(value)
    if name in ("include", "exclude"):
        return lambda one: (glob.fullmatch(one.path) is not None) is (name == "include")
    if name in ("mimetype", "mimeencoding") and magic is not None:
        return lambda one: glob.fullmatch(_kind(magic, one, name)) is not None
    raise _NotUnderstood


def _kind(magic: Magic, one: Candidate, name: str) -> str:
    kind, encoding = magic.look(one.file)
    return kind if name == "mimetype" else encoding


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text)
    if not found or (found[3] and not found[2]):
        raise _NotUnderstood
    step = 1024 if found[3] else 1000
    factor: int = step ** (" kmgt".index(found[2].lower()) if found[2] else 0)
    return int(found[1]) * factor


def _glob(text: str) -> re.Pattern[str]:
    """Make a pattern in which a star also stands for slashes, as git-annex reads globs."""
    if not text or _ODD_IN_GLOB & set(text) or not text.isascii():
        raise _NotUnderstood
    parts = {"*": ".*", "?": "."}
    return re.compile("".join(parts.get(letter) or re.escape(letter) for letter in text), re.DOTALL)
