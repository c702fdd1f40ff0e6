"""What people say to each other about a repository, as values.  Times are seconds since 1970."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from rookery.hub.domain.errors import BadName
from rookery.hub.domain.names import OwnerName

MOST_TEXT = 65_000
MOST_TITLE = 255

# A name in a text, as people write it to somebody; not within an address or a word.
_MENTION = re.compile(r"(?<![\w@/.`-])@([A-Za-z0-9](?:[A-Za-z0-9]|[._-](?=[A-Za-z0-9])){0,38})")
# So many people are told of one text; who writes more names is not heard.
MOST_MENTIONS = 20

_COLOR = re.compile(r"[0-9a-f]{6}")


class Remark(StrEnum):
    """What a line of a discussion is: said by somebody, or a note of what was done."""

    COMMENT = "comment"
    CLOSED = "closed"
    REOPENED = "reopened"
    RENAMED = "renamed"
    LABELED = "labeled"
    PUSHED = "pushed"
    MERGED = "merged"
    REFERENCED = "referenced"


class Issue(NamedTuple):
    """An issue, or what a pull request has of one; `number` counts both, in each repository from 1."""

    id: int
    repository: int
    number: int
    author: OwnerName
    author_id: int
    title: str
    body: str
    is_pull: bool
    open: bool
    comments: int
    created: float
    updated: float
    closed: float | None


class Pull(NamedTuple):
    """What is proposed: commits up to `head` of a source, for a branch of the repository of its issue.

    `base` is where the two histories parted.  `source` is None once that repository is gone;
    `merged` is the commit with which it came in.
    """

    issue: int
    source: int | None
    source_name: str
    source_branch: str
    target_branch: str
    head: str
    base: str
    merged: str | None
    merged_at: float | None
    merged_by: OwnerName | None


class Comment(NamedTuple):
    """A line of a discussion."""

    id: int
    issue: int
    author: OwnerName
    author_id: int
    kind: Remark
    body: str
    created: float
    updated: float


class Label(NamedTuple):
    """A label of a repository; `color` in six hexadecimal digits."""

    id: int
    repository: int
    name: str
    color: str
    description: str


class Reason(StrEnum):
    """Why somebody is told of an issue."""

    MENTION = "mention"
    TAKES_PART = "participating"
    OWNS = "owner"


class Notice(NamedTuple):
    """Somebody's reminder of an issue or pull request."""

    id: int
    account: int
    issue: Issue
    reason: Reason
    unread: bool
    updated: float


class Activity(NamedTuple):
    """Something that happened in a repository; `link` is the rest of an address below the repository's page."""

    id: int
    actor: str
    action: str
    detail: str
    link: str
    at: float


def title_of(text: str) -> str:
    """Read a title.  Raises BadName."""
    line = " ".join(text.split())
    if not 0 < len(line) <= MOST_TITLE or not line.isprintable():
        raise BadName(f"a title is one line of 1 to {MOST_TITLE} characters")
    return line


def text_of(text: str, *, may_be_empty: bool = True) -> str:
    """Read what somebody wrote; line breaks become plain ones.  Raises BadName."""
    plain = text.replace("\r\n", "\n").replace("\0", "").strip("\n")
    if len(plain) > MOST_TEXT:
        raise BadName(
            f"a text has at most {MOST_TEXT} characters", hints=["attach files by adding them to the dataset"]
        )
    if not plain.strip() and not may_be_empty:
        raise BadName("there is nothing in it")
    return plain


def color_of(text: str) -> str:
    """Read a colour, with or without # before it.  Raises BadName."""
    color = text.strip().lower().removeprefix("#")
    if not _COLOR.fullmatch(color):
        raise BadName(f"{text[:20]!r} is not a colour: six hexadecimal digits, such as #3366aa")
    return color


def mentions(text: str) -> list[str]:
    """Give the names that a text mentions, each once, not those in code."""
    without_code = re.sub(r"```.*?```|`[^`\n]*`", " ", text, flags=re.DOTALL)
    return list(dict.fromkeys(_MENTION.findall(without_code)))[:MOST_MENTIONS]
