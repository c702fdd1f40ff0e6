"""Deposits for tests: places of every kind, and Git with our helper or with datalad-next's.

Both tools install a program of the same name.  Which of them Git finds must not hang on
who was installed last: each side has a folder of its own, first in PATH.
"""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from support.home import Home
from support.programs import Program

CIPHER = base64.b64encode(bytes(range(33, 127)) * 3).decode()

OURS = {
    "git-annex-backend-XDLRA": "from rookery.cli.annex_backend import legacy; legacy()",
    "git-annex-backend-XDLRB": "from rookery.cli.annex_backend import registers; registers()",
}
THEIRS = {
    "git-remote-datalad-annex": "from datalad_next.gitremotes.datalad_annex import main; main()",
    "git-annex-backend-XDLRA": "from datalad_next.annexbackends.xdlra import main; main()",
}

# What a URL says of each kind of place, but where it is.
KINDS: Mapping[str, str] = {
    "directory": "type=directory&directory={place}&encryption=none",
    "directory-export": "type=directory&directory={place}&encryption=none&exporttree=yes",
    "directory-uncompressed": "type=directory&directory={place}&encryption=none&dladotgit=uncompressed",
    "directory-encrypted": "type=directory&directory={place}&encryption=shared&cipher={cipher}",
    "rsync": "type=rsync&rsyncurl={place}&encryption=none",
    "rsync-export": "type=rsync&rsyncurl={place}&encryption=none&exporttree=yes",
    "external": "type=external&externaltype=testfolder&directory={place}&encryption=none",
    "external-export": "type=external&externaltype=testfolder&directory={place}&encryption=none&exporttree=yes",
}


class Deposits:
    """Places in a folder; `ours` and `theirs` are Git with the one and the other helper."""

    def __init__(self, home: Home, folder: Path) -> None:
        self.folder = folder
        shared = {"git-annex-remote-testfolder": str(Path(__file__).with_name("folder_remote.py"))}
        watched = {"git-remote-datalad-annex": str(Path(__file__).with_name("watched.py"))}
        self.ours = self._git(home, "ours", OURS, shared | watched)
        self.theirs = self._git(home, "theirs", THEIRS, shared)

    def _git(self, home: Home, side: str, programs: Mapping[str, str], scripts: Mapping[str, str]) -> Program:
        folder = home.path / f"bin-{side}"
        folder.mkdir()
        lines = {name: f'-c "{code}"' for name, code in programs.items()}
        lines |= {name: f"'{script}'" for name, script in scripts.items()}
        for name, line in lines.items():
            (folder / name).write_text(f"#!/bin/sh\nexec '{sys.executable}' {line} \"$@\"\n")
            (folder / name).chmod(0o755)
        path = os.pathsep.join([str(folder), home.env["PATH"]])
        return Program(["git"], {**home.env, "PATH": path}, self.folder)

    def place(self, name: str = "place") -> Path:
        """Give the folder of a place, made."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        return folder

    def url(self, kind: str = "directory", name: str = "place", more: str = "") -> str:
        """Give the URL of a place; `more` is put behind it."""
        words = KINDS[kind].format(place=quote(str(self.place(name))), cipher=quote(CIPHER))
        return f"datalad-annex::?{words}{more}"

    def repository(self, name: str = "source", *options: str, commits: int = 2) -> Path:
        """Make a repository with some history on `main`."""
        folder = self.folder / name
        self.ours("init", "-q", *options, str(folder))
        for number in range(commits):
            self.commit(folder, f"file{number}", f"text {number}\n")
        return folder

    def commit(self, folder: Path, file: str = "file", text: str = "text\n") -> str:
        """Commit a file and give the commit."""
        (folder / file).write_text(text)
        git = self.ours.at(folder)
        git("add", file)
        git("commit", "-q", "-m", f"change {file}")
        return self.at(folder)

    def at(self, folder: Path, rev: str = "HEAD") -> str:
        """Give the name of an object."""
        return self.ours("rev-parse", rev, cwd=folder).text

    def refs(self, url: str) -> dict[str, str]:
        """Ask for the refs of a deposit, from outside any repository."""
        lines = self.ours("ls-remote", url, cwd="/").lines
        return {name: sha for sha, name in (line.split("\t") for line in lines)}


def content_of(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Give all files below a folder, in such a way that one that was written again differs."""
    return {
        str(file.relative_to(folder)): (file.stat().st_ino, file.stat().st_mtime_ns, file.read_bytes())
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }
