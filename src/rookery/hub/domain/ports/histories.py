"""The port to Git repositories on disk."""

from __future__ import annotations

from typing import Protocol

from rookery.git.repo import Repo


class Histories(Protocol):
    """Bare Git repositories, named by the repository's number; they are annex-ready from the beginning."""

    def create(self, repository: int, *, uuid: str, default_branch: str) -> Repo:
        """Make an empty one.  Raises Conflict if there is one."""

    def fork(self, source: int, target: int) -> None:
        """Bring branches and tags of one into another, which depends on nothing of it afterwards.

        Objects are shared where the file system can.  Done a second time, it goes on where it stopped.
        Raises NotARepository, CommandError.
        """

    def open(self, repository: int) -> Repo:
        """Give the handle of one.  Raises NotARepository."""

    def remove(self, repository: int) -> None:
        """Remove one, with all its history and content."""

    def numbers(self) -> list[int]:
        """Give the numbers of all that are on disk."""
