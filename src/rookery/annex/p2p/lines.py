"""Connections to siblings: made when first needed, kept for the next who asks, all closed at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

from rookery.annex.keys import size_of
from rookery.annex.nearby.plain import Settings
from rookery.annex.outcome import Item
from rookery.annex.p2p import several
from rookery.annex.p2p.address import Partner, ShellAddress
from rookery.annex.p2p.peer import Peer, PeerLost
from rookery.core.log import get_log
from rookery.git.repo import Repo

if TYPE_CHECKING:
    from rookery.annex.p2p.server import Server

log = get_log("rookery.p2p")

# So many requests to one server over HTTP at once.
CONNECTIONS = 4

# From so many files or bytes on a second connection by ssh pays: each has a git-annex-shell at its other end,
# which does one thing at a time (1,000 files of 1 KB took one of them 2.9 s, two 1.1 s).
MANY_FILES, MANY_BYTES = 100, 100_000_000

# So many files are taken in hand together: they follow each other on a connection without waiting.
SHARE = 250


class Lines:
    """The connections of one command."""

    def __init__(self, repo: Repo, settings: Settings, here: str) -> None:
        self._repo, self._settings, self._here = repo, settings, here
        self._idle: dict[Partner, list[Peer]] = {}
        self._servers: dict[Partner, Server] = {}
        self._busy: list[Peer] = []
        self._dead: set[Partner] = set()
        self._stopped = False
        self._making = threading.Lock()
        self._held = ExitStack()

    def __enter__(self) -> Lines:
        self._held.enter_context(self._repo.runner.stopping(self.stop))
        return self

    def __exit__(self, *failure: object) -> None:
        self.close()

    def close(self) -> None:
        """Hang up everywhere."""
        self._held.close()
        for peers in self._idle.values():
            while peers:
                peers.pop().close()

    def shares(self, partner: Partner, items: Sequence[Item]) -> tuple[list[Sequence[Item]], int]:
        """Cut work into pieces for one connection, and say how many connections are to work on them at once."""
        if not isinstance(partner.address, ShellAddress):
            # Not all that may go together: no connection is to be without work at the end.
            step = max(1, len(items) // (2 * CONNECTIONS))
            groups = several.groups(items, lambda item: size_of(item.key))
            parts = [some[at : at + step] for some in groups for at in range(0, len(some), step)]
            return list[Sequence[Item]](parts), CONNECTIONS
        size = sum(size_of(item.key) or 0 for item in items)
        at_once = self.at_once(partner, len(items), size)
        share = min(SHARE, max(1, len(items) // 8)) if at_once > 1 else max(1, len(items))
        return [items[start : start + share] for start in range(0, len(items), share)], at_once

    def at_once(self, partner: Partner, number: int, size: int = 0) -> int:
        """Give how many connections there are to be, for so many files of so many bytes."""
        if not isinstance(partner.address, ShellAddress):
            return CONNECTIONS
        many = number > 1 and (number >= MANY_FILES or size >= MANY_BYTES)
        return 2 if many and self._two(partner) else 1

    @contextmanager
    def borrowed(self, partner: Partner) -> Iterator[Peer]:
        """Give a connection for the block.  Raises PeerLost; one that fails in the block is not used again."""
        try:
            peer = self._idle.setdefault(partner, []).pop()
        except IndexError:
            peer = self._connected(partner)
        self._busy.append(peer)
        try:
            yield peer
        except BaseException as e:
            log.debug("%s: %s", partner.name, e)
            peer.close()
            raise
        finally:
            self._busy.remove(peer)
        self._idle[partner].append(peer)

    def stop(self) -> None:
        """Have all that is under way in other threads fail soon, and begin nothing anew."""
        self._stopped = True
        for server in list(self._servers.values()):
            server.stopped = True
        for peer in list(self._busy):
            peer.close()

    def _two(self, partner: Partner) -> bool:
        """Say whether there are two connections to a host; nobody is asked for a password for the second."""
        with suppress(PeerLost), self.borrowed(partner):
            if self._idle[partner]:
                return True
            with suppress(PeerLost):
                self._idle[partner].append(self._by_shell(partner, ("-o", "BatchMode=yes")))
                return True
        return False

    def _connected(self, partner: Partner) -> Peer:
        """Connect, unless that has failed before."""
        if self._stopped or partner in self._dead:
            raise PeerLost(f"{partner.name} could not be reached")
        try:
            return self._by_web(partner) or self._by_shell(partner)
        except PeerLost as e:
            log.debug("%s: %s", partner.name, e)
            self._dead.add(partner)
            raise

    def _by_shell(self, partner: Partner, options: Sequence[str] = ()) -> Peer:
        from rookery.annex.p2p.shell import ShellPeer, command_line  # start-up: only who connects needs it

        assert isinstance(partner.address, ShellAddress)
        address = partner.address._replace(options=(*partner.address.options, *options))
        line = command_line(address, self._repo, self._settings, here=self._here, there=partner.uuid)
        return ShellPeer(self._repo, line, partner.uuid)

    def _by_web(self, partner: Partner) -> Peer | None:
        if isinstance(partner.address, ShellAddress):
            return None
        from rookery.annex.p2p.server import Server  # start-up: HTTP and TLS take long to load
        from rookery.annex.p2p.web import WebPeer

        with self._making:  # one thread finds out what the others need to know too
            server = self._servers.get(partner)
            if server is None:
                server = Server(self._repo, self._settings, partner.address, self._here, partner.uuid)
                peer = WebPeer(server)
                self._servers[partner] = server
                return peer
        return WebPeer(server)
