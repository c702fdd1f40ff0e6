"""Histories in a bare repository, written beside the hub by one `git fast-import`: thousands of commits in a second."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from rookery.annex.keys import hashdirmixed, key_file

LINK = "120000"
FILE = "100644"
DATASET = "160000"


def annexed(key: str, *, deep: int = 0) -> tuple[str, bytes]:
    """Give the entry of a locked annexed file, `deep` folders below the top."""
    name = key_file(key)
    return LINK, f"{'../' * deep}.git/annex/objects/{hashdirmixed(key)}/{name}/{name}".encode()


class History:
    """Commits on branches, collected, then written by `write`."""

    def __init__(self, now: int = 1_700_000_000) -> None:
        self._now = now
        self._script: list[bytes] = []
        self._tips: set[str] = set()

    def commit(
        self,
        message: str,
        files: Mapping[str, bytes | str | tuple[str, bytes | str] | None] | None = None,
        *,
        branch: str = "main",
        parent: str = "",
        merge: str = "",
        author: str = "Ada Lovelace",
    ) -> History:
        """Add a commit: files by path, None removes one; a pair is mode and content (of a dataset: its commit)."""
        self._now += 60
        ref, text = f"refs/heads/{branch}", message.encode()
        self._say(f"commit {ref}")
        for role in ("author", "committer"):
            self._say(
                f"{role} {author} <{author.split(maxsplit=1)[0].lower()}@example.org> {self._now} +0100"
            )
        self._say(f"data {len(text)}")
        self._script.append(text + b"\n")
        if ref not in self._tips and parent:
            self._say(f"from refs/heads/{parent}")
        if merge:
            self._say(f"merge refs/heads/{merge}")
        self._tips.add(ref)
        for path, content in (files or {}).items():
            self._entry(path, content)
        return self

    def _entry(self, path: str, content: bytes | str | tuple[str, bytes | str] | None) -> None:
        if content is None:
            self._say(f"D {path}")
            return
        mode, data = content if isinstance(content, tuple) else (FILE, content)
        raw = data.encode() if isinstance(data, str) else data
        if mode == DATASET:
            self._say(f"M {mode} {raw.decode()} {path}")
            return
        self._say(f"M {mode} inline {path}\ndata {len(raw)}")
        self._script.append(raw + b"\n")

    def rename(self, old: str, new: str) -> History:
        """Let the last commit rename a file."""
        self._say(f'R "{old}" {new}')
        return self

    def tag(self, name: str, branch: str = "main") -> History:
        """Tag where a branch is now."""
        self._say(f"reset refs/tags/{name}\nfrom refs/heads/{branch}\n")
        return self

    def _say(self, line: str) -> None:
        self._script.append(line.encode() + b"\n")

    def write(self, place: Path) -> str:
        """Write all of it into a repository; give the commit that `main` is at then."""
        env = {"PATH": os.environ["PATH"], "HOME": str(place)}
        argv = ["git", "fast-import", "--quiet", "--force", "--done"]
        subprocess.run(argv, cwd=place, env=env, input=b"".join([*self._script, b"done\n"]), check=True)
        self._script.clear()
        argv = ["git", "rev-parse", "main"]
        return (
            subprocess.run(argv, cwd=place, env=env, capture_output=True, check=True).stdout.decode().strip()
        )
