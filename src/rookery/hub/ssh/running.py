"""Do what a command of a client's says, on three streams: for the SSH server, and for a site's own sshd.

Everything here waits: each command has a thread of its own, or a process.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import NamedTuple

from rookery.core.errors import CommandError
from rookery.hub.domain.access import Action, Actor
from rookery.hub.domain.errors import HubError, NotFound
from rookery.hub.p2p.session import Session
from rookery.hub.p2p.wire import Wire
from rookery.hub.services.history import Service
from rookery.hub.services.hub import Hub
from rookery.hub.ssh.commands import Command, ConfigList, Greeting, Nothing, P2pStdio, Talk, parse

# So often a lock that a connected client holds is renewed while it lasts.
RENEWALS = 4


class Ends(NamedTuple):
    """The near ends of a command's streams.

    `read` waits for what comes and gives nothing at the end; `write` raises
    OSError when nobody is there any more; `complain` (standard error) does not.
    """

    read: Callable[[], bytes]
    write: Callable[[bytes], None]
    complain: Callable[[bytes], None]


def run_command(hub: Hub, actor: Actor, text: str, ends: Ends, *, protocol: str = "") -> int:
    """Do it, and give the exit code.  `protocol` is the client's GIT_PROTOCOL.  Raises OSError if the client goes."""
    try:
        return _run(hub, actor, parse(text), ends, protocol)
    except HubError as e:
        ends.complain("".join(f"{line}\n" for line in [f"hub: {e.message}", *e.hints]).encode())
        return 1


def _run(hub: Hub, actor: Actor, command: Command, ends: Ends, protocol: str) -> int:
    match command:
        case Greeting():
            hello = (
                f"You are {actor.name}: this key is known here. There is no shell; use Git and git-annex.\n"
            )
            ends.write(hello.encode())
            return 0
        case Nothing():
            return 0
        case Talk():
            return _talk(hub, actor, command, ends, protocol)
        case ConfigList():
            uuid = hub.gate.enter(actor, command.path, Action.READ).repository.uuid
            ends.write(f"annex.uuid={uuid}\ncore.gcrypt-id=\n".encode())
            return 0
        case P2pStdio():
            uuid = hub.gate.enter(actor, command.path, Action.READ).repository.uuid
            if command.uuid not in (None, uuid):
                raise NotFound(f"the annex of {command.path} is {uuid}, not {command.uuid}")
            wire = Wire(ends.read, ends.write, ends.complain)
            Session(hub.contents, actor, uuid, wire, renew_seconds=hub.limits.lock / RENEWALS).run()
            return 0


def _talk(hub: Hub, actor: Actor, asked: Talk, ends: Ends, protocol: str) -> int:
    """Let Git talk with the client: its input through a pipe of our own, so that every word gets to it at once."""
    talk = hub.history.prepare(actor, asked.path, asked.service, protocol=protocol, stateless=False)
    reading, writing = os.pipe()
    pump = threading.Thread(target=_pump, args=(ends.read, writing), daemon=True)
    try:
        with talk.repo.runner.stream(
            ["git", *talk.argv], cwd=talk.repo.gitdir, stdin=reading, on_stderr=ends.complain
        ) as git:
            os.close(reading)
            reading = -1
            pump.start()
            for piece in git.chunks():
                ends.write(piece)
    except CommandError as e:
        return e.code if e.code and e.code > 0 else 1
    finally:
        if reading >= 0:
            os.close(reading)
            os.close(writing)
        if asked.service is Service.RECEIVE:
            hub.history.settle(actor, talk)  # also if the client left before it heard the answer
    return 0


def _pump(read: Callable[[], bytes], into: int) -> None:
    """Hand on what the client says, until it has said all, or Git listens no longer."""
    try:
        while data := read():
            left = memoryview(data)
            while left:
                left = left[os.write(into, left) :]
    except OSError:
        pass  # Git has ended, and says why; or the client has gone
    finally:
        os.close(into)
