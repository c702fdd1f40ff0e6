"""Start states that several families share.

Annexes are made with DataLad and git-annex, so that the peers have in them
whatever they would have in their own.
"""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.scenario import Scale, State, Unprepared


def sh(line: str, cwd: Path) -> None:
    """Run a line of the shell that must succeed.  Raises Unprepared with what it said."""
    ended = subprocess.run(["sh", "-ec", line], cwd=cwd, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise Unprepared(f"its start could not be made: {line}\n{ended.stdout}{ended.stderr}")


def write_files(folder: Path, scale: Scale) -> None:
    """Write files of random bytes, five hundred in each folder."""
    chance = random.Random(scale.count)
    for number in range(scale.count):
        path = folder / f"part-{number // 500:03}" / f"file-{number:06}.dat"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            left = scale.size
            while left:
                left -= file.write(chance.randbytes(min(left, 1 << 24)))


def by(line: str, where: str = "ds") -> Callable[[Path, Scale], None]:
    """Give what makes a state by a line of the shell, in one of its folders."""

    def make(place: Path, _: Scale) -> None:
        sh(line, place / where)

    return make


def _files(place: Path, scale: Scale) -> None:
    write_files(place / "ds" / "data", scale)


NOTHING = State("nothing", by(":", "."))

# The annex family: Rookery, DataLad and git-annex, and Git in what they made.
EMPTY = State("empty", by("datalad create ds", "."))
UNSAVED = State("unsaved", _files, EMPTY)
SAVED = State("saved", by("git annex add -q . && git commit -qm 'Add files'"), UNSAVED)
ONE_NEW = State("one-new", by("printf new >new.dat"), SAVED)
CHANGED = State(
    "changed",
    by("rm data/part-000/file-000000.dat && printf changed >data/part-000/file-000000.dat"),
    ONE_NEW,
)
CLONED = State("cloned", by("datalad clone ds clone", "."), SAVED)
COPIED = State("copied", by("git annex get -q .", "clone"), CLONED)
NEWS = State("news", by("printf new >new.dat && git annex add -q . && git commit -qm news"), CLONED)

# A bare sibling that takes content.
SIBLING = (
    "git init -q --bare ../sibling.git && git -C ../sibling.git annex init -q sibling"
    " && git remote add sibling ../sibling.git && git fetch -q sibling && git annex info -q --fast >/dev/null"
)
ANNEX_PUSH = "git annex copy -q --to sibling . && git annex push -q --no-content sibling"
PUBLISHED = State("published", by(SIBLING), SAVED)
PUSHED = State("pushed", by(ANNEX_PUSH), PUBLISHED)


def pushed_by(line: str) -> State:
    """Give the state after a push that each tool has done itself: what it remembers of it, it may use."""
    return State(f"pushed by {' '.join(line.split()[:2])}", by(line), PUSHED)


def new_after(state: State) -> State:
    """Give a state with one new file, saved."""
    add = "printf new >new.dat && git annex add -q new.dat && git commit -qm new"
    return State(f"{state.name}, one new", by(add), state)


# The others: files in plain Git, with git-lfs, with DVC.
PLAIN = State("plain", by("git init -q ds", "."))
PLAIN_UNSAVED = State("plain-unsaved", _files, PLAIN)
PLAIN_SAVED = State("plain-saved", by("git add -A && git commit -qm x"), PLAIN_UNSAVED)
PLAIN_ONE_NEW = State("plain-one-new", by("printf new >data/new.dat"), PLAIN_SAVED)

LFS = State("lfs", by("git init -q ds && cd ds && git lfs install --local && git lfs track '*.dat'", "."))
LFS_UNSAVED = State("lfs-unsaved", _files, LFS)
LFS_SAVED = State("lfs-saved", by("git add -A && git commit -qm x"), LFS_UNSAVED)
LFS_ONE_NEW = State("lfs-one-new", by("printf new >data/new.dat"), LFS_SAVED)
# By URL: git-lfs carries content to a folder by itself only if the remote is a file:// URL.
LFS_PUBLISHED = State(
    "lfs-published",
    by('git init -q --bare ../sibling.git && git remote add sibling "file://$(cd .. && pwd)/sibling.git"'),
    LFS_SAVED,
)
LFS_PUSHED = State("lfs-pushed", by("git push -q sibling main"), LFS_PUBLISHED)
LFS_CLONED = State(
    "lfs-cloned",
    by(
        'GIT_LFS_SKIP_SMUDGE=1 git clone -q "file://$(pwd)/sibling.git" clone'
        " && cd clone && git lfs install --local",
        ".",
    ),
    LFS_PUSHED,
)

DVC = State("dvc", by("git init -q ds && cd ds && dvc init -q && git commit -qm init", "."))
DVC_UNSAVED = State("dvc-unsaved", _files, DVC)
DVC_SAVED = State("dvc-saved", by("dvc add -q data && git add -A && git commit -qm x"), DVC_UNSAVED)
DVC_ONE_NEW = State("dvc-one-new", by("printf new >data/new.dat"), DVC_SAVED)
DVC_PUBLISHED = State(
    "dvc-published",
    by('dvc remote add -q -d sibling "$(cd .. && pwd)/sibling" && git add -A && git commit -qm remote'),
    DVC_SAVED,
)
DVC_PUSHED = State("dvc-pushed", by("dvc push -q"), DVC_PUBLISHED)
DVC_CLONED = State("dvc-cloned", by("git clone -q ds clone", "."), DVC_PUSHED)
