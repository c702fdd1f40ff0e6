"""Code in colours: Pygments says what each word is, the style sheet which colour that has."""

from __future__ import annotations

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexer import Lexer
from pygments.lexers import find_lexer_class_by_name, find_lexer_class_for_filename
from pygments.token import STANDARD_TYPES
from pygments.util import ClassNotFound

# The short names of classes that Pygments gives.
CLASSES = frozenset(name for name in STANDARD_TYPES.values() if name)

# Longer texts are shown in one colour: lexers are regular expressions, some of them slow.
MOST = 200_000
_LONGEST_LINE = 5_000


def by_name(text: str, name: str) -> Markup:
    """Give a file's text as HTML, in colours where its name tells a language."""
    return _coloured(text, find_lexer_class_for_filename(name.lower()))


def by_language(text: str, language: str) -> Markup:
    """Give a piece of code in a language that somebody named; one that is not known gets no colours."""
    try:
        found = find_lexer_class_by_name(language) if language else None
    except ClassNotFound:
        found = None
    return _coloured(text, found)


def _coloured(text: str, kind: type[Lexer] | None) -> Markup:
    if kind is None or len(text) > MOST or any(len(line) > _LONGEST_LINE for line in text.split("\n")):
        return escape(text)
    lexer = kind(stripnl=False, ensurenl=False)
    return Markup(highlight(text, lexer, HtmlFormatter(nowrap=True)))  # escaped by Pygments


def numbered(html: Markup) -> Markup:
    """Put each line into an element of its own, with its number as an address (`#L12`)."""
    lines = str(html).removesuffix("\n").split("\n")
    parts = [f'<span class="line" id="L{number}">{line}\n</span>' for number, line in enumerate(lines, 1)]
    return Markup("".join(parts))  # what was HTML before, and numbers
