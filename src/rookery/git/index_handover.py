"""A private index becomes the real one, where what was put into it is all that makes the difference."""

from __future__ import annotations

import os
import stat as statmode
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from rookery.git.index import index_file, is_plain, raw_entries
from rookery.git.index_stat import NO_STAT, Where, told_apart
from rookery.git.private_index import cached_trees
from rookery.git.repo import Repo


class HandedOver(NamedTuple):
    """The head and entries of a private index, what it knows of its trees, regular files without stat data."""

    entries: bytes
    trees: bytes
    unknown: list[str]


def handed_over(
    source: Repo, data: bytes, places: Iterable[Where], changed: Collection[bytes], tree: str
) -> HandedOver | None:
    """Give the private index of `source`, if it is what an index with this data becomes when `changed` is.

    It has to know that it is the whole of `tree`.  What the index knows of all
    other files is kept.  None too if not all links that are new are known.
    """
    try:
        other, written = with_time(index_file(source))
    except FileNotFoundError:
        return None
    root, cached = cached_trees(other)
    if data[7] != other[7] or root != tree or not is_plain(source, other):
        return None
    mine = (place for place in places if place[0] not in changed)
    better: list[tuple[int, bytes]] = []
    unknown: list[bytes] = []
    end = 12
    for path, at, more, after in raw_entries(other):
        end = after
        if path not in changed:
            there, begin, flags, _ = next(mine, (b"", 0, 0, 0))
            said = (there, flags, data[begin + 24 : begin + 28], data[begin + 40 : begin + 62])
            if said != (path, more, other[at + 24 : at + 28], other[at + 40 : at + 62]):
                return None
            if data[begin : begin + 40] != other[at : at + 40]:
                better.append((at, data[begin : begin + 40]))
        elif other[at : at + 24] == NO_STAT[:24]:
            mode = int.from_bytes(other[at + 24 : at + 28], "big")
            if statmode.S_ISLNK(mode):
                return None
            if statmode.S_ISREG(mode):
                unknown.append(path)
    if next(mine, None) is not None:
        return None
    news = (place for place in raw_entries(other) if place[0] in changed)
    other, young = told_apart(source, other, news, written)
    entries = bytearray(other[:end])
    for at, stat in better:
        entries[at : at + 40] = stat
    return HandedOver(bytes(entries), cached, [os.fsdecode(path) for path in (*unknown, *young)])


def with_time(file: Path) -> tuple[bytes, int]:
    """Read an index, and when it was written, in nanoseconds."""
    with open(file, "rb") as index:
        return index.read(), os.fstat(index.fileno()).st_mtime_ns
