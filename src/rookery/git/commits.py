"""Commits: written from a tree, read as a stream."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import NamedTuple

from rookery.core.errors import CommandError, RookeryError
from rookery.core.process import decode, encode
from rookery.git.repo import Repo


class IdentityMissing(RookeryError):
    """Git does not know who commits."""


class Person(NamedTuple):
    """Who did it and when; `date` in Git's own form, seconds and zone: "1763640000 +0100"."""

    name: str
    email: str
    date: str


class Commit(NamedTuple):
    """One commit as read.  `message` is whole, with its last line break."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: Person
    committer: Person
    message: str

    @property
    def subject(self) -> str:
        """The first paragraph on one line, as `git log --oneline` shows it."""
        first = self.message.lstrip("\n").split("\n\n", 1)[0]
        return " ".join(line.strip() for line in first.splitlines())


def clean_message(text: str) -> str:
    """Tidy a message as `git commit -m` does: no blank lines at the ends, none doubled, no trailing space."""
    lines = [line.rstrip(" \t\r\v\f") for line in text.split("\n")]
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return "\n".join(kept) + "\n" if kept else ""


def commit_tree(
    repo: Repo,
    tree: str,
    parents: Sequence[str],
    message: str,
    *,
    author: Person | None = None,
    sign: bool = False,
) -> str:
    """Write a commit (moving no branch) and give its name.

    `message` is stored as it is; see `clean_message`.  `author` is kept when a
    commit is amended; everybody else is who Git says.  `sign` is the caller's
    reading of `commit.gpgSign`, which Git heeds in `git commit` only.  Raises
    IdentityMissing.
    """
    view = repo
    if author is not None:
        view = repo.with_env(
            GIT_AUTHOR_NAME=author.name, GIT_AUTHOR_EMAIL=author.email, GIT_AUTHOR_DATE=f"@{author.date}"
        )
    argv = ["commit-tree", *(["-S"] if sign else [])]
    for parent in parents:
        argv += ["-p", parent]
    try:
        return decode(view.run(*argv, tree, stdin=encode(message)).stdout).strip()
    except CommandError as e:
        require_identity(repo, cause=e)
        raise


def require_identity(repo: Repo, *, cause: Exception | None = None) -> None:
    """Raise IdentityMissing unless Git knows a name and an address for commits."""
    for role in ("GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"):
        if repo.run("var", role, ok=(0, 128, 129)).code:
            raise IdentityMissing(
                "Git does not know who you are, so nothing can be committed",
                hints=[
                    'set a name: git config --global user.name "Your Name"',
                    "set an address: git config --global user.email you@example.org",
                ],
            ) from cause


_FIELDS = ("%H", "%T", "%P", "%an", "%ae", "%ad", "%cn", "%ce", "%cd", "%B")


def log(
    repo: Repo, *revisions: str, options: Sequence[str] = (), paths: Sequence[str] = ()
) -> Iterator[Commit]:
    """Yield commits of revisions or ranges, newest first unless `options` (`--reverse`, `-n1`) say otherwise.

    Raises CommandError for unknown revisions, and on an unborn branch.
    """
    argv = ["--literal-pathspecs", "log", "-z", "--date=raw", "--no-show-signature", "--encoding=UTF-8"]
    argv += [
        f"--format=tformat:{'%x00'.join(_FIELDS)}",
        *options,
        "--end-of-options",
        *revisions,
        "--",
        *paths,
    ]
    records = repo.records(*argv)
    for first in records:
        yield _commit(first, records)


def _commit(first: bytes, records: Iterator[bytes]) -> Commit:
    sha, tree, parents, an, ae, ad, cn, ce, cd, message = (
        decode(first),
        *(decode(next(records)) for _ in range(len(_FIELDS) - 1)),
    )
    return Commit(sha, tree, tuple(parents.split()), Person(an, ae, ad), Person(cn, ce, cd), _ended(message))


class Touched(NamedTuple):
    """A path that a commit changed; `status` is A, D, M, T, or R and C with the path that it came from."""

    status: str
    path: str
    from_path: str | None


class Logged(NamedTuple):
    """A commit, and what it changed since its first parent, as Git wrote it."""

    commit: Commit
    raw: bytes

    def changes(self) -> Iterator[Touched]:
        """Yield what it changed, renames found."""
        parts = iter(self.raw.split(b"\0")[:-1])
        for meta in parts:
            status = meta[:1].decode()
            first = decode(next(parts))
            yield (
                Touched(status, decode(next(parts)), first)
                if status in "RC"
                else Touched(status, first, None)
            )


# Renames are looked for among so many files of one commit that came and went; exact ones always.
_RENAMES = 100


def log_with_changes(
    repo: Repo, revision: str, *, most: int, since: str | None = None
) -> Generator[Logged, None, None]:
    """Yield the newest commits of a revision, so many at most, none before its children; one process.

    Those that `since` has are left out.

    Raises CommandError.
    """
    import secrets  # start-up: only the hub follows histories so

    # Nobody can have written a path or a message with this in it, so commits are cut apart without a look at the rest.
    mark = f"\x01{secrets.token_hex(12)}".encode()
    argv = ["log", "-z", "--name-status", "-M", f"-l{_RENAMES}", "--topo-order", "--root", f"-n{most}"]
    argv += ["--diff-merges=first-parent", "--date=raw", "--no-show-signature", "--encoding=UTF-8"]
    argv += [f"--format=tformat:{mark.decode()}{'%x00'.join(_FIELDS)}"]
    argv += [*([f"^{since}"] if since else []), "--end-of-options", revision, "--"]
    with repo.stream(*argv) as out:
        for text in _between(out.chunks(), mark):
            *fields, raw = text.split(b"\0", len(_FIELDS))
            yield Logged(_commit(fields[0], iter(fields[1:])), raw.lstrip(b"\0\n"))


def _between(chunks: Iterable[bytes], mark: bytes) -> Iterator[bytes]:
    """Yield what is behind each mark, up to the next one or to the end."""
    held: list[bytes] = []
    for chunk in chunks:
        edge = held[-1][-len(mark) :] if held else b""
        held.append(chunk)
        if mark in edge + chunk:
            *whole, rest = b"".join(held).split(mark)
            yield from filter(None, whole)
            held = [mark, rest]
    yield from filter(None, b"".join(held).split(mark))


def read_commit(repo: Repo, rev: str) -> Commit:
    """Read one commit.  Raises CommandError if there is none of that name."""
    return next(log(repo, rev, options=["-n1"]))


def _ended(message: str) -> str:
    return message.rstrip("\n") + "\n" if message else ""


_PERSON = re.compile(r"(?P<name>.*?) ?<(?P<email>[^<>]*)> (?P<date>-?\d+ [+-]\d+)")


def parse_person(line: str) -> Person:
    """Read `Name <address> seconds zone`, as in a commit object and in `git var`.  Raises ValueError."""
    found = _PERSON.fullmatch(line)
    if not found:
        raise ValueError(f"not a person and a date: {line!r}")
    return Person(found["name"], found["email"], found["date"])
