"""Names of accounts and repositories, parsed here and nowhere else.

Whatever comes from outside (a URL, a form, an SSH command) becomes an
`OwnerName`, a `RepositoryName` or a `RepositoryPath` once; what lies behind is
looked up in the database and never joined to a path on disk.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from rookery.hub.domain.errors import BadName

_OWNER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9]|[._-](?=[A-Za-z0-9])){0,38}")
_REPOSITORY = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,99}")
# Of a path below a repository: any name that Git could have in a tree, no control characters.
_FOLDER = re.compile(r"(?!\.{1,2}$|(?i:\.git)$)[^/\x00-\x1f\x7f]+")
_DEEPEST, _LONGEST = 32, 1000
_NO_BRANCH = re.compile(r"[ ~^:?*\[\\]|\.\.|@\{|^@$|^-")
_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f]{1,189}")

# First words of addresses that mean something else than an account.
RESERVED = frozenset((
    "about", "admin", "api", "assets", "avatars", "docs", "error", "explore", "favicon.ico", "git",
    "git-annex", "healthz", "help", "hub", "issues", "login", "logout", "metrics", "new", "notifications",
    "org", "orgs", "pulls", "repo", "repos", "robots.txt", "root", "search", "settings", "static", "user",
    "users",
))  # fmt: skip

# What Git and others would take for something else at the end of a name.
_ENDINGS = (".git", ".lock", ".wiki", ".atom", ".rss", ".keys")


class OwnerName(str):
    """The name of an account: a person's or an organisation's."""

    __slots__ = ()


class RepositoryName(str):
    """The name of a repository among its owner's."""

    __slots__ = ()


class RepositoryPath(NamedTuple):
    """Where a repository is for people: `owner/name`."""

    owner: OwnerName
    name: RepositoryName

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


class NestedPath(NamedTuple):
    """Where a subdataset is for clones of its superdataset: at its path below that one's repository."""

    top: RepositoryPath
    below: str

    def __str__(self) -> str:
        return f"{self.top}/{self.below}"


def owner_name(text: str) -> OwnerName:
    """Read the name of an account.  Raises BadName."""
    if not _OWNER.fullmatch(text):
        raise BadName(
            f"{text[:60]!r} cannot be the name of an account",
            hints=["letters, digits, and single . _ - between them; at most 39"],
        )
    return OwnerName(text)


def new_owner_name(text: str) -> OwnerName:
    """Read a name for an account that is to be made: not one that an address needs for itself.  Raises BadName."""
    name = owner_name(text)
    if name.lower() in RESERVED:
        raise BadName(f"{text!r} is reserved", hints=["choose another name"])
    return name


def repository_name(text: str) -> RepositoryName:
    """Read the name of a repository; an ending `.git` is not part of it.  Raises BadName."""
    name = text.removesuffix(".git")
    if not _REPOSITORY.fullmatch(name) or not name.strip(".") or name.lower().endswith(_ENDINGS):
        raise BadName(
            f"{text[:120]!r} cannot be the name of a repository",
            hints=[
                "letters, digits, and . _ - between them; at most 100; no .git, .lock or .wiki at the end"
            ],
        )
    return RepositoryName(name)


def repository_path(owner: str, name: str) -> RepositoryPath:
    """Read both names.  Raises BadName."""
    return RepositoryPath(owner_name(owner), repository_name(name))


def parse_path(text: str) -> RepositoryPath:
    """Read `owner/name`, with slashes around it and `.git` behind it as clients write them.  Raises BadName."""
    owner, slash, name = text.strip("/").partition("/")
    if not slash or "/" in name:
        raise BadName(f"{text[:120]!r} is not OWNER/NAME")
    return repository_path(owner, name)


def parse_place(text: str) -> RepositoryPath | NestedPath:
    """Read what Git and git-annex are given: `owner/name`, or `owner/name/path/of/subdataset`.  Raises BadName.

    A clone asks for a subdataset at its path below the address that it was itself
    cloned from, which may have ended in `.git`.
    """
    owner, _, rest = text.strip("/").partition("/")
    name, slash, below = rest.partition("/")
    if not slash:
        return parse_path(text)
    parts = below.removesuffix(".git").split("/")
    if len(parts) > _DEEPEST or len(below) > _LONGEST or any(not _FOLDER.fullmatch(part) for part in parts):
        raise BadName(f"{text[:120]!r} is neither OWNER/NAME nor a path below it")
    return NestedPath(repository_path(owner, name), "/".join(parts))


def email_address(text: str) -> str:
    """Read an e-mail address, as far as its form tells.  Raises BadName."""
    if not _EMAIL.fullmatch(text.strip()) or not text.strip().isprintable():
        raise BadName(f"{text[:80]!r} is not an e-mail address")
    return text.strip()


def one_line(text: str, *, most: int, what: str) -> str:
    """Take a text that is shown on one line: no control characters, at most `most` letters.  Raises BadName."""
    line = text.strip()
    if len(line) > most or not line.isprintable():
        raise BadName(f"{what} must be one line of at most {most} characters")
    return line


def branch_name(text: str) -> str:
    """Read the name of a branch, by the rules of git-check-ref-format(1).  Raises BadName."""
    parts = text.split("/")
    odd = _NO_BRANCH.search(text) or not text.isprintable() or not 0 < len(text) <= 200
    if odd or text == "HEAD" or any(not p or p.startswith(".") or p.endswith((".", ".lock")) for p in parts):
        raise BadName(f"{text[:80]!r} cannot be the name of a branch")
    return text


# Branches that programs keep for themselves, and what for.
_KEPT = (
    (re.compile(r"git-annex"), "kept by git-annex: it says where copies of annexed content are"),
    (re.compile(r"synced/.*"), "left by git annex sync: what came from elsewhere and waits to be merged"),
    (re.compile(r"adjusted/.*"), "made by git annex adjust, for one clone"),
    (re.compile(r"views?/.*"), "made by git annex view, for one clone"),
)


def kept_for(branch: str) -> str:
    """Say what a branch is for that a program keeps for itself; "" for any other one."""
    return next((told for form, told in _KEPT if form.fullmatch(branch)), "")


def default_branch_name(text: str) -> str:
    """Read the name of the branch to show first: no program's own one.  Raises BadName."""
    name = branch_name(text)
    if told := kept_for(name):
        raise BadName(f"{name} cannot be the default branch", hints=[f"it is {told}"])
    return name
