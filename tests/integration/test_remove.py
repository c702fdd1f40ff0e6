"""remove: out of the work tree and the next commit, and never what is saved nowhere else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.api import Dataset
from rookery.core.errors import IncompleteResultsError, RookeryError
from support import situations
from support.inside import Inside
from support.programs import Program
from support.samples import ODD_NAMES, binary, write_tree


@pytest.fixture
def nested(new_dataset: Callable[..., Path], inside: Inside) -> Path:
    """A dataset with a folder, and in it a subdataset with another inside."""
    root = new_dataset("nested", files={"folder/one": "1\n", "folder/two.dat": binary(300), "other": "o\n"})
    inside("create", "-d", root, root / "folder/sub", cwd=root)
    inside("create", "-d", root / "folder/sub", root / "folder/sub/deep", cwd=root)
    (root / "folder/sub/data").write_bytes(binary(200, seed=3))
    inside("save", "-d", root, "-r", cwd=root)
    return root


def last_message(git: Program, root: Path) -> str:
    return git("log", "-1", "--format=%s", cwd=root).text


def test_a_file_goes_and_its_content_stays_for_earlier_versions(
    inside: Inside, git: Program, tiny_dataset: Path
) -> None:
    content = os.path.realpath(tiny_dataset / "data/one.dat")
    assert inside("remove", "data/one.dat", cwd=tiny_dataset).lines == [
        "remove(ok): data/one.dat (symlink)",
        "save(ok): . (dataset)",
        "action summary:",
        "  remove (ok: 1)",
        "  save (ok: 1)",
    ]
    assert last_message(git, tiny_dataset) == "[DATALAD] removed content"
    assert git("status", "--porcelain", cwd=tiny_dataset).text == ""
    assert os.path.isfile(content)
    git("revert", "--no-edit", "HEAD", cwd=tiny_dataset)
    assert (tiny_dataset / "data/one.dat").read_bytes()


def test_only_what_was_named_is_committed(inside: Inside, git: Program, tiny_dataset: Path) -> None:
    write_tree(tiny_dataset, {"staged": "s", "untracked": "u"})
    git("add", "staged", cwd=tiny_dataset)
    inside("remove", "-m", "Away with it", "data", cwd=tiny_dataset)
    assert last_message(git, tiny_dataset) == "Away with it"
    assert git("status", "--porcelain", cwd=tiny_dataset).lines == ["A  staged", "?? untracked"]
    assert not (tiny_dataset / "data").exists()


@pytest.mark.parametrize("change", ["modified", "untracked", "added"])
def test_what_is_not_saved_is_refused_and_nothing_goes(
    change: str, inside: Inside, git: Program, tiny_dataset: Path
) -> None:
    name = "notes.txt" if change == "modified" else "new"
    (tiny_dataset / name).unlink(missing_ok=True)
    (tiny_dataset / name).write_text("not saved")
    if change == "added":
        git("add", name, cwd=tiny_dataset)
    before = git("rev-parse", "HEAD", cwd=tiny_dataset).text
    answer = inside("remove", "data", name, cwd=tiny_dataset, code=1)
    kind = "symlink" if change == "modified" else "file"
    assert answer.lines == [f"drop(impossible): {name} ({kind}) [cannot drop {change} content, save first]"]
    assert (tiny_dataset / "data/one.dat").exists()
    assert git("rev-parse", "HEAD", cwd=tiny_dataset).text == before
    inside("remove", "--reckless", "modification", "data", name, cwd=tiny_dataset)
    assert not (tiny_dataset / name).exists()


def test_what_git_ignores_is_left_in_place(inside: Inside, new_dataset: Callable[..., Path]) -> None:
    root = new_dataset("ignoring", files={".gitignore": "*.o\n", "src/a.c": "a"})
    (root / "src/a.o").write_text("costly")
    answer = inside("remove", "src", cwd=root)
    assert "what Git ignores was left in place" in answer.stderr
    assert (root / "src/a.o").read_text() == "costly"
    assert not (root / "src/a.c").exists()
    inside("remove", "--reckless", "modification", "src", cwd=root)
    assert not (root / "src").exists()


def test_a_path_that_is_nowhere_is_impossible_and_the_others_go(inside: Inside, tiny_dataset: Path) -> None:
    answer = inside("remove", "notes.txt", "data/on.dat", cwd=tiny_dataset, code=1)
    assert answer.lines[:2] == [
        "remove(impossible): data/on.dat [path does not exist]",
        "remove(ok): notes.txt (symlink)",
    ]


@pytest.mark.parametrize("staged", [True, False])
def test_a_deletion_that_was_made_by_hand_is_finished(
    staged: bool, inside: Inside, git: Program, tiny_dataset: Path
) -> None:
    (tiny_dataset / "notes.txt").unlink()
    if staged:
        git("rm", "-q", "--cached", "notes.txt", cwd=tiny_dataset)
    assert inside("remove", "notes.txt", cwd=tiny_dataset).lines[0] == "remove(ok): notes.txt (symlink)"
    assert git("status", "--porcelain", cwd=tiny_dataset).text == ""


def test_content_is_dropped_with_the_file_only_when_it_is_safe(inside: Inside, tiny_dataset: Path) -> None:
    content = os.path.realpath(tiny_dataset / "data/one.dat")
    answer = inside("remove", "--drop", "all", "data/one.dat", cwd=tiny_dataset, code=1)
    assert answer.lines[0].startswith("drop(error): data/one.dat (file) [unsafe; Could not verify")
    assert (tiny_dataset / "data/one.dat").exists()
    inside("remove", "--drop", "all", "--reckless", "availability", "data/one.dat", cwd=tiny_dataset)
    assert not os.path.exists(content)


def test_a_subdataset_with_revisions_that_are_nowhere_else_is_refused(
    inside: Inside, git: Program, nested: Path
) -> None:
    answer = inside("remove", "-d", ".", "folder", cwd=nested, code=1)
    assert answer.lines[0].startswith(
        "uninstall(error): folder/sub/deep (dataset) [to-be-dropped dataset has revisions"
    )
    assert (nested / "folder/one").exists()
    assert git("status", "--porcelain", cwd=nested).text == ""


def test_a_folder_goes_with_its_subdatasets(inside: Inside, git: Program, nested: Path) -> None:
    answer = inside("remove", "-d", ".", "--reckless", "availability", "folder", cwd=nested)
    assert answer.lines == [
        "uninstall(ok): folder/sub/deep (dataset)",
        "drop(ok): folder/sub (key)",
        "uninstall(ok): folder/sub (dataset)",
        "remove(ok): folder/one (symlink)",
        "remove(ok): folder/sub (dataset)",
        "remove(ok): folder/two.dat (symlink)",
        "add(ok): .gitmodules (file)",
        "save(ok): . (dataset)",
        "action summary:",
        "  add (ok: 1)",
        "  drop (ok: 1)",
        "  remove (ok: 3)",
        "  save (ok: 1)",
        "  uninstall (ok: 2)",
    ]
    assert not (nested / "folder").exists()
    assert git("ls-files", cwd=nested).lines == [
        ".datalad/.gitattributes",
        ".datalad/config",
        ".gitattributes",
        ".gitmodules",
        "other",
    ]
    assert (nested / ".gitmodules").read_text() == ""
    assert git("status", "--porcelain", cwd=nested).text == ""


def test_a_subdataset_is_removed_alone_and_others_stay_listed(
    inside: Inside, git: Program, nested: Path
) -> None:
    situations.make_repository(nested / "second", {"f": "f"})
    inside("save", "-d", nested, cwd=nested)
    inside("remove", "folder/sub", "--reckless", "availability", cwd=nested)
    assert git("config", "-f", ".gitmodules", "--get-regexp", r"\.path$", cwd=nested).lines == [
        "submodule.second.path second"
    ]
    assert not (nested / "folder/sub").exists()


def test_a_dataset_named_beside_a_file_in_it_is_checked_as_a_whole(inside: Inside, nested: Path) -> None:
    answer = inside("remove", "folder/sub/deep/", "folder/sub/deep/.gitattributes", cwd=nested, code=1)
    assert "revisions that are not available" in answer.lines[0]
    assert (nested / "folder/sub/deep/.git").exists()


def test_a_whole_dataset_goes_when_it_is_named(inside: Inside, nested: Path, tmp_path: Path) -> None:
    answer = inside("remove", "-d", nested, cwd=tmp_path, code=1)
    assert "revisions that are not available" in answer.stdout
    lines = inside("remove", "-d", nested, "--reckless", "availability", cwd=tmp_path).lines
    assert "uninstall(ok): . (dataset)" in lines
    assert not nested.exists()


def test_the_folder_that_we_stand_in_is_refused(inside: Inside, tiny_dataset: Path) -> None:
    for where, path in (
        (tiny_dataset, "."),
        (tiny_dataset / "data", "../data"),
        (tiny_dataset / "data", ".."),
    ):
        answer = inside("remove", path, cwd=where, code=1)
        assert "would remove the current working directory" in answer.stderr
    assert (tiny_dataset / "data/one.dat").exists()


def test_a_path_of_another_dataset_is_an_error_and_nothing_goes(
    inside: Inside, tiny_dataset: Path, tmp_path: Path
) -> None:
    (tmp_path / "precious").touch()
    answer = inside("remove", "notes.txt", "../precious", cwd=tiny_dataset, code=1)
    assert answer.lines == [
        f"drop(error): ../precious [path not underneath the reference dataset Dataset({tiny_dataset})]"
    ]
    assert (tmp_path / "precious").exists()
    assert (tiny_dataset / "notes.txt").is_file()


def test_a_link_to_a_folder_goes_and_the_folder_stays(
    inside: Inside, new_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/kept").touch()
    root = new_dataset("linking", files={"a": "a"})
    (root / "link").symlink_to(tmp_path / "outside")
    inside("save", cwd=root)
    inside("remove", "link", cwd=root)
    assert not (root / "link").is_symlink()
    assert (tmp_path / "outside/kept").exists()


def test_a_dry_run_tells_and_does_nothing(inside: Inside, git: Program, nested: Path) -> None:
    before = git("rev-parse", "HEAD", cwd=nested).text
    lines = inside("remove", "--dry-run", "-d", ".", "--reckless", "availability", "folder", cwd=nested).lines
    assert [line for line in lines if line.startswith(("remove", "uninstall"))] == [
        "uninstall [dry-run](ok): folder/sub/deep (dataset)",
        "uninstall [dry-run](ok): folder/sub (dataset)",
        "remove [dry-run](ok): folder/one (symlink)",
        "remove [dry-run](ok): folder/sub (dataset)",
        "remove [dry-run](ok): folder/two.dat (symlink)",
    ]
    assert git("rev-parse", "HEAD", cwd=nested).text == before
    assert (nested / "folder/sub/data").read_bytes() == binary(200, seed=3)
    assert git("status", "--porcelain", cwd=nested).text == ""


def test_names_that_break_programs_are_removed(
    inside: Inside, git: Program, new_dataset: Callable[..., Path]
) -> None:
    root = new_dataset("odd", files={f"odd/{name}": "x" for name in ODD_NAMES})
    Dataset(root).remove([f"odd/{name}" for name in ODD_NAMES[:-1]], result_renderer="disabled")
    assert [entry.name for entry in (root / "odd").iterdir()] == [ODD_NAMES[-1]]
    assert git("status", "--porcelain", cwd=root).text == ""


def test_former_arguments_still_mean_something(tiny_dataset: Path) -> None:
    ds = Dataset(tiny_dataset)
    with pytest.warns(DeprecationWarning, match="reckless"), pytest.raises(RookeryError):
        ds.remove("notes.txt", check=False, reckless="kill", result_renderer="disabled")
    with pytest.warns(DeprecationWarning, match="recursive"), pytest.raises(IncompleteResultsError):
        ds.remove("nothing", recursive=True, result_renderer="disabled")
    with pytest.warns(DeprecationWarning, match="check"):
        ds.remove("notes.txt", check=False, drop="all", result_renderer="disabled")
    assert not (tiny_dataset / "notes.txt").is_symlink()


def test_no_program_is_started_for_each_file(cli: Program, new_dataset: Callable[..., Path]) -> None:
    counts = []
    for number in (2, 20):
        root = new_dataset(f"of-{number}", files={f"f/{n}": f"{n}" for n in range(number)})
        code = "import sys; from rookery.cli import main; sys.exit(main.main(sys.argv[1:]))"
        argv = [sys.executable, "-c", code, "-l", "debug", "remove", "f"]
        ended = subprocess.run(argv, cwd=root, env=cli.env, capture_output=True, text=True, check=True)
        counts.append(sum("start (" in line for line in ended.stderr.splitlines()))
    assert counts[0] == counts[1] > 0
