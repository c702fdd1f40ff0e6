"""How pages are made from templates: what templates know besides what a page gives them."""

from __future__ import annotations

import functools
import json
import re
import time
import zlib
from pathlib import Path
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from rookery.core.process import encode
from rookery.core.sizes import exact, natural
from rookery.git.commits import Commit
from rookery.git.runrecords import words_of
from rookery.hub.domain.access import Level, Visibility

HERE = Path(__file__).parent
ICONS = HERE / "icons"

# So many colours in the style sheet have a name `hue-N`.
_HUES = 6

_LONGEST_JSON = 4000


@functools.cache
def icon(name: str, label: str = "") -> Markup:
    """Give one of the icons in `icons/`, drawn in the colour of the text around it.

    Without a label it says nothing to a screen reader: a word stands beside it.
    """
    drawn = (ICONS / f"{name}.svg").read_text("utf-8").strip()
    said = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup(drawn.replace("<svg ", f'<svg class="icon" {said} ', 1))  # ours, from the package


def hue(name: str) -> int:
    """Give the number of the colour that stands for somebody's name, always the same."""
    return zlib.crc32(name.encode("utf-8", "surrogateescape")) % _HUES


def initials(name: str) -> str:
    """Give the first letters of a name's first two words; of a single word its first."""
    words = [word for word in re.split(r"[\W_]+", name) if word]
    return "".join(word[0] for word in words[:2]).upper()


def moment(seconds: float | str, form: str = "%Y-%m-%d %H:%M") -> str:
    """Write a time in UTC; Git's form, SECONDS ZONE, is understood."""
    number = float(str(seconds).partition(" ")[0])
    return time.strftime(form, time.gmtime(number))


def address(path: str) -> str:
    """Write a path (of a file, a branch) as part of an address; bytes that are no letters stay what they are."""
    return quote(encode(path), safe="/")


def shown_name(path: str) -> str:
    """Write a file's name for people: what is no letter, or changes how others read, stands as its code."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in path)


def plain_json(value: object) -> str:
    """Write a value as JSON for people to read; what is long is cut."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONGEST_JSON else f"{text[:_LONGEST_JSON]} …"


def said(commit: Commit) -> str:
    """Give what a person said of a commit, on one line; of a run, without its record's marks."""
    return (words_of(commit.message).partition("\n")[0] or commit.subject or "(no message)")[:200]


def counted(number: int, word: str, plural: str = "") -> str:
    """Write a number of things: 1 file, 2 files, 12,345 files."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def environment() -> jinja2.Environment:
    """Make what renders the templates: all that is put into them is escaped, and what is missing is an error."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        size=natural,
        exact=exact,
        moment=moment,
        counted=counted,
        hue=hue,
        initials=initials,
        said=said,
        address=address,
        named=shown_name,
        tojson_plain=plain_json,
    )
    made.globals.update(
        icon=icon, visibilities=list(Visibility), levels=[Level.READ, Level.WRITE, Level.ADMIN]
    )
    return made
