"""The SSH server: one user, `git`, whom everybody is; their key says who they are.

Keys are the only way in.  No terminal, no shell, no forwarding, no file
transfer: a channel does one of the commands of `ssh/commands.py`, or nothing.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress

import asyncssh

from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import HubError
from rookery.hub.services.hub import Hub
from rookery.hub.ssh.bridge import HIGH, Bridge
from rookery.hub.ssh.commands import is_git
from rookery.hub.ssh.running import Ends, run_command

USER = "git"

# AES first, for which processors have instructions; clients that have only ChaCha20 find it too.
CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes128-ctr",
)
LOGIN_SECONDS = 30
# A connection of which nothing is heard for three of these is over.
ALIVE_SECONDS = 60


class Limited:
    """How much goes on in this process: commands of everybody together, and Git's programs among them."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.connections = self.commands = 0
        self.idle = asyncio.Event()
        self.idle.set()
        self.git = threading.BoundedSemaphore(hub.limits.git_processes)
        self._share = max(1, hub.limits.git_processes // 2)
        self._shares: dict[str, threading.BoundedSemaphore] = {}
        self._mutex = threading.Lock()

    def share(self, fingerprint: str) -> threading.BoundedSemaphore:
        """Give the places for Git's programs that one key may have, so that it does not take all."""
        with self._mutex:
            return self._shares.setdefault(fingerprint, threading.BoundedSemaphore(self._share))

    def count(self, more: int) -> None:
        """Count commands that run."""
        self.commands += more
        (self.idle.clear if self.commands else self.idle.set)()


class Door(asyncssh.SSHServer):
    """One connection."""

    def __init__(self, limited: Limited) -> None:
        self._limited = limited
        self._hub = limited.hub
        self._fingerprint = self._tried = self._address = ""
        self._commands = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        """Note where it comes from, and end it if there are too many."""
        self._limited.connections += 1
        if self._limited.connections > self._hub.limits.ssh_connections:
            conn.abort()  # before the protocol begins there is no way to say why
        peer = conn.get_extra_info("peername")
        self._address = peer[0] if peer else ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no longer."""
        del exc  # a client that goes away is nothing to report
        self._limited.connections -= 1

    def begin_auth(self, username: str) -> bool:
        """Want to see a key, of everybody."""
        del username  # looked at with the key
        return True

    def public_key_auth_supported(self) -> bool:
        """Take keys."""
        return True

    async def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Say whether a key is known; asyncssh has its owner prove that they have it."""
        fingerprint = key.get_fingerprint("sha256")
        if username != USER:
            return False
        try:
            await asyncio.to_thread(self._hub.identity.by_key, fingerprint, self._address)
        except HubError:
            return False
        self._tried = fingerprint
        return True

    def auth_completed(self) -> None:
        """Keep the key that was proved; what is tried later does not count."""
        self._fingerprint = self._fingerprint or self._tried

    def session_requested(self) -> Bridge | bool:
        """Open a channel for a command, unless there are too many."""
        limits = self._hub.limits
        if self._commands >= limits.ssh_commands or self._limited.commands >= limits.ssh_commands_of_all:
            return False
        self._count(1)
        return Bridge(self._do, lambda: self._count(-1), limits)

    def _count(self, more: int) -> None:
        self._commands += more
        self._limited.count(more)

    def _do(self, text: str, protocol: str, ends: Ends) -> int:
        """Do a command; the key is looked up again, since a connection may be older than its removal."""
        try:
            actor: Actor = self._hub.identity.by_key(self._fingerprint, self._address)
        except HubError as e:
            ends.complain(f"hub: {e.message}\n".encode())
            return 1
        if not is_git(text):
            return run_command(self._hub, actor, text, ends, protocol=protocol)
        with self._limited.share(self._fingerprint), self._limited.git:
            return run_command(self._hub, actor, text, ends, protocol=protocol)


class SshServer:
    """The server on a socket that listens."""

    def __init__(self, hub: Hub, keys: Sequence[asyncssh.SSHKey]) -> None:
        self._limited = Limited(hub)
        self._keys = list(keys)
        self._acceptor: asyncssh.SSHAcceptor | None = None

    async def start(self, sock: socket.socket) -> None:
        """Let people in."""
        self._acceptor = await asyncssh.listen(
            sock=sock,
            server_factory=lambda: Door(self._limited),
            server_host_keys=self._keys,
            server_version="RookeryHub",
            encoding=None,
            encryption_algs=CIPHERS,
            compression_algs=None,
            window=2 * HIGH,
            login_timeout=LOGIN_SECONDS,
            keepalive_interval=ALIVE_SECONDS,
            allow_pty=False,
            line_editor=False,
            agent_forwarding=False,
            x11_forwarding=False,
            password_auth=False,
            kbdint_auth=False,
            gss_host=None,
            config=None,
        )

    async def stop(self, *, patience_seconds: float) -> None:
        """Let nobody in any more, and wait for commands that are under way."""
        assert self._acceptor is not None
        self._acceptor.close()
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                await self._limited.idle.wait()
