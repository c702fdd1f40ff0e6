"""Datasets whose siblings are reached over ssh or HTTP on loopback, and files whose content is on the web."""

from __future__ import annotations

import atexit
import contextlib
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from tasks import Commands, Task, both, cloned, empty, saved, sh, write_files

LARGE = 200_000_000

_servers: dict[str, subprocess.Popen[bytes]] = {}


def _serve(name: str, argv: Sequence[str | Path], port: int, cwd: Path) -> None:
    """Start a server in the place of the one that the last task had."""
    if (former := _servers.pop(name, None)) is not None:
        former.terminate()
        former.wait()
    nowhere = subprocess.DEVNULL
    server = subprocess.Popen(argv, cwd=cwd, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    _servers[name] = server
    atexit.register(server.terminate)
    while server.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
    raise SystemExit(f"{argv[0]} did not start")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@cache
def _ssh() -> str:
    """Start the tests' ssh server, for the whole run, and give the name of its host."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
    from support.secure_shell import SecureShell

    home = Path(os.environ["HOME"])
    os.environ["PATH"] = f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}"
    server = SecureShell(home / "sshd", os.environ)
    server.prepare(home)
    running = contextlib.ExitStack()
    running.enter_context(server.running())
    atexit.register(running.close)
    return server.host


def _known(ds: Path, remote: str, sibling: Path) -> None:
    uuid = subprocess.run(
        ["git", "config", "annex.uuid"], cwd=sibling, capture_output=True, check=True
    ).stdout
    sh("git", "config", f"remote.{remote}.annex-uuid", uuid.decode().strip(), cwd=ds)


def over_ssh(root: Path, files: int) -> Path:
    """Make a clone, without content, of a dataset on another host."""
    clone = cloned(root, files)
    sh("git", "config", "remote.origin.url", f"ssh://{_ssh()}{root}/ds", cwd=clone)
    _known(clone, "origin", root / "ds")
    return clone


def over_http(root: Path, files: int) -> Path:
    """Make a clone, without content, of a dataset behind a server of git-annex's."""
    clone = cloned(root, files)
    port = _free_port()
    options = ["--wideopen", "--bind=127.0.0.1", f"--port={port}", "-J4"]
    _serve("p2phttp", ["git-annex", "p2phttp", *options], port, root / "ds")
    sh("git", "config", "remote.origin.annexurl", f"annex+http://127.0.0.1:{port}", cwd=clone)
    sh("git", "config", "annex.security.allowed-ip-addresses", "127.0.0.1", cwd=clone)
    _known(clone, "origin", root / "ds")
    return clone


def with_content(prepare: Callable[[Path, int], Path]) -> Callable[[Path, int], Path]:
    """Make the same, with all content."""

    def prepared(root: Path, files: int) -> Path:
        clone = prepare(root, files)
        sh("git", "annex", "get", "--quiet", ".", cwd=clone)
        return clone

    return prepared


def with_large(prepare: Callable[[Path, int], Path]) -> Callable[[Path, int], Path]:
    """Make the same, but with one large file besides."""

    def prepared(root: Path, files: int) -> Path:
        clone = prepare(root, 1)
        (root / "ds/large.bin").write_bytes(random.Random(1).randbytes(LARGE))
        sh("git", "annex", "add", "--quiet", ".", cwd=root / "ds")
        sh("git", "commit", "-q", "-m", "Large", cwd=root / "ds")
        sh("git", "fetch", "-q", str(root / "ds"), "+refs/heads/*:refs/remotes/origin/*", cwd=clone)
        sh("git", "merge", "-q", "--ff-only", "origin/main", cwd=clone)
        sh("git", "annex", "merge", "--quiet", cwd=clone)
        return clone

    return prepared


def published_by_ssh(root: Path, files: int) -> Path:
    """Make a dataset with an empty bare sibling on another host."""
    ds = saved(root, files)
    sh("git", "init", "-q", "--bare", "../sibling.git", cwd=ds)
    sh("git", "annex", "init", "-q", cwd=root / "sibling.git")
    sh("git", "remote", "add", "sibling", f"ssh://{_ssh()}{root}/sibling.git", cwd=ds)
    _known(ds, "sibling", root / "sibling.git")
    sh("git", "push", "-q", "sibling", "HEAD", cwd=ds)
    sh("git", "fetch", "-q", "sibling", cwd=ds)
    return ds


def on_the_web(root: Path, files: int) -> Path:
    """Make a dataset with files that are on the web alone."""
    web = root / "web"
    write_files(web, files)
    port = _free_port()
    _serve("web", [sys.executable, "-m", "http.server", "--bind=127.0.0.1", str(port)], port, web)
    ds = empty(root, files)
    sh("git", "config", "annex.security.allowed-ip-addresses", "127.0.0.1", cwd=ds)
    lines = "".join(
        f"http://127.0.0.1:{port}/{file.relative_to(web)} {file.name}\n" for file in web.rglob("*.dat")
    )
    adding = ["git", "annex", "addurl", "--quiet", "--batch", "--with-files", "-J4"]
    subprocess.run(adding, cwd=ds, input=lines.encode(), stdout=subprocess.DEVNULL, check=True)
    sh("git", "commit", "-q", "-m", "Add files", cwd=ds)
    sh("git", "annex", "drop", "--quiet", "--force", ".", cwd=ds)
    return ds


GET: Commands = both("get", ".", annex="git annex get -q -J2 .")
DROP: Commands = both("drop", ".", annex="git annex drop -q -J2 .")

TASKS = (
    Task("get, ssh", over_ssh, GET),
    Task("get, HTTP", over_http, GET),
    Task("get 200 MB, ssh", with_large(over_ssh), GET),
    Task("get 200 MB, HTTP", with_large(over_http), GET),
    Task("drop, ssh", with_content(over_ssh), DROP),
    Task("drop, HTTP", with_content(over_http), DROP),
    Task(
        "push, ssh",
        published_by_ssh,
        both(
            "push",
            "--to",
            "sibling",
            annex="git annex copy -q -J2 --to sibling . && git annex push -q --no-content sibling",
        ),
    ),
    Task("get, web", on_the_web, GET),
)
