"""Who is asked for which content, by what the location logs say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from rookery.annex import branch, remotes
from rookery.git.repo import Repo

Choice = TypeVar("Choice")


def by_log(
    repo: Repo, keys: Sequence[str], choose: Callable[[frozenset[str]], Choice | None]
) -> dict[str, Choice]:
    """Give for each key whom to ask: what `choose` makes of the places that have it, once for equal ones.

    Keys of which it makes nothing are left out, and so are those that somebody
    has whom people trust more or less than usual: git-annex has an order of its
    own among these.
    """
    texts = branch.about(repo, keys, others=["trust.log"])
    judged = remotes.parse_trust(texts.others.get("trust.log", ""))
    found = branch.parse_locations(keys, texts.logs[".log"])
    choices: dict[frozenset[str], Choice | None] = {}
    chosen = {}
    for key, places in found.items():
        having = frozenset(place.uuid for place in places if place.present)
        if having not in choices:
            usual = all(judged.get(uuid, "semitrusted") == "semitrusted" for uuid in having)
            choices[having] = choose(having) if usual else None
        if (choice := choices[having]) is not None:
            chosen[key] = choice
    return chosen
