"""What texts refer to in a repository: commits by their names, files by their paths.  One question for all of them."""

from __future__ import annotations

from collections.abc import Collection

from rookery.git import objects
from rookery.git.repo import NotARepository
from rookery.hub.domain.ports.histories import Histories
from rookery.hub.domain.records import Repository

# So many are looked for in the texts of a page.
MOST = 200


class References:
    """Looks at repositories that may be read: whoever calls has asked the gate."""

    def __init__(self, histories: Histories) -> None:
        self._histories = histories

    def known(
        self, repository: Repository, commits: Collection[str], paths: Collection[str]
    ) -> tuple[set[str], set[str]]:
        """Give those names that are commits, and those paths that the default branch has."""
        shas, files = list(commits)[:MOST], [path for path in paths if "\n" not in path][:MOST]
        if not shas and not files:
            return set(), set()
        try:
            repo = self._histories.open(repository.id)
        except NotARepository:
            return set(), set()
        branch = f"refs/heads/{repository.default_branch}"
        found = list(objects.stat_many(repo, [*shas, *(f"{branch}:{path}" for path in files)]))
        here = zip(shas, found[: len(shas)], strict=True)
        there = zip(files, found[len(shas) :], strict=True)
        return (
            {sha for sha, stat in here if stat is not None and stat.kind == "commit"},
            {path for path, stat in there if stat is not None},
        )
