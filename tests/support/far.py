"""Siblings that only the P2P protocol reaches: through a stand-in for ssh, or git-annex's HTTP server."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Literal

from support.clones import World

Transport = Literal["ssh", "http"]

# Does what sshd does with a command, on this machine.  Each start is a line in a file; `through` changes what is said.
SHELL = """#!/bin/sh
for command; do :; done
echo "$command" >> {log}
{through}
exec sh -c "$command"
"""


def stand_in(folder: Path, through: str = "") -> Path:
    """Make a stand-in for ssh, and give its path; `folder/log` will have each command on the other side.

    `through` is shell code with `$command`, which may end the script.
    """
    folder.mkdir(exist_ok=True)
    script = folder / "ssh"
    script.write_text(SHELL.format(log=shlex.quote(str(folder / "log")), through=through))
    script.chmod(0o755)
    return script


def by_shell(world: World, script: Path) -> World:
    """Give the same world, whose repositories reach each other by a stand-in for ssh."""
    env = {**world.env, "GIT_SSH_COMMAND": str(script), "GIT_ANNEX_USE_GIT_SSH": "1"}
    apart = world._replace(env=env, git=world.git.having(env))
    _each_remote(apart, lambda target: f"ssh://elsewhere{target}")
    return apart


@contextlib.contextmanager
def served(
    world: World, *options: str, env: Mapping[str, str] | None = None, allowed: str = "127.0.0.1"
) -> Iterator[World]:
    """Give the same world, whose repositories reach each other by one HTTP server."""
    port = free_port()
    server = start_server(world, port, *options, env=env)
    try:
        by_http(world, port, allowed=allowed)
        yield world
    finally:
        server.terminate()
        server.wait(20)


def start_server(
    world: World, port: int, *options: str, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start an HTTP server for all repositories of a world, and give it when it answers."""
    argv = ["git-annex", "p2phttp", f"--directory={world.root}", "--bind=127.0.0.1", f"--port={port}", "-J4"]
    server = subprocess.Popen(
        [*argv, *(options or ("--wideopen",))],
        cwd=world.root / "source",
        env={**world.env, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        process_group=0,
    )
    _until_it_answers(server, port)
    return server


def kill_server(server: subprocess.Popen[bytes]) -> None:
    """Kill an HTTP server, and wait until the Git programs that it had started, and that now are alone, end too."""
    server.kill()
    server.wait()
    for _ in range(2_000):
        try:
            os.killpg(server.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.01)
    raise RuntimeError("a program of the killed server goes on and on")


def by_http(world: World, port: int, *, allowed: str = "127.0.0.1") -> None:
    """Let the repositories of a world reach each other by an HTTP server."""
    _each_remote(world, str, f"annex+http://127.0.0.1:{port}/")
    for name in ("source", "clone"):
        world.set(name, "annex.security.allowed-ip-addresses", allowed)


def _each_remote(world: World, url: Callable[[Path], str], annexurl: str | None = None) -> None:
    for name, remote, target in (
        ("clone", "origin", "source"),
        ("clone", "bare", "bare"),
        ("source", "bare", "bare"),
        ("source", "clone", "clone"),
    ):
        world.set(name, f"remote.{remote}.url", url(world.root / target))
        if annexurl:
            world.set(name, f"remote.{remote}.annexurl", annexurl.rstrip("/"))


def _until_it_answers(server: subprocess.Popen[bytes], port: int) -> None:
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.025)
            break
    raise RuntimeError("git annex p2phttp did not start")


def free_port() -> int:
    """Give a port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def large(world: World, size: int = 3_000_000) -> str:
    """Add a file to the source, of which a piece can be missing, and give its key."""
    (world.root / "source/large.bin").write_bytes(os.urandom(size))
    world.annex("source", "add", "-q", "large.bin")
    world.git("commit", "-qm", "Large", cwd=world.root / "source")
    world.git("fetch", "-q", "origin", cwd=world.root / "clone")
    world.git("merge", "-q", "origin/main", cwd=world.root / "clone")
    return world.annex("source", "lookupkey", "large.bin").strip()
