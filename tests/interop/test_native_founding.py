"""An annex made by us beside one made by git-annex: the same files, settings and branch, and git-annex goes on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.counting import programs_started
from support.inside import Inside
from support.made import Made, look
from support.programs import Program

pytestmark = pytest.mark.native

Make = Callable[..., Made]


@pytest.fixture
def make(inside: Inside, git: Program, tmp_path: Path) -> Make:
    """Create a dataset at one path, each time anew, and tell what was made."""

    def made(engine: str, *words: str, name: str = "ds", **settings: str) -> Made:
        with pytest.MonkeyPatch.context() as patch, programs_started() as started:
            pairs = {"rookery.engine": engine, **{k.replace("_", "."): v for k, v in settings.items()}}
            patch.setenv("GIT_CONFIG_COUNT", str(len(pairs)))
            for n, (key, value) in enumerate(pairs.items()):
                patch.setenv(f"GIT_CONFIG_KEY_{n}", key)
                patch.setenv(f"GIT_CONFIG_VALUE_{n}", value)
            inside("create", *words, "--force", name, cwd=tmp_path)
        annexes = [argv for argv in started.programs if argv[0] == "git-annex"]
        dotgit = tmp_path / name / ".git"
        gitdir = dotgit if dotgit.is_dir() else Path(dotgit.read_text().partition(": ")[2].strip())
        found = look(gitdir, git)._replace(annexes_started=len(annexes))
        os.rename(tmp_path / name, tmp_path / f"{name}-{engine}")
        return found

    return made


def the_same(make: Make, *words: str, annexes: int, **more: str) -> None:
    """Make one by each, hold them to each other; `annexes`: how often ours must ask git-annex."""
    native = make("native", *words, **more)
    stock = make("stock", *words, **more)
    assert native.files == stock.files
    assert native.branch == stock.branch
    assert native.messages == stock.messages == ["update", "branch created"]
    assert (native.annexes_started, stock.annexes_started) == (annexes, 1)


def test_a_plain_one(make: Make) -> None:
    the_same(make, annexes=0)


def test_a_described_one(make: Make) -> None:
    the_same(make, "-D", "my  own ü place", annexes=0)


def test_one_at_a_path_with_odd_letters(make: Make) -> None:
    the_same(make, annexes=0, name="däta sets 日本")


def test_one_below_the_home_folder(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = Path(os.environ["HOME"]) / ".gitconfig"
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.environ.get("GIT_CONFIG_GLOBAL", str(config)))
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USER", "somebody")
    native = make("native")
    assert native.branch[0].startswith("uuid.log: UUID somebody@")
    assert native.branch[0].endswith(":~/ds STAMP")
    assert native.branch == make("stock").branch


@pytest.mark.parametrize("umask", [0o077, 0o002])
def test_permissions_are_those_of_the_umask(make: Make, umask: int) -> None:
    before = os.umask(umask)
    try:
        the_same(make, annexes=0)
    finally:
        os.umask(before)


def test_settings_that_make_no_difference(make: Make) -> None:
    the_same(make, annexes=0, annex_backend="SHA256E", annex_largefiles="anything")


@pytest.mark.parametrize("setting", ["core_sharedRepository=group", "annex_private=false", "annex_thin=true"])
def test_settings_that_may_make_one_are_for_git_annex(make: Make, setting: str) -> None:
    name, _, value = setting.partition("=")
    the_same(make, annexes=1, **{name: value})


def test_a_repository_in_another_place_is_for_git_annex(make: Make, tmp_path: Path) -> None:
    native = make("native", f"--separate-git-dir={tmp_path}/native-git")
    stock = make("stock", f"--separate-git-dir={tmp_path}/stock-git")
    assert native.branch == stock.branch
    assert native.annexes_started == stock.annexes_started == 1


def test_hooks_and_attributes_of_the_user_are_kept(make: Make, tmp_path: Path) -> None:
    hook = tmp_path / "template" / "hooks" / "pre-commit"
    hook.parent.mkdir(parents=True)
    hook.write_text("#!/bin/sh\n# mine\n")
    hook.chmod(0o755)
    (tmp_path / "template" / "config").write_text("[annex]\n\tuuid = 2f4f5b76-7a80-4e2f-8e5c-1f5ba0ab5b6f")
    the_same(make, f"--template={tmp_path}/template", annexes=1)


def test_a_configuration_without_a_last_line_break(make: Make, tmp_path: Path) -> None:
    (tmp_path / "template").mkdir()
    (tmp_path / "template" / "config").write_text("[some]\n\tthing = set")
    the_same(make, f"--template={tmp_path}/template", annexes=0)


def test_files_that_are_there_already(make: Make, tmp_path: Path) -> None:
    for name in ("native", "stock"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file").write_text("mine")
    native, stock = make("native", name="native"), make("stock", name="stock")
    assert (native.files, native.annexes_started) == (stock.files, 0)


def test_git_annex_goes_on_with_it(make: Make, annex: Program, git: Program, tmp_path: Path) -> None:
    make("native")
    ds = tmp_path / "ds-native"
    before = look(ds / ".git", git)
    assert "local repository version: 10" in annex("version", cwd=ds).text
    annex("init", cwd=ds)
    again = look(ds / ".git", git)
    assert (before.files, before.branch) == (again.files, again.branch)
    (ds / "locked").write_text("one")
    (ds / "unlocked").write_text("two")
    annex("add", ".", cwd=ds)
    annex("unlock", "unlocked", cwd=ds)
    git("commit", "-q", "-m", "both", cwd=ds)
    annex("fsck", "-q", cwd=ds)
    git("fsck", "--strict", cwd=ds)
    assert git("status", "--porcelain", cwd=ds).lines == []
    assert "here" in annex("whereis", "locked", cwd=ds).text
    assert (ds / ".git" / "annex" / "sentinal.cache").read_text() == sentinel_of(ds)


def sentinel_of(ds: Path) -> str:
    """Tell the inode, size and time of git-annex's mark: if they differ, it made another one."""
    seen = (ds / ".git" / "annex" / "sentinal").stat()
    seconds, fraction = divmod(seen.st_mtime_ns, 1_000_000_000)
    return f"{seen.st_ino} 0 {seconds} {fraction}"
