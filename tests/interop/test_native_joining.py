"""The annex of a clone made by us beside one made by git-annex: the same settings, hooks and branch, and it goes on."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.counting import programs_started
from support.inside import Inside
from support.made import Made, look
from support.programs import Program

pytestmark = pytest.mark.native

Clone = Callable[..., Made]


@pytest.fixture
def source(inside: Inside, annex: Program, git: Program, tmp_path: Path) -> Path:
    """Give a dataset with a locked, an unlocked and a small file."""
    ds = tmp_path / "source"
    inside("create", ds)
    for name in ("locked", "unlocked"):
        (ds / name).write_text(name)
    inside("save", "-m", "files", cwd=ds)
    annex("unlock", "-q", "unlocked", cwd=ds)
    git("commit", "-qm", "unlocked", "unlocked", cwd=ds)
    return ds


@pytest.fixture
def clone(inside: Inside, git: Program, source: Path, tmp_path: Path) -> Clone:
    """Clone the dataset to one path, each time anew, and tell what was made."""

    def made(engine: str, *words: str, origin: str | None = None) -> Made:
        with pytest.MonkeyPatch.context() as patch, programs_started() as started:
            patch.setenv("GIT_CONFIG_COUNT", "1")
            patch.setenv("GIT_CONFIG_KEY_0", "rookery.engine")
            patch.setenv("GIT_CONFIG_VALUE_0", engine)
            inside("clone", *words, origin or str(source), "made", cwd=tmp_path)
        inits = [argv for argv in started.programs if argv[0] == "git-annex" and "init" in argv]
        found = look(tmp_path / "made" / ".git", git)
        # The index of the branch is made when git-annex writes there; Git's own files are no concern of ours.
        kept = {
            name: told
            for name, told in found.files.items()
            if not name.startswith("annex/index") and name not in ("ORIG_HEAD", "FETCH_HEAD", "index")
        }
        os.rename(tmp_path / "made", tmp_path / f"made-{engine}")
        return found._replace(files=kept, annexes_started=len(inits))

    return made


def the_same(clone: Clone, *words: str, annexes: int = 0, origin: str | None = None) -> None:
    """Make one by each, hold them to each other; `annexes`: how often git-annex made it although it should not."""
    native = clone("native", *words, origin=origin)
    stock = clone("stock", *words, origin=origin)
    assert native.files == stock.files
    # The lines of a log are in the order of identifiers, which are others each time.
    assert list(map(sorted, native.branch)) == list(map(sorted, stock.branch))
    assert native.messages == stock.messages
    assert (native.annexes_started, stock.annexes_started) == (annexes, 1)


def test_a_plain_one(clone: Clone) -> None:
    the_same(clone)


def test_a_described_one(clone: Clone) -> None:
    the_same(clone, "-D", "my ü place")


def test_one_of_a_bare_repository(
    clone: Clone, git: Program, annex: Program, source: Path, tmp_path: Path
) -> None:
    bare = tmp_path / "bare.git"
    git("clone", "-q", "--bare", source, bare)
    the_same(clone, origin=str(bare), annexes=1)  # it is no annex, and git-annex may want to make it one
    annex("init", "-q", "bare", cwd=bare)
    for engine in ("native", "stock"):
        os.rename(tmp_path / f"made-{engine}", tmp_path / f"former-{engine}")
    the_same(clone, origin=str(bare))


def test_one_whose_address_means_another_is_for_git_annex(
    clone: Clone, git: Program, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git("clone", "-q", "--bare", source, tmp_path / "meant")
    config = tmp_path / "config"
    config.write_text(
        f'[url "{tmp_path}/meant"]\n\tinsteadOf = {source}\n[user]\n\tname = N\n\temail = n@n\n'
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    assert clone("native").annexes_started == 1


def test_one_by_the_url_of_a_folder(clone: Clone, source: Path) -> None:
    the_same(clone, origin=f"file://{source}")


@pytest.mark.parametrize(
    ("settings", "annexes"),
    [
        (["annex.securehashesonly", "true"], 1),
        (["annex.largefiles", "largerthan=1kb"], 0),
    ],
)
def test_settings_for_all_clones(
    clone: Clone, annex: Program, source: Path, settings: list[str], annexes: int
) -> None:
    annex("config", "--set", *settings, cwd=source)
    the_same(clone, annexes=annexes)


@pytest.mark.parametrize(("autoenable", "annexes"), [("true", 1), ("false", 0)])
def test_special_remotes(
    clone: Clone, annex: Program, source: Path, tmp_path: Path, autoenable: str, annexes: int
) -> None:
    words = ["initremote", "store", "type=directory", f"directory={tmp_path}/store", "encryption=none"]
    (tmp_path / "store").mkdir()
    annex(*words, *(["autoenable=true"] if autoenable == "true" else []), cwd=source)
    the_same(clone, annexes=annexes)


def test_branches_that_others_left_are_for_git_annex_to_merge(
    clone: Clone, git: Program, source: Path
) -> None:
    git("branch", "synced/git-annex", "git-annex", cwd=source)
    the_same(clone, annexes=1)


def test_git_annex_goes_on_with_it(
    clone: Clone, inside: Inside, annex: Program, git: Program, source: Path, tmp_path: Path
) -> None:
    clone("native")
    ds = tmp_path / "made-native"
    assert git("status", "--porcelain", cwd=ds).lines == []
    (there,) = [line for line in annex("info", "--fast", cwd=ds).lines if "[here]" in line]
    assert str(ds.with_name("made")) in there
    annex("get", "-q", "unlocked", cwd=ds)
    inside("get", "locked", cwd=ds)
    assert ((ds / "locked").read_text(), (ds / "unlocked").read_text()) == ("locked", "unlocked")
    assert git("status", "--porcelain", cwd=ds).lines == []
    annex("fsck", "-q", cwd=ds)
    git("fsck", "--strict", cwd=ds)
    assert annex("whereis", "locked", cwd=ds).text.count("[here]") == 1
    annex("drop", "-q", "locked", cwd=ds)
    annex("sync", "-q", "--no-content", cwd=ds)
    annex("merge", "-q", cwd=source)
    assert str(ds.with_name("made")) in annex("info", "--fast", cwd=source).text


KILLED = """
import os, sys
from rookery.annex import joining
from rookery.cli.main import main
joining._write_branch = lambda *_: os._exit(9)
main(sys.argv[1:])
"""


def test_who_was_killed_before_the_branch_was_written_gets_it_when_cloning_again(
    inside: Inside, git: Program, annex: Program, source: Path, tmp_path: Path
) -> None:
    killed = Program([sys.executable, "-c", KILLED], annex.env, tmp_path)
    killed("clone", source, "made", code=9)
    ds = tmp_path / "made"
    assert "git-annex" not in git("branch", "--list", cwd=ds).text
    inside("clone", source, "made", cwd=tmp_path)
    assert git("config", "annex.uuid", cwd=ds).text in git("show", "git-annex:uuid.log", cwd=ds).text
    inside("get", "locked", cwd=ds)
    annex("fsck", "-q", cwd=ds)
