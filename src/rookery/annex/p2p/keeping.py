"""Siblings that speak the P2P protocol as keepers: they lock a copy while ours is dropped."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager

from rookery.annex.nearby.content_locks import NotKept
from rookery.annex.nearby.plain import Settings
from rookery.annex.p2p.address import Partner, Partners
from rookery.annex.p2p.lines import Lines
from rookery.annex.p2p.peer import PeerLost
from rookery.git.repo import Repo


class Afar:
    """Finds keepers behind connections, which are closed at the end of the block."""

    def __init__(self, repo: Repo, settings: Settings, here: str, keys: Collection[str]) -> None:
        """`keys` are all that may be asked about."""
        self._lines = Lines(repo, settings, here)
        self._partners = Partners(settings)
        self._keys = keys
        self._known: dict[str, Sibling] = {}

    def __enter__(self) -> Afar:
        self._lines.__enter__()
        return self

    def __exit__(self, *failure: object) -> None:
        self._lines.close()

    def find(self, name: str) -> Sibling | None:
        """Give a remote by its name; None if we do not speak with it."""
        partner = self._partners.find(name)
        if partner is None:
            return None
        return self._known.setdefault(name, Sibling(partner, self._lines, self._keys))


class Sibling:
    """One such keeper; it is asked for all keys when it is first asked for one."""

    def __init__(self, partner: Partner, lines: Lines, keys: Collection[str]) -> None:
        self._partner, self._lines, self._keys = partner, lines, keys
        self._there: frozenset[str] | None = None

    @property
    def note(self) -> str:
        """Say who keeps it."""
        return f"locking {self._partner.name}..."

    def may_have(self, key: str, mine: os.stat_result) -> bool:  # noqa: ARG002 - what is there is never our own file
        """Say whether the sibling said to have the content."""
        if self._there is None:
            self._there = self._asked()
        return key in self._there

    def at_once(self, number: int) -> int:
        """Give the number of connections; on each, one content after the other is kept."""
        return self._lines.at_once(self._partner, number)

    @contextmanager
    def kept(self, key: str, mine: os.stat_result) -> Iterator[None]:  # noqa: ARG002 - as above
        """Have the sibling keep it.  Raises PeerLost, NotKept, LockedError."""
        with self._lines.borrowed(self._partner) as peer, ExitStack() as held:
            try:
                held.enter_context(peer.kept(key))
            except NotKept as e:
                raise NotKept(
                    f"{self._partner.name} had the content and does not lock it for us: "
                    "somebody may be dropping it there; try again"
                ) from e
            yield

    def _asked(self) -> frozenset[str]:
        try:
            with self._lines.borrowed(self._partner) as peer:
                return frozenset(key for key, there in peer.present(self._keys) if there)
        except PeerLost:
            return frozenset()
