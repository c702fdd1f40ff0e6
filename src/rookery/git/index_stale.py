"""Whether an index is worth writing anew after a look: Git would otherwise read the same files at each one."""

from __future__ import annotations

import os
from itertools import islice

from rookery.core.process import encode
from rookery.git import modes
from rookery.git.index import SMALL, index_file, is_plain, raw_entries
from rookery.git.index_stat import Where, is_of, young
from rookery.git.repo import Repo

# Of so many entries the stat data is compared: what a copy of a whole dataset did to one, it did to all.
_SOME = 16


def is_stale(repo: Repo) -> bool:
    """Say whether Git would read files, through git-annex's filter, whenever it is asked, until the index is written.

    Two things make it: files of a small index that are as old as it is (Git calls
    them racy; in a clone all are), and stat data that is of other files, after a
    dataset was copied or restored, or got another owner (20,000 links in a copy
    took each status 3.4 s).
    """
    place = repo.gitdir / "index"
    if index_file(repo) != place:
        return False
    try:
        with open(place, "rb") as file:
            written = os.fstat(file.fileno())
            data = file.read(SMALL)
    except OSError:
        return False
    if not is_plain(repo, data):
        return False
    return _has_young_files(data, written) or _is_of_other_files(repo, data)


def _has_young_files(data: bytes, written: os.stat_result) -> bool:
    if written.st_size > SMALL:
        return False
    known = young(data, raw_entries(data), written.st_mtime_ns)
    return any(data[at + 26] >> 4 == modes.FILE >> 12 for _, at, _, _ in known)


def _is_of_other_files(repo: Repo, data: bytes) -> bool:
    root = encode(str(repo.root))
    entries: list[Where] = []
    try:
        entries.extend(islice(raw_entries(data), _SOME))
    except (IndexError, ValueError):
        pass  # of a large index only the beginning was read
    answers = [answer for place in entries if (answer := is_of(root, data, place)) is not None]
    return answers.count(False) > len(answers) / 2
