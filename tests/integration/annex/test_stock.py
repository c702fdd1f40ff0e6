"""Stock git-annex behind our functions: every path comes back once, whatever its name, with what was said."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.annex import content, identity, ingest, program, remotes
from rookery.annex.files import AnnexedFile, index_files
from rookery.core.environment import program_environment
from rookery.core.errors import CommandError
from rookery.core.process import Runner
from rookery.git.repo import Repo, open_repo
from support.home import Home
from support.programs import Program


@pytest.fixture
def opened(home: Home) -> Callable[[Path], Repo]:
    runner = Runner(program_environment(home.env))
    return lambda path: open_repo(path, runner)


NAMES = ["with space.bin", "new\nline.bin", "-dash.bin", "ünïcode.bin", "glob*[a].bin", ":(top)magic.bin"]


@pytest.fixture
def odd(tiny_dataset: Path, annex: Program, git: Program) -> Path:
    for number, name in enumerate([*NAMES, os.fsdecode(b"not\xffutf8.bin")]):
        (tiny_dataset / name).write_bytes(b"\0%d" % number)
    annex("add", ".", cwd=tiny_dataset)
    git("commit", "-qm", "Add odd names", cwd=tiny_dataset)
    return tiny_dataset


@pytest.fixture
def clone(odd: Path, git: Program, annex: Program, tmp_path: Path) -> Path:
    path = tmp_path / "clone"
    git("clone", "-q", odd, path)
    annex("init", "clone", cwd=path)
    return path


def pairs(files: list[AnnexedFile]) -> list[tuple[str, str]]:
    return [(f.path, f.key) for f in files]


def test_get_and_drop_reach_every_name_and_tell_progress(clone: Path, opened: Callable[[Path], Repo]) -> None:
    repo = opened(clone)
    files = list(index_files(repo))
    heard: list[tuple[str, int, int | None]] = []
    got = list(content.transfer(repo, "get", pairs(files), on_progress=lambda *what: heard.append(what)))
    assert sorted(o.path or "" for o in got) == sorted(f.path for f in files)
    assert all(o.ok and not o.silent and o.note == "from origin..." for o in got)
    assert all(f.present for f in index_files(repo))
    assert {what[0] for what in heard} == {f.path for f in files}
    again = list(content.transfer(repo, "get", pairs(files)))
    assert all(o.ok and o.silent for o in again)
    dropped = list(content.transfer(repo, "drop", pairs(files)))
    assert all(o.ok for o in dropped)
    assert not any(f.present for f in index_files(repo))


def test_a_refused_drop_says_why_and_keeps_the_content(odd: Path, opened: Callable[[Path], Repo]) -> None:
    repo = opened(odd)
    files = list(index_files(repo))
    outcomes = list(content.transfer(repo, "drop", pairs(files)))
    assert len(outcomes) == len(files)
    assert all(not o.ok and o.why.startswith("unsafe") for o in outcomes)
    assert all(f.present for f in index_files(repo))


def test_a_remote_that_is_gone_is_an_outcome_per_file(
    odd: Path, clone: Path, opened: Callable[[Path], Repo]
) -> None:
    shutil.move(odd, odd.with_name("gone"))
    repo = opened(clone)
    outcomes = list(content.transfer(repo, "get", pairs(list(index_files(repo)))))
    assert outcomes and all(not o.ok and "Unable to access" in o.why for o in outcomes)


def test_an_unknown_remote_is_an_error_of_the_whole(clone: Path, opened: Callable[[Path], Repo]) -> None:
    repo = opened(clone)
    with pytest.raises(CommandError, match="no available git remote"):
        list(content.transfer(repo, "get", pairs(list(index_files(repo))), from_remote="nobody"))


def test_keys_without_files_travel_too(odd: Path, clone: Path, opened: Callable[[Path], Repo]) -> None:
    repo = opened(clone)
    keys = [f.key for f in index_files(repo)]
    assert {o.key for o in content.transfer_keys(repo, "get", keys) if o.ok and not o.silent} == set(keys)


def test_fsck_moves_a_corrupt_object_aside(odd: Path, opened: Callable[[Path], Repo]) -> None:
    repo = opened(odd)
    file = next(f for f in index_files(repo) if f.path == "notes.txt")
    Path(file.objpath).parent.chmod(0o755)
    Path(file.objpath).chmod(0o644)
    Path(file.objpath).write_text("LAST LINES\n")
    (outcome,) = content.fsck(repo, [(file.path, file.key)])
    assert not outcome.ok and outcome.why
    assert not next(f for f in index_files(repo) if f.path == "notes.txt").present


@pytest.mark.parametrize("jobs", [None, 2])
def test_ingest_goes_to_a_private_index_and_names_what_it_left_out(
    tiny_dataset: Path, git: Program, opened: Callable[[Path], Repo], jobs: int | None
) -> None:
    for number, name in enumerate(NAMES):
        (tiny_dataset / name).write_bytes(b"\0%d" % number)
    (tiny_dataset / ".gitignore").write_text("*.log\n")
    (tiny_dataset / "x.log").write_text("ignored")
    private = tiny_dataset / ".git" / "private-index"
    repo = opened(tiny_dataset).with_env(GIT_INDEX_FILE=str(private))
    repo.run("read-tree", "HEAD")
    foreign = os.fsdecode(b"not\xffutf8.bin")
    (tiny_dataset / foreign).write_bytes(b"\0foreign")
    wanted = [*NAMES, foreign, ".gitignore", "x.log", "absent"]
    done = {o.path: o for o in ingest.stock(repo, wanted, jobs=jobs)}
    assert sorted(done) == sorted(wanted)
    assert {p for p, o in done.items() if o.key} == {*NAMES, foreign}
    assert {p for p, o in done.items() if o.silent} == {"x.log", "absent"}
    assert done[".gitignore"].ok and done[".gitignore"].key is None
    assert {f.path for f in index_files(repo)} >= set(NAMES)
    assert not {f.path for f in index_files(opened(tiny_dataset))} & set(NAMES)


def test_ingest_can_be_told_git_or_annex(tiny_dataset: Path, opened: Callable[[Path], Repo]) -> None:
    (tiny_dataset / "a.bin").write_bytes(b"\0\1")
    (tiny_dataset / ".gitmore").write_text("text")
    repo = opened(tiny_dataset)
    (small,) = ingest.stock(repo, ["a.bin"], force="small")
    (large,) = ingest.stock(repo, [".gitmore"], force="large")
    assert small.ok and small.key is None
    assert large.key is not None


def test_init_gives_and_keeps_a_uuid(git: Program, tmp_path: Path, opened: Callable[[Path], Repo]) -> None:
    git("init", "-q", tmp_path / "new")
    repo = opened(tmp_path / "new")
    assert not identity.is_annex(repo)
    made = identity.init(repo, "a new place")
    assert identity.uuid(repo) == made == repo.text("config", "annex.uuid")
    assert identity.descriptions(repo)[made] == "a new place"
    assert identity.init(repo) == made


def test_special_remotes_are_made_enabled_and_given_urls(
    tiny_dataset: Path, clone: Path, git: Program, opened: Callable[[Path], Repo], tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    repo = opened(tiny_dataset)
    settings = {"type": "directory", "directory": str(tmp_path / "store"), "encryption": "none"}
    made = remotes.initialize(repo, "disk", settings)
    git("fetch", "-q", "origin", cwd=clone)
    other = opened(clone)
    assert made in remotes.special(other) and "disk" not in remotes.configured(other)
    remotes.enable(other, "disk", {"directory": str(tmp_path / "store")})
    assert remotes.configured(other)["disk"].uuid == made
    keys = [f.key for f in index_files(repo)][:2]
    answers = list(
        remotes.register_urls(repo, [(key, f"http://example.com/{n} x") for n, key in enumerate(keys)])
    )
    assert [message for _, _, message in answers] == ["", ""]


def test_an_error_of_git_annex_keeps_its_words(tiny_dataset: Path, opened: Callable[[Path], Repo]) -> None:
    with pytest.raises(CommandError, match="type="):
        program.run(opened(tiny_dataset), "initremote", "nothing")
