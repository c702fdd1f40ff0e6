"""Judges for what repositories want and require here, made of what the git-annex branch says of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

from rookery.annex import remotes
from rookery.annex.expressions import Judge
from rookery.annex.numcopies import copies_of_paths, required_copies
from rookery.annex.places import Places, read_places
from rookery.annex.wanted import Situation, Subject, parse
from rookery.git.repo import Repo

Kind = Literal["wanted", "required"]


def judge_of(
    repo: Repo, uuid: str, kind: Kind, places: Places, *, missing: frozenset[str] = frozenset()
) -> Judge[Subject] | None:
    """Give the judge of what a repository wants or requires; None if only git-annex can tell.

    Where nothing is set, nothing is.  `missing` as in `wanted.Situation`.
    """
    preferences = remotes.preferences(repo)
    expression = preferences[kind].get(uuid, "").strip()
    if not expression:
        return lambda _: False
    special = places.special.get(uuid)
    about = Situation(
        uuid=uuid,
        groups={who: frozenset(said.split()) for who, said in preferences["group"].items()},
        trust=places.trust,
        groupwanted=preferences["groupwanted"],
        preferred_folder=special.settings.get("preferreddir") if special else None,
        copies=required_copies(repo).wanted,
        missing=missing,
    )
    return parse(expression, about)


def wanted_at(repo: Repo, uuid: str, files: Iterable[tuple[str, str]]) -> frozenset[str] | None:
    """Give the paths, of (path, key) pairs, that `git annex copy --auto` would send to a repository.

    Those that it wants, and those with fewer copies than they need.  None if only git-annex can tell.
    """
    keys = dict(files)
    places = read_places(repo, keys.values())
    judge = judge_of(repo, uuid, "wanted", places)
    if judge is None:
        return None
    copies = copies_of_paths(repo, keys)
    chosen = set()
    for path, key in keys.items():
        having = frozenset(place.uuid for place in places.copies(key))
        counted = sum(places.trust.get(one) != "untrusted" for one in having)
        wanted = copies[path].wanted
        if counted < wanted or judge(Subject(path, key, having, wanted)):
            chosen.add(path)
    return frozenset(chosen)


def required_keys(
    repo: Repo, uuid: str, names: Mapping[str, Iterable[str]], places: Places
) -> frozenset[str] | None:
    """Give the keys, of those given with their paths, that must stay in a repository for one of these.

    None if only git-annex can tell, which judges as if the content had gone already.
    """
    judge = judge_of(repo, uuid, "required", places, missing=frozenset((uuid,)))
    if judge is None:
        return None
    copies = copies_of_paths(repo, (path for paths in names.values() for path in paths))
    found = set()
    for key, paths in names.items():
        having = frozenset(place.uuid for place in places.copies(key))
        if any(judge(Subject(path, key, having, copies[path].wanted)) for path in paths):
            found.add(key)
    return frozenset(found)
