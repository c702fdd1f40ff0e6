"""Ten pushes of one-line commits to a 25 MB history in a deposit: with our helper, datalad-next's, and `annex::`.

Bytes are what has changed in the folder that the special remote keeps.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

COMMITS = 2000
BYTES = 25 << 20
PUSHES = 10
THEIRS = "from datalad_next.gitremotes.datalad_annex import main; main()"
OURS = "from rookery.cli.remote_helper import main; main()"


class Helper(NamedTuple):
    """One way to keep a repository in a special remote: the program behind the URL, and the URL."""

    name: str
    code: str | None
    url: str


HELPERS = (
    Helper("rookery", OURS, "datalad-annex::?type=directory&directory={place}&encryption=none"),
    Helper("datalad-next", THEIRS, "datalad-annex::?type=directory&directory={place}&encryption=none"),
    Helper("git-annex `annex::`", None, "annex::{uuid}?type=directory&directory={place}&encryption=none"),
)


class Step(NamedTuple):
    """What one command took."""

    seconds: float
    sent: int


def history(folder: Path) -> None:
    """Make a repository whose history is a pack of about 25 MB."""
    chance = random.Random(1)
    subprocess.run(["git", "init", "-q", folder], check=True)
    each = BYTES // COMMITS
    lines = []
    for number in range(COMMITS):
        content = chance.randbytes(each)
        lines.append(
            b"commit refs/heads/main\ncommitter B <b@example.org> %d +0000\ndata 1\nx\n" % (number + 1)
            + b"M 100644 inline file-%d\ndata %d\n" % (number % 200, len(content))
            + content
            + b"\n"
        )
    subprocess.run(["git", "fast-import", "--quiet"], cwd=folder, input=b"".join(lines), check=True)
    subprocess.run(["git", "reset", "-q", "--hard"], cwd=folder, check=True)
    subprocess.run(["git", "annex", "init", "-q"], cwd=folder, check=True, capture_output=True)


def sizes(place: Path) -> dict[str, tuple[int, int]]:
    """Give inode and size of all files of a place."""
    found = {}
    for top, _, names in os.walk(place):
        for name in names:
            there = os.stat(os.path.join(top, name))
            found[os.path.join(top, name)] = (there.st_ino, there.st_size)
    return found


def timed(argv: list[str], cwd: Path, env: Mapping[str, str], place: Path) -> Step:
    """Run a command; give its time, and the bytes of the files that are new or replaced."""
    before = sizes(place)
    began = time.perf_counter()
    ended = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - began
    if ended.returncode:
        raise SystemExit(f"{' '.join(argv)} failed with {ended.returncode}\n{ended.stderr}")
    return Step(seconds, sum(now[1] for name, now in sizes(place).items() if before.get(name) != now))


def with_helper(helper: Helper, root: Path) -> dict[str, str]:
    """Give an environment in which Git finds this helper first."""
    env = dict(os.environ)
    if helper.code is not None:
        folder = root / "bin"
        folder.mkdir()
        program = folder / "git-remote-datalad-annex"
        program.write_text(f'#!/bin/sh\nexec \'{sys.executable}\' -c "{helper.code}" "$@"\n')
        program.chmod(0o755)
        env["PATH"] = os.pathsep.join([str(folder), env["PATH"]])
    return env


def measure(helper: Helper, root: Path) -> list[tuple[str, Step]]:
    """Push, ten times more, nothing, and clone."""
    root.mkdir()
    work, place = root / "work", root / "place"
    place.mkdir()
    history(work)
    env = with_helper(helper, root)
    url = helper.url.format(place=place, uuid="6a3c2c5e-6a7e-4c0b-9b55-3f6f3a0d1a01")
    if helper.code is None:
        words = [
            "type=directory",
            f"directory={place}",
            "encryption=none",
            "uuid=6a3c2c5e-6a7e-4c0b-9b55-3f6f3a0d1a01",
        ]
        subprocess.run(["git", "annex", "initremote", "-q", "shelf", *words], cwd=work, env=env, check=True)
        subprocess.run(["git", "config", "remote.shelf.url", "annex::"], cwd=work, check=True)
        subprocess.run(
            ["git", "config", "remote.shelf.fetch", "+refs/heads/*:refs/remotes/shelf/*"],
            cwd=work,
            check=True,
        )
    else:
        subprocess.run(["git", "remote", "add", "shelf", url], cwd=work, check=True)
    push = ["git", "push", "-q", "shelf", "main"]
    taken = [("first push", timed(push, work, env, place))]
    steps = []
    for number in range(PUSHES):
        (work / "file-0").write_text(f"line {number}\n")
        subprocess.run(["git", "commit", "-q", "-am", "one line"], cwd=work, check=True)
        steps.append(timed(push, work, env, place))
    seconds, sent = sum(s.seconds for s in steps) / PUSHES, sum(s.sent for s in steps) // PUSHES
    taken.append(("each of 10 pushes", Step(seconds, sent)))
    taken.append(("a push of nothing", timed(push, work, env, place)))
    taken.append(("clone", timed(["git", "clone", "-q", url, "clone"], root, env, place)))
    return taken


def table(root: Path) -> str:
    """Measure all, and lay it out."""
    root.mkdir()
    rows: dict[str, list[str]] = {}
    for number, helper in enumerate(HELPERS):
        for name, step in measure(helper, root / str(number)):
            sent = "" if name == "clone" else f", {step.sent:,} bytes"
            rows.setdefault(name, []).append(f"{step.seconds:.1f} s{sent}")
    lines = ["| | " + " | ".join(helper.name for helper in HELPERS) + " |", "|---|" + "---|" * len(HELPERS)]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows.items()]
    return "\n".join(lines)
