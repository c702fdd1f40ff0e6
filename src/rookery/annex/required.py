"""Content that this repository is set to keep, which no drop takes unless it is forced.

Where the expression is not one that we can judge (`wanted`), git-annex is asked
which files it would let go, and required content is never among these; but
what is only preferred (`git annex wanted`) is not among them either.  Nor can
anybody be asked about a key without a file.  So there are keys of which nobody
can say before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from rookery.annex import identity, program, remotes
from rookery.annex.places import read_places
from rookery.annex.wishes import required_keys
from rookery.core.process import decode
from rookery.git.repo import Repo


class Required(NamedTuple):
    """The keys that have to stay, and those of which only the real drop will tell."""

    kept: frozenset[str] = frozenset()
    undecided: frozenset[str] = frozenset()


def required_here(repo: Repo, names: Mapping[str, Collection[str]]) -> Required:
    """Sort out which keys, each with the paths that it has, are required here; a few processes if any may be."""
    here = identity.uuid(repo) or ""
    preferences = remotes.preferences(repo)
    if not preferences["required"].get(here):
        return Required()
    nameless = frozenset(key for key, paths in names.items() if not paths)
    judged = required_keys(repo, here, names, read_places(repo, names))
    if judged is not None:
        return Required(judged, nameless)
    told = program.run(repo, "find", "--want-drop", "--in=here", "--print0", reading=True)
    free = frozenset(decode(path) for path in told.stdout.split(b"\0"))
    bound = [key for key, paths in names.items() if not paths or not free.issuperset(paths)]
    certain = not preferences["wanted"].get(here)
    kept = frozenset(key for key in bound if certain and names[key])
    return Required(kept, frozenset(bound) - kept)
