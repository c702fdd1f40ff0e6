"""Who is measured: which program, whether it is here, in which version."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple


class Peer(NamedTuple):
    """One tool; `version` is the command that tells its version, `wanted` what to do when it is not here."""

    name: str
    program: str
    version: str
    wanted: str


PEERS = {
    peer.name: peer
    for peer in (
        Peer("rookery", "rookery", "rookery --version", "it comes with this source"),
        Peer("datalad", "datalad", "datalad --version", "pip install datalad, in the environment of ./run"),
        Peer("git-annex", "git-annex", "git-annex version --raw", "pip install git-annex"),
        Peer("dvc", "dvc", "dvc --version", "pip install dvc, in an environment of its own: .venv/dvc"),
        Peer("git-lfs", "git-lfs", "git-lfs --version", "apt-get install git-lfs"),
        Peer("git", "git", "git --version", "apt-get install git"),
        # Not a tool but the least that the work takes: a bare Python, a checksum, a copy, curl.
        Peer("floor", "curl", "curl --version", "apt-get install curl"),
    )
}


def here(name: str) -> bool:
    """Say whether a peer can be run."""
    return shutil.which(PEERS[name].program) is not None


def version(name: str) -> str:
    """Give the version as the tool tells it, without its name; Rookery's with the commit that is measured."""
    ended = subprocess.run(PEERS[name].version.split(), capture_output=True, text=True, check=True)
    first = ended.stdout.splitlines()[0]
    for before in ("git version ", "git-lfs/", "datalad ", "rookery ", "Rookery "):
        first = first.removeprefix(before)
    if name == "rookery":
        return f"{first} ({commit()})"
    return first.split()[1] if name == "floor" else first.split()[0].split("-g")[0]  # without the commit


def commit() -> str:
    """Give the commit of this source, `-dirty` if it is not quite that; `no repository` outside one."""
    words = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    ended = subprocess.run(words, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return ended.stdout.strip() or "no repository"
