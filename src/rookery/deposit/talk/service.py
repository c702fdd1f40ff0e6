"""Git's own services, run on a session: what they say to whom."""

from __future__ import annotations

import os
from collections.abc import Callable

from rookery.core.errors import CommandError
from rookery.core.process import CHUNK
from rookery.deposit.talk.report import HeldReport
from rookery.git.repo import Repo

Write = Callable[[bytes], None]

# The person's settings are for repositories of theirs; this one must take what the deposit can hold, and run nothing.
SETTINGS = {
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
    "receive.autogc": "false",
    "receive.advertisePushOptions": "false",
    "receive.denyCurrentBranch": "ignore",
    "receive.denyDeleteCurrent": "ignore",
    "receive.updateServerInfo": "false",
    "uploadpack.allowAnySHA1InWant": "true",
    "uploadpack.allowFilter": "true",
}


def argv(service: str, repo: Repo) -> list[str]:
    """Give the command line of a service."""
    settings = [part for key, value in SETTINGS.items() for part in ("-c", f"{key}={value}")]
    return ["git", *settings, service.removeprefix("git-"), str(repo.gitdir)]


def serve(repo: Repo, service: str, *, stdin: int, write: Write, complain: Write) -> None:
    """Let Git read.  Raises CommandError."""
    with repo.runner.stream(argv(service, repo), cwd=repo.gitdir, stdin=stdin, on_stderr=complain) as out:
        for piece in out.chunks():
            write(piece)


def receive(
    repo: Repo, *, stdin: int, write: Write, complain: Write
) -> tuple[HeldReport, CommandError | None]:
    """Let Git write, and hold the report back.  Raises BadReport."""
    report = HeldReport()
    try:
        asked = argv("git-receive-pack", repo)
        with repo.runner.stream(asked, cwd=repo.gitdir, stdin=stdin, on_stderr=complain) as out:
            for piece in out.chunks():
                if now := report.feed(piece):
                    write(now)
    except CommandError as e:
        return report, e
    return report, None


def wait_for_end(stdin: int) -> None:
    """Wait until Git has closed its end, which it does when it has stored what it got."""
    while os.read(stdin, CHUNK):
        pass
