"""The text of `refs`: what a deposit holds, one ref on a line, and its HEAD on the last.

9e1d...  refs/heads/main
@refs/heads/main HEAD
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import NamedTuple

from rookery.core.errors import RookeryError
from rookery.core.process import encode

_LINE = re.compile(r"([0-9a-f]{40}|[0-9a-f]{64}) (refs/[^\x00-\x20]+)")
_HEAD = re.compile(r"@(refs/[^\x00-\x20]+) HEAD")
_DETACHED = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64}) HEAD")

# git-check-ref-format(1), for a full name.
_BAD_NAME = re.compile(
    r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(?:^|/)\.|\.lock(?:/|$)|\.$|/$", re.ASCII
)  # fmt: skip

HEADS = "refs/heads/"
LIKELY = ("refs/heads/main", "refs/heads/master")
# Branches that are kept by programs for themselves; nobody wants to see one checked out in a fresh clone.
NOT_FOR_PEOPLE = re.compile(r"refs/heads/(?:git-annex$|synced/|adjusted/|views?/)")

FIRST_HEAD = "refs/heads/main"


class Malformed(RookeryError):
    """A text is not what a deposit's `refs` looks like."""


class RefList(NamedTuple):
    """What a deposit is: its refs, and the branch that a clone checks out (which need not exist)."""

    refs: Mapping[str, str]
    head: str | None

    @property
    def object_format(self) -> str | None:
        """Give the hash function that the names are made with; None if there are none."""
        length = next((len(sha) for sha in self.refs.values()), None)
        return None if length is None else "sha1" if length == 40 else "sha256"


EMPTY = RefList({}, None)


def valid_name(name: str) -> bool:
    """Say whether Git would take a full name of a ref."""
    return name.startswith("refs/") and name.count("/") >= 1 and not _BAD_NAME.search(name)


def parse(text: str) -> RefList:
    """Read the text.  Lines that begin with `#` are left out.  Raises Malformed."""
    refs: dict[str, str] = {}
    head: str | None = None
    closed = False
    for line in text.split("\n"):
        if not line or line.startswith("#"):
            continue
        if closed:
            raise Malformed(f"something follows HEAD in the list of refs: {line[:80]!r}")
        if found := _LINE.fullmatch(line):
            sha, name = found.groups()
            if not valid_name(name) or name in refs:
                raise Malformed(f"{name[:80]!r} in the list of refs is no name, or is there twice")
            refs[name] = sha
        elif found := _HEAD.fullmatch(line):
            if not valid_name(found[1]):
                raise Malformed(f"HEAD is said to be at {found[1][:80]!r}")
            head, closed = found[1], True
        elif _DETACHED.fullmatch(line):
            closed = True
        else:
            raise Malformed(f"not a line of a list of refs: {line[:80]!r}")
    if not closed:
        raise Malformed("the list of refs does not end with HEAD")
    if len({len(sha) for sha in refs.values()}) > 1:
        raise Malformed("the list of refs mixes names of two hash functions")
    return RefList(refs, head)


def build(state: RefList, *, header: str = "") -> str:
    """Write the text, in the order of `git for-each-ref`; a `header` is a line that readers leave out."""
    first = [f"# {header}\n"] if header else []
    lines = [f"{sha} {name}\n" for name, sha in _ordered(state.refs)]
    return "".join([*first, *lines, f"@{state.head or FIRST_HEAD} HEAD\n"])


def digest(raw: bytes) -> str:
    """Give the hash by which a text is known, in push records and stamps; headers do not count."""
    lines = [line for line in raw.splitlines(keepends=True) if not line.startswith(b"#")]
    return hashlib.sha256(b"".join(lines)).hexdigest()


def choose_head(refs: Mapping[str, str], *, wanted: str | None, before: str | None, user: str | None) -> str:
    """Choose the branch that clones check out.

    `wanted` is what was asked for, `before` what the deposit says now, `user`
    the branch that the pushing repository is on.  What was chosen once stays
    while its branch does: the default must not follow whoever pushes.
    """
    if wanted is not None:
        return wanted if wanted.startswith("refs/") else HEADS + wanted
    for name in (before, user, *LIKELY):
        if name is not None and name in refs:
            return name
    branches = sorted(n for n in refs if n.startswith(HEADS) and not NOT_FOR_PEOPLE.match(n))
    return next(iter(branches), None) or user or before or FIRST_HEAD


def parse_packed(text: str) -> dict[str, str]:
    """Read Git's `packed-refs`, without what annotated tags peel to.  Raises Malformed."""
    refs: dict[str, str] = {}
    for line in text.split("\n"):
        if not line or line[0] in "#^":
            continue
        found = _LINE.fullmatch(line)
        if not found or not valid_name(found[2]):
            raise Malformed(f"not a line of packed-refs: {line[:80]!r}")
        refs[found[2]] = found[1]
    return refs


def build_packed(refs: Mapping[str, str]) -> str:
    """Write `packed-refs`."""
    return "# pack-refs with: sorted \n" + "".join(f"{sha} {name}\n" for name, sha in _ordered(refs))


def _ordered(refs: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(refs.items(), key=lambda item: encode(item[0]))
