"""Start states: made once, kept, and copied to where the command is run."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from pathlib import Path

from bench.scenario import Scale, State

# Bytes of the disk that are left free by what is done with and not removed yet.
FREE = 20_000_000_000


def remove(folder: Path) -> None:
    """Remove a folder although annexed content is write-protected; it need not be there."""
    if not folder.exists():
        return
    for place, _, _ in os.walk(folder):
        os.chmod(place, 0o700)
    shutil.rmtree(folder)


def copy(source: Path, target: Path) -> None:
    """Copy a folder as it is; `cp` for that it shares blocks where the file system can."""
    subprocess.run(["cp", "-a", source, target], check=True)


def refresh(place: Path) -> None:
    """Let every work tree's index know its files, whose inodes are new: no command shall pay for our copying."""
    for git in (*place.glob("*/.git"), *place.glob("*/*/.git")):
        subprocess.run(["git", "update-index", "-q", "--refresh"], cwd=git.parent, check=False)


class Places:
    """The states of one run below a folder: `kept`, and `place`, where commands work.

    What is done with goes to `used` and is removed when the disk gets full: where
    files have been removed ext4 without a journal makes new ones many times slower
    for minutes (it goes past each inode that was freed lately), and that would be
    measured.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._serial = itertools.count()
        self._laid: dict[str, tuple[State, Scale]] = {}

    def lay(self, state: State, scale: Scale) -> Path:
        """Give the folder in which a state lies, fresh unless nothing was written since it was laid."""
        place = self.root / "place" / state.root
        if self._laid.get(state.root) == (state, scale):
            return place
        kept = self.root / "kept" / f"{state.name}-{scale.count}-{scale.size}"
        if not kept.exists():
            self._make(state, scale, kept)
        self._put_away(place)
        place.parent.mkdir(exist_ok=True)
        copy(kept, place)
        refresh(place)
        if state.server is not None:
            state.server(place)
        self._laid[state.root] = (state, scale)
        return place

    def written(self, state: State) -> None:
        """Take note that a command has written where this state was laid."""
        self._laid.pop(state.root, None)

    def _make(self, state: State, scale: Scale, kept: Path) -> None:
        if state.after is not None:
            place = self.lay(state.after, scale)
        else:
            place = self.root / "place" / state.root
            self._put_away(place)
            place.mkdir(parents=True)
        self.written(state)
        state.make(place, scale)
        kept.parent.mkdir(exist_ok=True)
        place.rename(kept)
        # Git compares whole seconds: a file as young as the index is read through git-annex's filter by each status.
        time.sleep(1.1)

    def forget(self, scale: Scale) -> None:
        """Put away all states of a scale that nobody will ask for again."""
        for kept in (self.root / "kept").glob(f"*-{scale.count}-{scale.size}"):
            self._put_away(kept)
        self._put_away(self.root / "place")
        self._laid.clear()

    def _put_away(self, folder: Path) -> None:
        if not folder.exists():
            return
        used = self.root / "used"
        used.mkdir(exist_ok=True)
        os.chmod(folder, 0o700)  # a folder that moves is written to
        folder.rename(used / str(next(self._serial)))
        if shutil.disk_usage(used).free < FREE:
            remove(used)
