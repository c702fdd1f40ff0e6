"""What people write to each other, as HTML: with links for names, issues, commits and files that they speak of."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from markupsafe import Markup, escape

from rookery.hub.domain.records import Repository
from rookery.hub.services.hub import Hub
from rookery.hub.web.previews.markdown import Base, rendered

# A tag, whatever stands in its values; what is between them is text.
_TAG = re.compile(r"<(?:\"[^\"]*\"|'[^']*'|[^'\">])*>")
_NAME = re.compile(r"</?([a-zA-Z0-9]+)")
_WORD = re.compile(
    r"(?<![\w@/.&#-])(?:@(?P<name>[A-Za-z0-9](?:[A-Za-z0-9]|[._-](?=[A-Za-z0-9])){0,38})"
    r"|\#(?P<number>[1-9][0-9]{0,8})\b"
    r"|(?P<sha>(?=[0-9]*[a-f])(?=[a-f]*[0-9])[0-9a-f]{7,40})\b)"
)
_PATH = re.compile(r"[^\s/\x00-\x1f][^\x00-\x1f]{0,300}")


def prose(hub: Hub, repository: Repository, texts: Iterable[str]) -> list[Markup]:
    """Make HTML of the texts of one page; what they refer to is looked for once, for all of them."""
    home = f"/{repository.path}"
    branch = quote(repository.default_branch)
    base = Base(f"{home}/src/{branch}/", f"{home}/raw/{branch}/")
    pages = [rendered(text, base) for text in texts]
    shas, paths = set(), set()
    for page in pages:
        for inside, text in _pieces(page):
            if inside == "code" and _PATH.fullmatch(plain := html.unescape(text)):
                paths.add(plain)
            elif not inside:
                shas |= {found["sha"] for found in _WORD.finditer(text) if found["sha"]}
    known = hub.references.known(repository, sorted(shas), sorted(paths))
    return [_linked(page, repository, *known) for page in pages]


def _pieces(page: str) -> Iterator[tuple[str, str]]:
    """Yield (what it is in, text): "" for plain text, "code" for a span of code, else a word: it stays as it is."""
    open_ones: list[str] = []
    at = 0
    for tag in _TAG.finditer(page):
        yield _inside(open_ones), page[at : tag.start()]
        yield "tag", tag[0]
        at = tag.end()
        found = _NAME.match(tag[0])
        name = found[1].lower() if found else ""
        if name in ("a", "code", "pre"):
            if tag[0].startswith("</"):
                if name in open_ones:
                    open_ones.remove(name)
            else:
                open_ones.append(name)
    yield _inside(open_ones), page[at:]


def _inside(open_ones: list[str]) -> str:
    return open_ones[0] if len(open_ones) == 1 else "nested" if open_ones else ""


def _linked(page: str, repository: Repository, shas: set[str], paths: set[str]) -> Markup:
    home = f"/{repository.path}"

    def link(found: re.Match[str]) -> str:
        word = escape(found[0])
        if found["name"]:
            return Markup('<a href="/{}">{}</a>').format(found["name"], word)
        if found["number"]:
            return Markup('<a href="{}/issues/{}">{}</a>').format(home, found["number"], word)
        if found["sha"] in shas:
            return Markup('<a href="{}/commit/{}"><code>{}</code></a>').format(
                home, found["sha"], found["sha"][:10]
            )
        return word

    made = []
    for inside, text in _pieces(page):
        if not inside:
            made.append(_WORD.sub(link, text))
        elif inside == "code" and (path := html.unescape(text)) in paths:
            where = f"{home}/src/{quote(repository.default_branch)}/{quote(path)}"
            made.append(Markup('<a href="{}">{}</a>').format(where, path))
        else:
            made.append(text)
    return Markup("".join(made))  # texts were escaped when they became HTML
