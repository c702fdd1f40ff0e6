"""Which files belong into the annex: `annex.largefiles` as far as it can be judged without git-annex.

    anything | nothing | include=GLOB | exclude=GLOB | largerthan=SIZE | smallerthan=SIZE
    mimetype=GLOB | mimeencoding=GLOB | not TERM | (EXPRESSION) | TERM and TERM | TERM or TERM

Whatever else there is (other terms, quotes, ranges in globs, "and" beside "or"
without parentheses) is git-annex's to judge: `parse` gives None for it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from rookery.annex import expressions
from rookery.annex.expressions import NotUnderstood


class Candidate(NamedTuple):
    """A file to be judged: its path below the top, where it is, its size."""

    path: str
    file: str
    size: int


class Looks(Protocol):
    """What tells the kind of a file's content, as `annex.magic.Magic` does."""

    def look(self, file: str, /) -> tuple[str, str]:
        """Give type and encoding of a file."""


Judge = Callable[[Candidate], bool]


def parse(expression: str, magic: Looks | None) -> Judge | None:
    """Make a judge of an expression; None if git-annex has to be asked.

    Without magic (libmagic could not be loaded) nobody can judge by kind of content.
    """
    return expressions.parse(expression, lambda word, _: _term(word, magic))


def _term(word: str, magic: Looks | None) -> Judge:
    name, has_value, value = word.partition("=")
    if not has_value:
        raise NotUnderstood
    if name in ("largerthan", "smallerthan"):
        size = expressions.size(value)
        return (lambda one: one.size > size) if name == "largerthan" else (lambda one: one.size < size)
    glob = expressions.glob(value)
    if name in ("include", "exclude"):
        return lambda one: (glob.fullmatch(one.path) is not None) is (name == "include")
    if name in ("mimetype", "mimeencoding") and magic is not None:
        return lambda one: glob.fullmatch(_kind(magic, one, name)) is not None
    raise NotUnderstood


def _kind(magic: Looks, one: Candidate, name: str) -> str:
    kind, encoding = magic.look(one.file)
    return kind if name == "mimetype" else encoding
