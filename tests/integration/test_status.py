"""status: what changed, said of each thing once, by at most one Git process a dataset."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from rookery.api import Dataset
from rookery.core.sizes import binary
from support import situations
from support.counting import GitTrace, Started
from support.inside import Inside
from support.programs import Program
from support.samples import ODD_NAMES, UNDECODABLE_NAME, write_tree

CLEAN = "nothing to save, working tree clean"


def states(records: list[dict[str, object]], root: Path) -> dict[str, object]:
    return {os.path.relpath(str(r["path"]), root): r.get("state") for r in records}


def test_a_clean_dataset_says_so_in_one_line(inside: Inside, tiny_dataset: Path) -> None:
    assert inside("status", cwd=tiny_dataset).lines == [CLEAN]


def test_two_programs_are_started_and_git_annex_is_not_among_them(
    inside: Inside,
    tiny_dataset: Path,
    git_trace: GitTrace,
    count_programs: Callable[[], AbstractContextManager[Started]],
) -> None:
    (tiny_dataset / "new").write_text("new")
    with count_programs() as started:
        inside("status", cwd=tiny_dataset)
    assert [argv[0] for argv in started.programs] == ["git", "git"]  # the settings, the status
    with count_programs() as started:
        inside("status", "--annex", "all", cwd=tiny_dataset)
    assert not [argv for argv in started.programs if "annex" in argv]
    assert len(started) <= 4


def test_git_itself_starts_no_process_for_a_subdataset(
    cli: Program, new_dataset: Callable[..., Path], git_trace: GitTrace
) -> None:
    root = new_dataset("many", files={})
    names = [f"sub-{n}" for n in range(5)]
    for name in names:
        situations.make_repository(root / name, {"file": name})
    cli("save", "-d", root, cwd=root)
    cli("status", "-r", cwd=root, env=git_trace.env)
    commands = [argv for argv in git_trace.commands() if "status" in argv]
    assert len(commands) == 1 + len(names)


def test_a_path_that_is_nowhere_is_impossible(inside: Inside, tiny_dataset: Path) -> None:
    answer = inside("status", "notse.txt", "data/one.dat", cwd=tiny_dataset, code=1)
    assert answer.lines == ["status(impossible): notse.txt [path does not exist]"]
    (record,) = inside("-f", "json", "status", "notse.txt", cwd=tiny_dataset, code=1).records
    assert record["message"] == "path does not exist"


def test_a_deleted_file_may_be_named(inside: Inside, git: Program, tiny_dataset: Path) -> None:
    (tiny_dataset / "notes.txt").unlink()
    assert inside("status", "notes.txt", cwd=tiny_dataset).lines == ["  deleted: notes.txt (symlink)"]
    git("rm", "-q", "--cached", "notes.txt", cwd=tiny_dataset)
    assert inside("status", "notes.txt", cwd=tiny_dataset).lines == ["  deleted: notes.txt (symlink)"]


def test_a_path_elsewhere_is_an_error_and_the_others_are_reported(
    inside: Inside, tiny_dataset: Path, tmp_path: Path
) -> None:
    (tiny_dataset / "new").touch()
    answer = inside("status", tmp_path / "x", "new", cwd=tiny_dataset, code=1)
    message = f"path not underneath the reference dataset {tiny_dataset}"
    assert answer.lines == [f"status(error): ../x [{message}]", "untracked: new (file)"]


def test_outside_a_dataset_it_is_a_usage_error(inside: Inside, tmp_path: Path) -> None:
    assert "No dataset found" in inside("status", cwd=tmp_path, code=2).stderr


def test_paths_are_shown_in_full_from_a_folder_below(inside: Inside, tiny_dataset: Path) -> None:
    (tiny_dataset / "data/new").touch()
    assert inside("status", cwd=tiny_dataset / "data").lines == [f"untracked: {tiny_dataset}/data/new (file)"]
    assert inside("status", "-d", "..", cwd=tiny_dataset / "data").lines == ["untracked: data/new (file)"]


def test_programs_are_told_of_clean_files_too(inside: Inside, tiny_dataset: Path) -> None:
    records = inside("-f", "json", "status", cwd=tiny_dataset).records
    found = states(records, tiny_dataset)
    assert found["notes.txt"] == found["data/one.dat"] == "clean"
    (attributes,) = [r for r in records if r["path"] == f"{tiny_dataset}/.gitattributes"]
    assert attributes["bytesize"] == (tiny_dataset / ".gitattributes").stat().st_size
    assert attributes["gitshasum"] == attributes["prev_gitshasum"]


def test_the_python_face_gives_the_same_records(inside: Inside, tiny_dataset: Path) -> None:
    (tiny_dataset / "new").touch()
    theirs = inside("-f", "json", "status", "--annex", "all", cwd=tiny_dataset).records
    assert Dataset(tiny_dataset).status(annex="all", result_renderer="disabled") == theirs


def test_names_that_break_programs_are_reported_whole(
    inside: Inside, tiny_dataset: Path, git: Program
) -> None:
    names = [*ODD_NAMES, UNDECODABLE_NAME]
    write_tree(tiny_dataset, {f"odd/{name}": "x" for name in names})
    found = Dataset(tiny_dataset).status(untracked="all", result_renderer="disabled")
    assert {r["path"] for r in found if r["state"] == "untracked"} == {
        f"{tiny_dataset}/odd/{n}" for n in names
    }
    one = Dataset(tiny_dataset).status(f"odd/{ODD_NAMES[9]}", result_renderer="disabled")
    assert [r["state"] for r in one] == ["untracked"]


def test_annexed_files_are_counted_with_what_is_here(
    inside: Inside, annex: Program, tiny_dataset: Path
) -> None:
    annex("drop", "--force", "data/two.dat", cwd=tiny_dataset)
    assert inside("status", "--annex", "all", cwd=tiny_dataset).lines == [
        "3 annex'd files (1011.0 B/2.9 KB present/total size)",
        CLEAN,
    ]
    assert (
        inside("status", "--annex", cwd=tiny_dataset).lines[0]
        == "3 annex'd files (2.9 KB recorded total size)"
    )
    lines = inside("status", "--annex", "availability", "notes.txt", cwd=tiny_dataset).lines
    assert lines[0] == "1 annex'd file (11.0 B/11.0 B present/total size)"


@pytest.mark.parametrize("annex_how", ["basic", "availability", "all"])
def test_the_totals_are_those_of_the_records(
    inside: Inside, annex: Program, git: Program, new_dataset: Callable[..., Path], annex_how: str
) -> None:
    ds = new_dataset("ds", files={f"in/{n}.dat": "x" * (100 + n) for n in range(9)})
    annex("addurl", "--fast", "--relaxed", "http://127.0.0.1:1/none", "--file", "in/sizeless", cwd=ds)
    write_tree(ds, {name: name for name in ODD_NAMES})
    inside("save", cwd=ds)
    annex("unlock", "in/1.dat", "in/2.dat", cwd=ds)
    inside("save", cwd=ds)
    annex("drop", "--force", "in/2.dat", "in/3.dat", cwd=ds)
    (ds / "in" / "4.dat").unlink()
    (ds / "in" / "5.dat").unlink()
    (ds / "in" / "5.dat").write_text("other")
    git("mv", "in/6.dat", "6.dat", cwd=ds)
    os.symlink("in/7.dat", ds / "link")
    git("add", "link", cwd=ds)
    git("update-index", "--skip-worktree", "in/8.dat", cwd=ds)
    (ds / "in" / "8.dat").unlink()
    for where in ([], ["in"], ["in/1.dat", "nowhere"]):
        told = inside("status", "--annex", annex_how, *where, cwd=ds, code=None)
        records = inside("-f", "json", "status", "--annex", annex_how, *where, cwd=ds, code=None).records
        counted = [r for r in records if "key" in r]
        total = binary(sum(int(r.get("bytesize", 0)) for r in counted))
        here = binary(sum(int(r["bytesize"]) for r in counted if r.get("has_content")))
        says = f"{total} recorded total" if annex_how == "basic" else f"{here}/{total} present/total"
        files = "1 annex'd file" if len(counted) == 1 else f"{len(counted)} annex'd files"
        assert any(line.endswith(f"{files} ({says} size)") for line in told.lines), told


def test_an_unlocked_file_is_annexed_and_clean(
    inside: Inside, annex: Program, git: Program, tiny_dataset: Path
) -> None:
    annex("unlock", "data/one.dat", cwd=tiny_dataset)
    git("commit", "-q", "-a", "-m", "Unlock", cwd=tiny_dataset)
    (record,) = inside("-f", "json", "status", "--annex", "all", "data/one.dat", cwd=tiny_dataset).records
    assert record["type"] == "file"
    assert record["state"] == "clean"
    assert record["bytesize"] == 1000
    assert record["has_content"] is True
    assert Path(record["objloc"]).stat().st_size == 1000


def test_a_staged_change_of_mode_alone_is_a_change(inside: Inside, git: Program, tmp_path: Path) -> None:
    root = tmp_path / "plain"
    situations.make_repository(root, {"script": "x\n"})
    (root / "script").chmod(0o755)
    git("add", "script", cwd=root)
    assert inside("status", cwd=root).lines == [" modified: script (file)"]


def test_a_file_announced_to_git_without_content_is_added(
    inside: Inside, git: Program, tiny_dataset: Path
) -> None:
    (tiny_dataset / "soon").write_text("x")
    git("add", "--intent-to-add", "soon", cwd=tiny_dataset)
    assert inside("status", cwd=tiny_dataset).lines == ["    added: soon (file)"]
    records = inside("-f", "json", "status", cwd=tiny_dataset).records
    assert states(records, tiny_dataset)["soon"] == "added"


@pytest.mark.parametrize("how", ["no", "commit", "full"])
def test_subdatasets_are_looked_at_as_closely_as_asked(
    how: str, inside: Inside, new_dataset: Callable[..., Path]
) -> None:
    root = new_dataset("super", files={})
    situations.add_subdatasets(root)
    write_tree(root, {"sub-mod/file": "changed", "nest/deep/new": "new"})
    lines = inside("status", "-e", how, cwd=root).lines
    changed = ["nest", "sub-mod"]
    expected = {
        "no": [f"  unknown: {name} (dataset)" for name in sorted(situations.SUBDATASETS)],
        "commit": [CLEAN],
        "full": [f" modified: {name} (dataset)" for name in changed],
    }
    assert lines == expected[how]


def test_recursion_goes_as_deep_as_asked(inside: Inside, new_dataset: Callable[..., Path]) -> None:
    root = new_dataset("super", files={})
    situations.add_subdatasets(root)
    write_tree(root, {"nest/deep/new": "new", "nest/new": "new"})
    top = [" modified: nest (dataset)"]
    below = ["untracked: nest/new (file)", " modified: nest/deep (dataset)"]
    assert inside("status", cwd=root).lines == top
    assert inside("status", "-r", "-R", "1", cwd=root).lines == top + below
    assert inside("status", "-r", cwd=root).lines == [*top, *below, "untracked: nest/deep/new (file)"]
    assert inside("status", "-r", "nest/", "nest/deep/", cwd=root).lines == [
        *below,
        "untracked: nest/deep/new (file)",
    ]


def test_a_linked_work_tree_and_a_dataset_with_its_repository_elsewhere_are_read(
    inside: Inside, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    git("worktree", "add", "-q", tmp_path / "second", cwd=tiny_dataset)
    git("clone", "-q", "--separate-git-dir", tmp_path / "elsewhere", tiny_dataset, tmp_path / "third")
    for place in ("second", "third"):
        (tmp_path / place / "new").touch()
        assert inside("status", cwd=tmp_path / place).lines == ["untracked: new (file)"]


def test_the_index_is_not_written(inside: Inside, git: Program, tiny_dataset: Path) -> None:
    git("update-index", "-q", "--refresh", cwd=tiny_dataset)
    index = tiny_dataset / ".git/index"
    os.utime(tiny_dataset / ".gitattributes", (1, 1))
    later = index.stat().st_mtime + 9  # of what is as young as its index, see below
    os.utime(index, (later, later))
    before = index.read_bytes()
    inside("status", cwd=tiny_dataset)
    assert index.read_bytes() == before


def test_files_as_young_as_their_index_are_read_through_the_filter_once(
    inside: Inside, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    clone, then = tmp_path / "clone", 1_000_000_000
    inside("clone", tiny_dataset, clone)
    for name in git("ls-files", cwd=clone).stdout.split():
        os.utime(clone / name, (then, then), follow_symlinks=False)
    git("update-index", "--refresh", cwd=clone)
    os.utime(clone / ".git/index", (then, then))  # as a checkout within one second leaves it
    filters = []
    for number in (1, 2):
        trace = GitTrace(tmp_path / f"trace-{number}")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("GIT_TRACE2_EVENT", trace.env["GIT_TRACE2_EVENT"])
            assert inside("status", cwd=clone).lines == [CLEAN]
        filters.append(sum("filter-process" in one.read_text() for one in trace.folder.iterdir()))
    assert filters == [1, 0]


@pytest.mark.parametrize("files", [3, 2_000])
def test_the_files_of_a_copied_dataset_are_read_once(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, tmp_path: Path, files: int
) -> None:
    for number in range(files):
        (tiny_dataset / f"many-{number}").write_text(f"{number}\n")
    annex("add", "--quiet", ".", cwd=tiny_dataset)
    git("commit", "-qm", "Many", cwd=tiny_dataset)
    copy = tmp_path / "copy"
    shutil.copytree(tiny_dataset, copy, symlinks=True)
    index = copy / ".git/index"
    later = index.stat().st_mtime + 9  # of what is as young as its index, see above
    os.utime(index, (later, later))
    raw = ("diff-files", "--name-only")
    assert len(git(*raw, cwd=copy).lines) >= files
    assert inside("status", cwd=copy).lines == [CLEAN]
    assert git(*raw, cwd=copy).lines == []
    os.utime(index, (later, later))
    before = index.stat().st_mtime_ns
    os.utime(copy / "many-1", (1, 1), follow_symlinks=False)
    assert inside("status", cwd=copy).lines == [CLEAN]
    assert index.stat().st_mtime_ns == before


def test_a_subdataset_that_is_damaged_is_an_error_and_the_others_are_reported(
    inside: Inside, new_dataset: Callable[..., Path]
) -> None:
    root = new_dataset("super", files={})
    situations.add_subdatasets(root)
    (root / "nest/.git/index").write_bytes(b"damaged")
    (root / "sub-mod/file").write_text("changed")
    lines = inside("status", "-r", cwd=root, code=1).lines
    assert lines[0].startswith("status(error): nest (dataset) [it could not be looked into: CommandError")
    assert lines[-2:] == [" modified: sub-mod (dataset)", " modified: sub-mod/file (file)"]
