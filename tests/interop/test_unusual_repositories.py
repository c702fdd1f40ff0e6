"""Repositories that are set up in unusual ways are left by Rookery as Git and git-annex leave them, modes and all."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.histories import REPOSITORIES, Side, Step, build, copied
from support.home import ENGINE, Home
from support.inside import Inside
from support.programs import Program

HISTORY = (
    Step("write", "work", "a.dat", "", 3),
    Step("save", "work", "", "", 0),
    Step("update", "other", "", "", 0),
    Step("get", "other", "a.dat", "", 0),
    Step("get", "other", "sub/c.dat", "", 0),
    Step("drop", "other", "sub/c.dat", "", 0),
    Step("unlock", "other", "a.dat", "", 0),
    Step("write", "other", "b.txt", "", 4),
    Step("append", "other", "a.dat", "", 0),
    Step("save", "other", "", "", 0),
    Step("publish", "other", "", "", 0),
    Step("copy", "work", "sub/c.dat", "", 0),
    Step("drop", "work", "sub/c.dat", "", 0),
    Step("update", "other", "", "", 0),
)


def with_setting(name: str, value: str) -> Callable[[Side], None]:
    def prepare(side: Side) -> None:
        for place in REPOSITORIES:
            side.git("config", name, value, cwd=side.root / place)

    return prepare


def shared(value: str) -> Callable[[Side], None]:
    """What is there already gets its modes by another `git init`, and by `git annex init`, as people do it."""

    def prepare(side: Side) -> None:
        for place in REPOSITORIES:
            bare = ["--bare"] if place == "bare" else []
            side.git("init", "-q", f"--shared={value}", *bare, cwd=side.root / place)
            side.git("annex", "init", "-q", cwd=side.root / place)

    return prepare


def thin(side: Side) -> None:
    with_setting("annex.thin", "true")(side)
    side.git("annex", "unlock", "-q", "sub/c.dat", cwd=side.root / "work")
    side.git("commit", "-qm", "Unlock", cwd=side.root / "work")


def frozen(side: Side) -> None:
    """Objects are marked by what the setting starts: they must be, and not other ones."""
    with_setting("annex.freezecontent-command", 'touch "$(dirname %path)/../frozen"')(side)


UNUSUAL: dict[str, Callable[[Side], None]] = {
    "shared by a group": shared("group"),
    "shared by all": shared("all"),
    "shared by number": shared("0660"),
    "shared by a group, from somebody who shares nothing": shared("group"),
    "shared by all, from somebody who shares nothing": shared("all"),
    "read by a group, from somebody who shares nothing": shared("0640"),
    "hard links": with_setting("annex.hardlink", "true"),
    "thin": thin,
    "frozen by a command": frozen,
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("unusual") / "template"


# These are tried at every run, the others in a campaign.
EVERY_TIME = ("shared by a group", "read by a group, from somebody who shares nothing", "thin")

# The umask of all that is done; what was there before had the usual one.
PRIVATE = 0o077


@pytest.fixture
def private() -> Iterator[None]:
    before = os.umask(PRIVATE)
    yield
    os.umask(before)


@pytest.mark.parametrize(
    "unusual",
    [name if name in EVERY_TIME else pytest.param(name, marks=pytest.mark.campaign) for name in UNUSUAL],
)
def test_what_is_left_is_the_same(
    unusual: str, template: Path, home: Home, git: Program, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if not template.exists():
        build(template, git)
    if unusual.endswith("who shares nothing"):
        request.getfixturevalue("private")
    ours = copied(template, tmp_path / "ours", git, Inside())
    theirs = copied(template, tmp_path / "theirs", git, None)
    for side in (ours, theirs):
        UNUSUAL[unusual](side)
        for number, step in enumerate(HISTORY):
            side.do(step, number)
        side.settle()
    if unusual.startswith("shared"):
        assert_what_is_our_own_is_shared(ours)
    assert dict(modes(ours.root)) == dict(modes(theirs.root))
    assert links(ours.root) == links(theirs.root)
    assert ours.state() == theirs.state()
    assert complaints(ours) == complaints(theirs)


def complaints(side: Side) -> list[tuple[int, str]]:
    """Let git-annex look at all: where files are thin, or modes are numbers, it is not content with itself."""
    words = ("annex", "fsck", "--quiet", "--all", "--numcopies=1")
    told = [side.git(*words, cwd=side.root / name, code=None) for name in REPOSITORIES]
    return [(answer.code, answer.stdout + answer.stderr) for answer in told]


def assert_what_is_our_own_is_shared(side: Side) -> None:
    """Somebody else of the group has to be able to save where one has saved; notes are replaced as a whole."""
    wanted = stat.S_IRGRP | stat.S_IWGRP
    own = [path for top in side.root.glob("*/.git/rookery") for path in (top, *top.rglob("*"))]
    own = [path for path in own if path.is_dir() or path.name in ("line", "follow")]
    indexes = [side.root / "work/.git/index", side.root / "other/.git/index"]
    locks = [*side.root.glob("*/.git/annex/*.lck"), *side.root.glob("bare/annex/*.lck")]
    assert own
    assert locks
    if ENGINE not in ("", "native"):
        locks = []  # git-annex shares each when it next uses it
    all_of_them = own + indexes + locks
    lacking = {p: oct(p.stat().st_mode) for p in all_of_them if p.stat().st_mode & wanted != wanted}
    assert not lacking


# What each program keeps for itself, comes and goes, or is named by its content.  Of the lines about unlocked
# files git-annex makes a file with the umask or without, as it happens (10.20261026).  A lock from before a repository
# was shared it shares when it next uses it, and we at once.
PASSING = (
    "objects/", "annex/keysdb", "annex/tmp", "annex/othertmp", "annex/transfer", "annex/smudge.", "rookery",
    "annex/reposize", "annex/verified-remote.lck", "refs/annex",
    "FETCH_HEAD", "COMMIT_EDITMSG", "logs/",
)  # fmt: skip


def modes(root: Path) -> Iterator[tuple[str, str]]:
    """Give the permissions of what is in repositories and work trees."""
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        inside = name.partition("/.git/")[2] or name.partition("bare/")[2]
        if not path.is_symlink() and not inside.startswith(PASSING):
            mode = path.stat().st_mode
            # What all could read before, they can where we change it; git-annex has it made anew.
            yield name, oct(mode & ~stat.S_IRWXO if inside == "annex/index" else mode)


def links(root: Path) -> dict[str, int]:
    """Give how many names each content has."""
    return {
        str(path.relative_to(root)): path.stat().st_nlink
        for path in root.rglob("*")
        if path.is_file() and not path.is_symlink() and path.suffix in (".dat", ".gz", ".txt")
    }
