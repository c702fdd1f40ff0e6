"""With siblings over ssh and over HTTP on loopback, and with files that are on the web alone."""

from __future__ import annotations

import atexit
import contextlib
import os
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

from bench import states
from bench.checks import content, every, logged, no_content, same_branch, sound, store
from bench.scenario import (
    Check,
    Command,
    Scale,
    Scenario,
    State,
    Unprepared,
    both,
    commands,
    shell,
    words,
)
from bench.scenarios import web
from bench.states import by, sh

FAMILY = "elsewhere"
SCALES = (Scale(1000),)
LARGE = (Scale(1, 200_000_000),)

# Seconds that git-annex's HTTP server may take to listen.
PATIENCE = 60.0


def host() -> str:
    """Give the name of a host that is this machine, for the ssh of this run's home."""
    return _sshd(Path(os.environ["HOME"]))


@cache
def _sshd(home: Path) -> str:
    """Start the ssh server of the tests, which ends with this program."""
    sys.path.insert(0, str(Path(__file__).parents[3] / "tests"))
    from support.secure_shell import SecureShell

    os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    server = SecureShell(home / "sshd", os.environ)
    server.prepare(home)
    running = contextlib.ExitStack()
    running.enter_context(server.running())
    atexit.register(running.close)
    return server.host


@cache
def port() -> int:
    """Give the port of this run's HTTP server, which was free when this was first asked for."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


_serving: list[subprocess.Popen[bytes]] = []


def serve(folder: Path) -> None:
    """Start git-annex's HTTP server anew for the repositories in a folder; it ends with this program.

    Anew, since one that served the copies before has their files open, and goes
    on in a folder that was moved away.  Raises Unprepared.
    """
    stop_serving()
    options = ["--wideopen", "--bind=127.0.0.1", f"--port={port()}", "-J4"]
    with open(os.devnull, "r+b") as nothing:
        process = subprocess.Popen(
            ["git-annex", "p2phttp", f"--directory={folder}", *options],
            cwd=folder / "ds",
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
        )
    _serving.append(process)
    deadline = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port()), 1):
            return
        time.sleep(0.02)
    stop_serving()
    raise Unprepared("git annex p2phttp did not start")


@atexit.register
def stop_serving() -> None:
    """End the HTTP server, if there is one."""
    while _serving:
        process = _serving.pop()
        process.kill()
        process.wait()


# git-annex would leave an ssh behind for the next command, for whose end the count of processes waits.
NO_SSH_LEFT = "git config annex.sshcaching false"


def _far(place: Path, _: Scale) -> None:
    sh(NO_SSH_LEFT, place / "clone")
    sh(f"git config remote.origin.url ssh://{host()}{place}/ds", place / "clone")
    sh("git annex info -q --fast >/dev/null", place / "clone")


def _behind_http(place: Path, _: Scale) -> None:
    sh(f"git config remote.origin.annexurl annex+http://127.0.0.1:{port()}", place / "clone")
    sh("git config annex.security.allowed-ip-addresses 127.0.0.1", place / "clone")


def _published(place: Path, _: Scale) -> None:
    sh(NO_SSH_LEFT, place / "ds")
    sh(f"git config remote.sibling.url ssh://{host()}{place}/sibling.git", place / "ds")


def _on_the_web(place: Path, _: Scale) -> None:
    sh("git config annex.security.allowed-ip-addresses 127.0.0.1", place / "ds")
    sh("git annex addurl -q -J4 --batch --with-files <../batch", place / "ds")
    sh("git commit -qm x && git annex drop -q --force .", place / "ds")


BY_SSH = State("by-ssh", _far, states.CLONED)
BY_HTTP = State("by-http", _behind_http, states.CLONED, serve)
HAD_BY_SSH = State("had-by-ssh", by("git annex get -q .", "clone"), BY_SSH)
HAD_BY_HTTP = State("had-by-http", by("git annex get -q .", "clone"), BY_HTTP)
PUBLISHED = State("published-by-ssh", _published, states.PUBLISHED)
ON_THE_WEB = State("on-the-web", _on_the_web, web.WEB)

GET = {**both("get ."), "git-annex": words("git-annex get -q -J2 .")}
DROP = {**both("drop ."), "git-annex": words("git-annex drop -q -J2 .")}
PUSH = {
    **both("push --to sibling"),
    "git-annex": shell("git annex copy -q -J2 --to sibling . && git annex push -q --no-content sibling"),
}
HAS_IT: Check = every(content("clone"), sound("clone"))
LOST_IT: Check = every(no_content("clone"), content("ds"), sound("ds"))
ARRIVED: Check = every(
    store("sibling.git/annex/objects"), same_branch("ds", "sibling.git"), logged("sibling")
)
CAME: Check = every(content("ds"), sound("ds"))


def _moved(name: str, what: str, argvs: dict[str, tuple[str, ...]], start: State, check: Check) -> Scenario:
    return Scenario(FAMILY, name, what, commands(argvs, start, check, cwd="clone"), SCALES)


SCENARIOS = (
    _moved("get-ssh", "get all content, over ssh", GET, BY_SSH, HAS_IT),
    _moved("get-http", "get all content, over HTTP", GET, BY_HTTP, HAS_IT),
    _moved("drop-ssh", "drop content of which there is a copy over ssh", DROP, HAD_BY_SSH, LOST_IT),
    _moved("drop-http", "drop content of which there is a copy over HTTP", DROP, HAD_BY_HTTP, LOST_IT),
    Scenario(
        FAMILY,
        "push-ssh",
        "push history and all content, over ssh",
        {peer: Command(argv, PUBLISHED, ARRIVED) for peer, argv in PUSH.items()},
        SCALES,
    ),
    Scenario(
        FAMILY,
        "get-ssh-big",
        "get one large file, over ssh",
        commands(GET, BY_SSH, HAS_IT, cwd="clone"),
        LARGE,
    ),
    Scenario(
        FAMILY,
        "get-http-big",
        "get one large file, over HTTP",
        commands(GET, BY_HTTP, HAS_IT, cwd="clone"),
        LARGE,
    ),
    Scenario(
        FAMILY,
        "get-web",
        "get all content, from the web",
        {peer: Command(argv, ON_THE_WEB, CAME) for peer, argv in GET.items()},
        web.SCALES,
    ),
)
