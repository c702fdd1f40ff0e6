"""The guard of the last copy: the hub does not drop what no other place is known to have.

What places have is read from the location log in the branch git-annex that
people pushed.  Content of which that branch says nothing belongs to no history
here and can be dropped: an upload that was given up, a test of the connection.
"""

from __future__ import annotations

from rookery.annex.branch import log_name
from rookery.annex.logs import parse_presence
from rookery.core.process import decode
from rookery.git.objects import ObjectMissing, read_blob
from rookery.git.repo import Repo
from rookery.hub.domain.errors import OnlyCopy
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository

BRANCH = "refs/heads/git-annex"


def places_of(repo: Repo, key: str) -> list[str] | None:
    """Give the uuids of the places that are known to have content; None if nothing is known of the key at all."""
    try:
        log = read_blob(repo, f"{BRANCH}:{log_name(key)}")
    except ObjectMissing:
        return None
    known = parse_presence(decode(log))[0].values()
    return [place.subject for place in known if place.present and not place.dead]


class LastCopy:
    """Looks at location logs."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories

    def require_other(self, repository: Repository, key: str) -> None:
        """Refuse if the hub's copy is the only one that is known.  Raises OnlyCopy."""
        if not repository.keep_last:
            return
        places = places_of(self._histories.open(repository.id), key)
        if places is not None and not set(places) - {repository.uuid}:
            raise OnlyCopy(
                f"no other place is known to have {key}: the hub keeps the last copy",
                hints=[
                    "push the branch git-annex of a clone that has the content",
                    "or allow it in the repository's settings",
                ],
            )
