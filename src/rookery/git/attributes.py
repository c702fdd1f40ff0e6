"""Attributes of paths, asked for in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rookery.core.process import decode, encode
from rookery.git.repo import Repo

# check-attr's words for "not set at all", "set" and "set to false"; anything else is a value.
UNSPECIFIED, SET, UNSET = "unspecified", "set", "unset"


def check_attributes(
    repo: Repo, names: Sequence[str], paths: Iterable[str], *, cached: bool = False
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each path with the named attributes that it has (those not set are left out), in order.

    Attributes come from the work tree's files, or with `cached` from the index
    (for those of a tree, hand in a repository with a private index).
    """
    if not names:
        yield from ((path, {}) for path in paths)
        return
    argv = ["check-attr", "-z", "--stdin", *(["--cached"] if cached else []), *names]
    records = repo.records(*argv, stdin=(encode(path) + b"\0" for path in paths))
    found: dict[str, str] = {}
    for count, path in enumerate(records, 1):
        name, value = decode(next(records)), decode(next(records))
        if value != UNSPECIFIED:
            found[name] = value
        if count % len(names) == 0:
            yield decode(path), found
            found = {}
