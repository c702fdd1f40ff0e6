"""Content to a server and back: to the hub over HTTP and SSH, to git-annex's own server, and to one that does nothing.

The clients are stock git-annex and Rookery, whose push sends the history too.
What git-annex takes with a server that does nothing is its own time: no server can be faster with it.
The server's memory is the peak of the processes that serve.
"""

from __future__ import annotations

import json
import os
import random
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import instant
from bench.places import remove

SMALL_FILES, SMALL_BYTES = 1000, 1000
LARGE_BYTES = 1 << 30


class Client(NamedTuple):
    """How somebody sends all to the remote `there`, and gets all."""

    send: list[str]
    fetch: list[str]


class Remote(NamedTuple):
    """Where content goes: settings of a remote, and the process that serves it."""

    settings: dict[str, str]
    pid: int


def run(*argv: str, cwd: Path, stdin: str = "") -> str:
    """Run a command that must succeed; give its output."""
    ended = subprocess.run(argv, cwd=cwd, input=stdin, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise SystemExit(f"{' '.join(argv)} failed with {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def memory(pid: int) -> int:
    """Give the most memory that a process and its children have had, in bytes."""
    most = 0
    for folder in [Path(f"/proc/{pid}"), *(Path(f"/proc/{child}") for child in children(pid))]:
        for line in (folder / "status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                most = max(most, int(line.split()[1]) << 10)
    return most


def children(pid: int) -> list[str]:
    """Give the processes that a process has started and that still run."""
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for task in tasks for child in task.read_text().split()]


@contextmanager
def listening(argv: list[str], port: str, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server for the block, once it can be connected to."""
    with subprocess.Popen(argv, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", int(port)), 1).close()
                    break
                except OSError:
                    time.sleep(0.05)
            yield server
        finally:
            server.terminate()


def free_port() -> str:
    """Give a port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@contextmanager
def peer(root: Path) -> Iterator[Remote]:
    """Serve the content of a bare repository with git-annex's own server, and its history with Git's."""
    place = root / "peer.git"
    run("git", "init", "-q", "--bare", str(place), cwd=root)
    run("git", "annex", "init", "-q", cwd=place)
    uuid = run("git", "config", "annex.uuid", cwd=place).strip()
    port, history = free_port(), free_port()
    serve = ["git", "annex", "p2phttp", "-J2", "--wideopen", "--bind", "127.0.0.1", "--port", port]
    daemon = ["git", "daemon", "--export-all", "--enable=receive-pack", f"--base-path={root}"]
    with (
        listening(serve, port, place) as server,
        listening([*daemon, "--listen=127.0.0.1", f"--port={history}"], history, root),
    ):
        settings = {
            "url": f"git://127.0.0.1:{history}/peer.git",
            "annexurl": f"annex+http://127.0.0.1:{port}/git-annex/",
            "annex-uuid": uuid,
        }
        yield Remote(settings, server.pid)


@contextmanager
def nothing(root: Path) -> Iterator[Remote]:
    """Serve what does no work."""
    with subprocess.Popen(
        [sys.executable, "-m", "bench.instant"], cwd=root, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(Path(instant.__file__).parents[1])},
    ) as server:  # fmt: skip
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        settings = {"url": f"{url}/none", "annexurl": f"annex+{url}/", "annex-uuid": instant.UUID}
        yield Remote(settings, server.pid)
        server.terminate()


@contextmanager
def hub(root: Path, *, over_ssh: bool = False) -> Iterator[Remote]:
    """Serve a hub, with one repository that the person of this home may write."""
    data, home = root / "hub", Path(os.environ["HOME"])
    rookery = [sys.executable, "-m", "rookery", "hub"]
    serve = [*rookery, "serve", "--data", str(data), "--http", "127.0.0.1:0", "--ssh", "127.0.0.1:0"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        http, ssh = (server.stdout.readline().split()[-1] for _ in range(2))
        add = ["user", "add", "ada", "--data", str(data), "--email", "ada@example.org", "--password-stdin"]
        run(*rookery, *add, cwd=root, stdin="correct horse\n")
        token = run(*rookery, "user", "token", "ada", "--data", str(data), cwd=root).split()[-1]

        def api(path: str, body: dict[str, object]) -> None:
            told = {"Authorization": f"token {token}", "Content-Type": "application/json"}
            asked = urllib.request.Request(f"{http}/api/v1/{path}", json.dumps(body).encode(), told)
            urllib.request.urlopen(asked).close()

        api("user/repos", {"name": "data", "private": True})
        (home / ".git-credentials").write_text(f"{http.replace('://', f'://ada:{token}@')}\n")
        key = root / "key"
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key), cwd=root)
        api("user/keys", {"title": "bench", "key": key.with_suffix(".pub").read_text()})
        known = f"-o StrictHostKeyChecking=no -o UserKnownHostsFile={root}/known"
        options = f"-i {key} -o IdentitiesOnly=yes {known} -F none"
        url = f"{ssh if over_ssh else http}/ada/data.git"
        yield Remote({"url": url, "annex-ssh-options": options}, server.pid)
        server.terminate()


def dataset(root: Path, sizes: list[int], remote: Remote) -> Path:
    """Make a repository with annexed files of these sizes, that knows the remote."""
    work, chance = root / "work", random.Random(7)
    run("git", "init", "-q", str(work), cwd=root)
    run("git", "annex", "init", "-q", cwd=work)
    for number, size in enumerate(sizes):
        with (work / f"file-{number}").open("wb") as file:
            for _ in range(0, size, 1 << 24):
                file.write(chance.randbytes(min(size, 1 << 24)))
    run("git", "annex", "add", "-q", ".", cwd=work)
    run("git", "commit", "-qm", "files", cwd=work)
    for name, value in remote.settings.items():
        run("git", "config", f"remote.there.{name}", value, cwd=work)
    run("git", "annex", "info", "-q", "there", cwd=work)
    return work


def timed(*argv: str, cwd: Path) -> float:
    """Run a command; give seconds."""
    began = time.perf_counter()
    run(*argv, cwd=cwd)
    return time.perf_counter() - began


ANNEX = Client(["git", "annex", "copy", "-q", "--to", "there", "."], ["git", "annex", "get", "-q", "."])
ROOKERY = Client(
    [sys.executable, "-m", "rookery", "push", "--to", "there"], [sys.executable, "-m", "rookery", "get", "."]
)
PEER = "git-annex, p2phttp -J2"
SERVERS: dict[str, tuple[Client, Callable[[Path], AbstractContextManager[Remote]]]] = {
    PEER: (ANNEX, peer),
    "git-annex, hub": (ANNEX, hub),
    "git-annex, hub over SSH": (ANNEX, partial(hub, over_ssh=True)),
    "git-annex, nothing": (ANNEX, nothing),
    "rookery, p2phttp -J2": (ROOKERY, peer),
    "rookery, hub": (ROOKERY, hub),
}


def measure(server: str, root: Path, sizes: list[int]) -> tuple[float, float, int]:
    """Send all and get all; give seconds of each, and the server's memory."""
    root.mkdir()
    client, serving = SERVERS[server]
    with serving(root) as remote:
        work = dataset(root, sizes, remote)
        up = timed(*client.send, cwd=work)
        run("git", "annex", "drop", "-q", "--force", ".", cwd=work)
        down = timed(*client.fetch, cwd=work)
        return up, down, memory(remote.pid)


def lines(root: Path, runs: int) -> Iterator[str]:
    """Measure all servers in turn, and yield the table, line by line."""
    root.mkdir()
    with (Path(os.environ["HOME"]) / ".gitconfig").open("a") as config:
        config.write(
            '[credential]\n\thelper = store\n[annex "security"]\n\tallowed-ip-addresses = 127.0.0.1\n'
        )
    yield _line(["", *SERVERS])
    yield _line(["---"] * (len(SERVERS) + 1))
    for name, sizes in (
        (f"{SMALL_FILES} files of {SMALL_BYTES} bytes", [SMALL_BYTES] * SMALL_FILES),
        ("one file of 1 GiB", [LARGE_BYTES]),
    ):
        taken: dict[str, list[tuple[float, float, int]]] = {server: [] for server in SERVERS}
        for number in range(runs):
            for server in SERVERS:  # in turn, so that a busy moment hits all
                place = root / f"{number}"
                taken[server].append(measure(server, place, sizes))
                remove(place)
        for way, index in (("up", 0), ("down", 1)):
            theirs = statistics.median(figures[index] for figures in taken[PEER])
            medians = [statistics.median(figures[index] for figures in taken[server]) for server in SERVERS]
            yield _line([f"{name}, {way}", *(f"{each:.1f} s ({theirs / each:.1f}x)" for each in medians)])
        most = [max(figures[2] for figures in taken[server]) for server in SERVERS]
        yield _line(["memory of the server", *(f"{each >> 20} MiB" for each in most)])


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"
