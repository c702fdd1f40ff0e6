"""What a sibling was left with by the last complete push: a note for ourselves, never a promise.

Kept in Git's folder, one small file for each sibling.  It is believed only as
long as Git says that the sibling's branches are the ones noted; then a push has
nothing to do and need not list a single file.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote

from rookery.core import files
from rookery.git.repo import Repo


class Exchanged(NamedTuple):
    """The state that was left: commits of the branch and of git-annex, and how content was treated.

    `data` is the push's `--data`; `absent` names files that the sibling lacks
    and that could not be sent, of `absent_bytes` in all.
    """

    head: str
    annex: str
    uuid: str
    data: str
    absent: tuple[str, ...] = ()
    absent_bytes: int = 0


def _file(repo: Repo, sibling: str) -> Path:
    return repo.commondir / "rookery" / "exchanged" / quote(sibling, safe="")


def read(repo: Repo, sibling: str) -> Exchanged | None:
    """Read the note about a sibling; None if there is none that can be understood."""
    import json  # start-up

    try:
        found = json.loads(_file(repo, sibling).read_bytes())
        return Exchanged(**{**found, "absent": tuple(found["absent"])})
    except (FileNotFoundError, PermissionError, ValueError, TypeError, KeyError):
        return None  # no note, somebody else's, or one of another version: the push looks for itself


def write(repo: Repo, sibling: str, note: Exchanged) -> None:
    """Replace the note about a sibling."""
    import json  # start-up

    place = _file(repo, sibling)
    files.make_folder(place.parent)
    files.write(place, json.dumps(note._asdict()) + "\n")
