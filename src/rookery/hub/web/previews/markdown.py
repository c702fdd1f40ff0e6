"""Markdown as HTML that runs nothing and loads nothing from elsewhere.

Whatever Markdown and the HTML in it become goes through a list of what is
allowed (nh3); addresses are rewritten there, so that no way of writing one gets
around it.  Relative addresses lead to the repository's own pages and bytes.  A
link may lead to another site, a picture may not come from one.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict
from markupsafe import Markup

from rookery.hub.web.previews.highlight import CLASSES, by_language

# What a page's own elements are called must not be called so by somebody's text.
ANCHOR = "at-"

_TAGS = frozenset((
    "a", "abbr", "b", "blockquote", "br", "caption", "cite", "code", "dd", "del", "details", "div", "dl", "dt", "em",
    "figcaption", "figure", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "kbd", "li", "mark", "ol", "p",
    "pre", "q", "s", "samp", "small", "span", "strong", "sub", "summary", "sup", "table", "tbody", "td", "tfoot", "th",
    "thead", "tr", "u", "ul", "var",
))  # fmt: skip
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_ATTRIBUTES = {
    "*": {"title"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "span": {"class"},
    "div": {"class", "tabindex"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    **{heading: {"id"} for heading in _HEADINGS},
}
_SCHEMES = {"http", "https", "mailto"}
_TASK = re.compile(r"\[([ xX])\] ")


class Base(NamedTuple):
    """Where a text's relative addresses lead: to pages, or (pictures) to bytes; `folder` is the text's own."""

    pages: str  # begins and ends with a slash
    bytes: str
    folder: str = ""


def rendered(text: str, base: Base) -> Markup:
    """Make HTML of Markdown (CommonMark, with tables, struck-out text and lists of tasks)."""
    html = _parser().render(text)
    return Markup(
        nh3.clean(
            html,
            tags=set(_TAGS),
            attributes=_ATTRIBUTES,
            attribute_filter=_filter(base),
            url_schemes=_SCHEMES,
            link_rel="nofollow noopener noreferrer",
        )
    )


def address(url: str, base: Base, *, picture: bool) -> str | None:
    """Say where an address in a text leads; None if nowhere."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return None
    if parts.scheme or parts.netloc or url.strip().startswith(("//", "\\")):
        return url if parts.scheme in _SCHEMES and not picture else None
    place = f"#{ANCHOR}{quote(unquote(parts.fragment))}" if parts.fragment else ""
    if not parts.path:
        return place or None
    path = unquote(parts.path)
    inside = path.lstrip("/") if path.startswith("/") else posixpath.join(base.folder, path)
    tidy = posixpath.normpath(inside)
    if tidy.startswith("..") or "\0" in tidy:
        return None
    return f"{base.bytes if picture else base.pages}{quote('' if tidy == '.' else tidy)}{place}"


def _filter(base: Base) -> Callable[[str, str, str], str | None]:
    def decide(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "href":
            return address(value, base, picture=False)
        if attribute == "src":
            return address(value, base, picture=True)
        if attribute == "id":
            return ANCHOR + value.removeprefix(ANCHOR)
        if attribute == "class":
            allowed = {"scroll"} if tag == "div" else CLASSES
            return " ".join(word for word in value.split() if word in allowed) or None
        if attribute == "tabindex":
            return value if value == "0" else None
        return value

    return decide


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"highlight": lambda code, language, _: str(by_language(code, language))})
    made.enable(["table", "strikethrough"])
    made.core.ruler.push("headings", lambda state: _headings(state.tokens))
    made.core.ruler.push("tasks", lambda state: _tasks(state.tokens))
    made.add_render_rule("table_open", _table_open)
    made.add_render_rule("table_close", _table_close)
    return made


def _headings(tokens: Sequence[Token]) -> None:
    """Give headings an address, and put them below the page's own, the highest one right below it."""
    used: dict[str, int] = {}
    levels = [int(token.tag[1:]) for token in tokens if token.type == "heading_open"]
    deeper = 2 - min(levels, default=1)
    for token, inline in pairwise(tokens):
        if token.type == "heading_open":
            words = re.sub(r"[^\w\- ]", "", inline.content.lower()).strip().replace(" ", "-")
            count = used[words] = used.get(words, -1) + 1
            token.attrSet("id", f"{words}-{count}" if count else words)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1:]) + deeper)}"


def _tasks(tokens: Sequence[Token]) -> None:
    for item, paragraph, inline in zip(tokens, tokens[1:], tokens[2:], strict=False):
        if item.type != "list_item_open" or paragraph.type != "paragraph_open" or not inline.children:
            continue
        first = inline.children[0]
        if found := _TASK.match(first.content) if first.type == "text" else None:
            first.content = ("☐ " if found[1] == " " else "☑ ") + first.content[found.end() :]


def _table_open(
    _renderer: RendererHTML, _tokens: Sequence[Token], _at: int, _options: OptionsDict, _env: EnvType
) -> str:
    return '<div class="scroll" tabindex="0"><table>\n'


def _table_close(
    _renderer: RendererHTML, _tokens: Sequence[Token], _at: int, _options: OptionsDict, _env: EnvType
) -> str:
    return "</table></div>\n"
