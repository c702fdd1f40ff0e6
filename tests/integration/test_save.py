from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from support.counting import GitTrace, programs_started
from support.programs import Program
from support.samples import ODD_NAMES, UNDECODABLE_NAME, binary, write_tree

if TYPE_CHECKING:
    from support.inside import Inside


@pytest.fixture
def ds(new_dataset: Callable[..., Path]) -> Path:
    """Give a dataset where text goes to Git: two text files, an annexed one, a link."""
    root = new_dataset("ds", procedure="text2git", files={})
    write_tree(root, {"text": "one\n", "sub/more": "two\n", "data.bin": binary(500)})
    (root / "link").symlink_to("text")
    Program(["git", "annex"], dict(os.environ), root)("add", ".")
    Program(["git"], dict(os.environ), root)("commit", "-qm", "Content")
    return root


@pytest.fixture
def head(git: Program, ds: Path) -> Callable[..., str]:
    def ask(what: str = "HEAD", *more: str) -> str:
        return git("rev-parse", *more, what, cwd=ds).text

    return ask


def changed(git: Program, ds: Path, rev: str = "HEAD") -> list[str]:
    return sorted(git("show", "--format=", "--name-only", "-z", rev, cwd=ds).stdout.split("\0")[:-1])


def is_clean(git: Program, ds: Path) -> bool:
    return git("status", "--porcelain", cwd=ds).stdout == ""


def test_everything_that_changed_is_one_commit(
    inside: Inside, ds: Path, git: Program, annex: Program
) -> None:
    write_tree(ds, {"text": "changed\n", "new/file": "x\n", "new/data": binary(900, seed=3)})
    (ds / "script").write_text("#!/bin/sh\n")
    (ds / "script").chmod(0o755)
    (ds / "sub/more").unlink()
    (ds / "link").unlink()
    (ds / "link").symlink_to("sub")
    answer = inside("save", "-m", "All of it", cwd=ds)
    assert answer.lines == [
        "delete(ok): sub/more (file)",
        "add(ok): link (file)",
        "add(ok): new/data (file)",
        "add(ok): new/file (file)",
        "add(ok): script (file)",
        "add(ok): text (file)",
        "save(ok): . (dataset)",
        "action summary:",
        "  add (ok: 5)",
        "  delete (ok: 1)",
        "  save (ok: 1)",
    ]
    assert changed(git, ds) == ["link", "new/data", "new/file", "script", "sub/more", "text"]
    modes = {line.split("\t")[1]: line.split()[0] for line in git("ls-tree", "-r", "HEAD", cwd=ds).lines}
    assert (modes["new/data"], modes["new/file"], modes["script"]) == ("120000", "100644", "100755")
    assert git("log", "-1", "--format=%B", cwd=ds).text.strip() == "All of it"
    assert is_clean(git, ds)
    annex("fsck", "--quiet", cwd=ds)


def test_nothing_to_save_is_said_by_silence(inside: Inside, ds: Path, head: Callable[..., str]) -> None:
    before = head()
    assert inside("save", cwd=ds).stdout == ""
    (record,) = inside("-f", "json", "save", "text", cwd=ds).records
    assert (record["action"], record["status"]) == ("save", "notneeded")
    assert head() == before


def test_only_what_is_named_is_saved_and_other_staged_changes_stay_staged(
    inside: Inside, ds: Path, git: Program
) -> None:
    write_tree(ds, {"text": "named\n", "other": "staged\n", "sub/more": "left alone\n"})
    git("add", "other", cwd=ds)
    inside("save", "text", cwd=ds)
    assert changed(git, ds) == ["text"]
    assert git("status", "--porcelain", cwd=ds).lines == ["A  other", " M sub/more"]


def test_a_folder_names_all_in_it_and_relative_paths_start_here(
    inside: Inside, ds: Path, git: Program
) -> None:
    write_tree(ds, {"sub/a": "a\n", "sub/deep/b": "b\n", "c": "c\n"})
    inside("save", ".", cwd=ds / "sub")
    assert changed(git, ds) == ["sub/a", "sub/deep/b"]
    inside("save", "../c", cwd=ds / "sub")
    assert changed(git, ds) == ["c"]


def test_any_name_can_be_saved(inside: Inside, ds: Path, git: Program) -> None:
    names = sorted([*ODD_NAMES, UNDECODABLE_NAME])
    for number, name in enumerate(names):
        (ds / name).write_bytes(
            binary(100, seed=number) if number % 2 else name.encode("utf-8", "surrogateescape")
        )
    inside("save", cwd=ds)
    assert changed(git, ds) == names
    assert is_clean(git, ds)
    for name in names:
        (ds / name).unlink()
    inside("save", "--", *names, cwd=ds)
    assert changed(git, ds) == names


def test_a_mistyped_path_is_told_and_the_others_are_saved(inside: Inside, ds: Path, git: Program) -> None:
    (ds / "text").write_text("changed\n")
    answer = inside("save", "text", "txet", cwd=ds, code=1)
    assert "save(impossible): txet [path does not exist]" in answer.lines
    assert changed(git, ds) == ["text"]


def test_a_path_outside_of_the_dataset_is_an_error(inside: Inside, ds: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    answer = inside("save", "../elsewhere", cwd=ds, code=1)
    assert "path not underneath the reference dataset" in answer.stdout


def test_deletions_are_saved_by_name_however_they_were_made(inside: Inside, ds: Path, git: Program) -> None:
    git("rm", "-q", "text", cwd=ds)
    (ds / "data.bin").unlink()
    shutil.rmtree(ds / "sub")
    answer = inside("save", "text", "sub", cwd=ds)
    assert answer.lines[:2] == ["delete(ok): sub/more (file)", "delete(ok): text (file)"]
    assert inside("save", cwd=ds).lines[0] == "delete(ok): data.bin (symlink)"
    assert is_clean(git, ds)


def test_a_file_taken_out_of_the_index_and_still_there_is_unchanged(
    inside: Inside, ds: Path, git: Program
) -> None:
    git("rm", "-q", "--cached", "text", cwd=ds)
    assert inside("save", cwd=ds).stdout == ""
    assert is_clean(git, ds)


def test_things_that_turn_into_other_things(inside: Inside, ds: Path, git: Program) -> None:
    (ds / "text").unlink()
    write_tree(ds, {"text/inside": "now a folder\n"})
    shutil.rmtree(ds / "sub")
    (ds / "sub").write_text("now a file\n")
    (ds / "link").unlink()
    (ds / "link").write_text("now a file\n")
    (ds / "data.bin").unlink()
    (ds / "data.bin").symlink_to("link")
    inside("save", cwd=ds)
    assert is_clean(git, ds)
    assert git("ls-tree", "-r", "--name-only", "HEAD", cwd=ds).lines[-4:] == [
        "data.bin",
        "link",
        "sub",
        "text/inside",
    ]


@pytest.mark.parametrize("how", ["git mv", "mv"])
def test_a_moved_annexed_file_still_finds_its_content(
    inside: Inside, ds: Path, git: Program, how: str
) -> None:
    (ds / "deep/er").mkdir(parents=True)
    if how == "git mv":
        git("mv", "data.bin", "deep/er/data.bin", cwd=ds)
    else:
        (ds / "data.bin").rename(ds / "deep/er/data.bin")
    inside("save", cwd=ds)
    assert (ds / "deep/er/data.bin").read_bytes() == binary(500)
    assert git("show", "HEAD:deep/er/data.bin", cwd=ds).stdout == os.readlink(ds / "deep/er/data.bin")
    assert is_clean(git, ds)


def test_an_unlocked_file_that_was_changed_is_taken_in_again(
    inside: Inside, ds: Path, annex: Program, git: Program
) -> None:
    annex("unlock", "data.bin", cwd=ds)
    git("commit", "-qm", "Unlocked", cwd=ds)
    (ds / "data.bin").write_bytes(binary(700, seed=9))
    inside("save", cwd=ds)
    assert (ds / "data.bin").read_bytes() == binary(700, seed=9)
    annex("fsck", "--quiet", cwd=ds)


def test_updated_leaves_new_files_out(inside: Inside, ds: Path, git: Program) -> None:
    write_tree(ds, {"text": "changed\n", "new": "new\n"})
    inside("save", "-u", cwd=ds)
    assert changed(git, ds) == ["text"]


def test_to_git_puts_content_into_git(inside: Inside, ds: Path, git: Program) -> None:
    (ds / "raw.bin").write_bytes(binary(300))
    inside("save", "--to-git", "raw.bin", cwd=ds)
    assert git("ls-tree", "HEAD", "raw.bin", cwd=ds).text.startswith("100644")
    assert git("cat-file", "-s", "HEAD:raw.bin", cwd=ds).text == "300"


def test_amend_replaces_the_last_commit_and_keeps_its_author(
    inside: Inside, ds: Path, git: Program, head: Callable[..., str]
) -> None:
    git("commit", "-q", "--amend", "--no-edit", "--author", "Ann <ann@example.org>", cwd=ds)
    parent = head("HEAD^")
    (ds / "text").write_text("amended\n")
    inside("save", "--amend", cwd=ds)
    assert git("log", "-1", "--format=%an|%s", cwd=ds).text == "Ann|Content"
    inside("save", "--amend", "-m", "Other words", cwd=ds)
    assert git("log", "-1", "--format=%an|%s", cwd=ds).text == "Ann|Other words"
    assert head("HEAD^") == parent
    assert inside("save", "--amend", cwd=ds).stdout == ""


def test_a_message_may_come_from_a_file_but_not_from_two_places(
    inside: Inside, ds: Path, git: Program
) -> None:
    write_tree(ds, {"text": "changed\n", "sub/message": "\n\nSubject  \n\n\nBody\n"})
    inside("save", "-F", "message", "../text", cwd=ds / "sub")
    assert git("log", "-1", "--format=%B", cwd=ds).stdout.strip() == "Subject\n\nBody"
    assert "Both a message and message file" in inside("save", "-F", "text", "-m", "x", cwd=ds, code=2).stderr
    inside("save", "--amend", "-r", cwd=ds, code=2)


def test_a_tag_marks_what_was_saved(inside: Inside, ds: Path, git: Program, head: Callable[..., str]) -> None:
    (ds / "text").write_text("release\n")
    (*_, saved) = inside("-f", "json", "save", "-t", "v1", cwd=ds).records
    assert (saved["version_tag"], saved["commit"]) == ("v1", head("v1"))
    assert inside("save", "-t", "v2", cwd=ds).lines == ["save(ok): . (dataset)"]
    again = inside("save", "-t", "v2", cwd=ds, code=1)
    assert again.lines == [
        "save(error): . (dataset) [cannot tag this version: fatal: tag 'v2' already exists]"
    ]


def test_an_unborn_branch_gets_its_first_commit(
    inside: Inside, tmp_path: Path, git: Program, annex: Program
) -> None:
    for name, with_annex in (("plain", False), ("annexed", True)):
        root = tmp_path / name
        git("init", "-q", root)
        if with_annex:
            annex("init", "-q", cwd=root)
        write_tree(root, {"a": "a\n", "b/c": binary(50)})
        inside("save", "-m", "First", cwd=root)
        assert git("log", "--format=%s", cwd=root).text == "First"
        assert is_clean(git, root)
        link = git("ls-tree", "HEAD", "b/c", cwd=root).text.startswith("120000")
        assert link == with_annex


def test_a_detached_head_moves_and_no_branch_does(
    inside: Inside, ds: Path, git: Program, head: Callable[..., str]
) -> None:
    git("checkout", "-q", "--detach", cwd=ds)
    main = head("main")
    (ds / "text").write_text("on my own\n")
    inside("save", cwd=ds)
    assert head("HEAD^") == main == head("main")
    assert is_clean(git, ds)


def test_worktrees_save_to_their_own_branch(
    inside: Inside, ds: Path, tmp_path: Path, git: Program, head: Callable[..., str]
) -> None:
    git("worktree", "add", "-q", "-b", "side", tmp_path / "side", cwd=ds)
    main = head("main")
    write_tree(tmp_path / "side", {"text": "aside\n", "new.bin": binary(80)})
    inside("save", cwd=tmp_path / "side")
    assert changed(git, ds, "side") == ["new.bin", "text"]
    assert head("main") == main
    assert is_clean(git, tmp_path / "side")


def test_repositories_of_any_layout_can_be_saved_in(
    inside: Inside, tmp_path: Path, git: Program, annex: Program
) -> None:
    git("init", "-q", "--object-format=sha256", tmp_path / "wide")
    git("init", "-q", "--separate-git-dir", tmp_path / "admin", tmp_path / "apart")
    annex("init", "-q", cwd=tmp_path / "apart")
    for name in ("wide", "apart"):
        root = tmp_path / name
        write_tree(root, {"a": "a\n", "b/c": binary(50), "d/e": "e\n"})
        inside("save", cwd=root)
        (root / "a").unlink()
        shutil.rmtree(root / "d")
        (root / "d").write_text("now a file\n")
        inside("save", cwd=root)
        assert git("ls-tree", "-r", "--name-only", "HEAD", cwd=root).lines == ["b/c", "d"]
        assert is_clean(git, root)


def test_hooks_run_and_git_annex_own_is_not_needed(
    inside: Inside, ds: Path, git: Program, git_trace: GitTrace, cli: Program
) -> None:
    (ds / "text").write_text("one\n2\n")
    cli("save", cwd=ds, env=git_trace.env)
    assert not any("pre-commit" in argv for argv in git_trace.commands())
    hooks = ds / ".git/hooks"
    scripts = {
        "pre-commit": 'echo stamped > stamp; git add stamp; test -z "$GIT_INDEX_FILE" && exit 1; exit 0',
        "commit-msg": 'echo "Signed: hook" >> "$1"',
        "post-commit": "echo done > .git/after",
    }
    for name, body in scripts.items():
        (hooks / name).unlink(missing_ok=True)
        (hooks / name).write_text(f"#!/bin/sh\n{body}\n")
        (hooks / name).chmod(0o755)
    (ds / "text").write_text("one\n3\n")
    inside("save", "-m", "Hooked", "text", cwd=ds)
    assert changed(git, ds) == ["stamp", "text"]
    assert git("log", "-1", "--format=%B", cwd=ds).stdout.split() == ["Hooked", "Signed:", "hook"]
    assert (ds / ".git/after").exists()
    assert is_clean(git, ds)


def test_a_hook_that_refuses_is_heard_and_nothing_is_lost(
    inside: Inside, ds: Path, git: Program, head: Callable[..., str]
) -> None:
    hook = ds / ".git/hooks/pre-commit"
    hook.unlink()
    hook.write_text("#!/bin/sh\necho not today; exit 3\n")
    hook.chmod(0o755)
    before = head()
    (ds / "new.bin").write_bytes(binary(100))
    answer = inside("save", cwd=ds, code=1)
    assert (
        "save(error): . (dataset) [the hook pre-commit refused with exit code 3: not today]" in answer.lines
    )
    assert head() == before
    assert (ds / "new.bin").read_bytes() == binary(100)
    assert git("status", "--porcelain", cwd=ds).lines == ["A  new.bin"]


def test_a_merge_is_concluded_whole_or_not_at_all(
    inside: Inside, ds: Path, git: Program, head: Callable[..., str]
) -> None:
    git("checkout", "-q", "-b", "side", cwd=ds)
    write_tree(ds, {"text": "theirs\n", "brought": "by them\n"})
    inside("save", cwd=ds)
    git("checkout", "-q", "main", cwd=ds)
    (ds / "text").write_text("ours\n")
    inside("save", cwd=ds)
    git("merge", "-q", "side", cwd=ds, code=1)
    for arguments, words in ((["text"], "only everything can be saved"), ([], "still have conflict markers")):
        answer = inside("save", *arguments, cwd=ds, code=1)
        assert words in answer.stdout
        assert (ds / ".git/MERGE_HEAD").exists()
    (ds / "text").write_text("both\n")
    inside("save", cwd=ds)
    assert head("HEAD^2") == head("side")
    assert git("log", "-1", "--format=%s", cwd=ds).text == "Merge branch 'side'"
    assert is_clean(git, ds)
    assert not (ds / ".git/MERGE_HEAD").exists()


def test_what_was_committed_since_is_wrapped_into_a_merge(
    inside: Inside, ds: Path, git: Program, head: Callable[..., str]
) -> None:
    since = head()
    (ds / "text").write_text("step\n")
    git("commit", "-qam", "Step", cwd=ds)
    step = head()
    (ds / "sub/more").write_text("rest\n")
    inside("save", "--since", since, "-m", "Unit", cwd=ds)
    assert head("HEAD^1") == since
    assert head("HEAD^2^") == step
    assert git("log", "--first-parent", "-2", "--format=%s", cwd=ds).lines == ["Unit", "Content"]
    assert is_clean(git, ds)


def test_an_adjusted_branch_is_brought_home(inside: Inside, ds: Path, git: Program, annex: Program) -> None:
    annex("adjust", "--unlock", cwd=ds)
    write_tree(ds, {"text": "adjusted\n", "new.bin": binary(120)})
    inside("save", "-m", "On the adjusted branch", cwd=ds)
    assert git("log", "-1", "--format=%s", "main", cwd=ds).text == "On the adjusted branch"
    assert changed(git, ds, "main") == ["new.bin", "text"]
    assert git("ls-tree", "main", "new.bin", cwd=ds).text.startswith("120000")
    assert git("branch", "--list", "synced/*", cwd=ds).stdout == ""
    assert is_clean(git, ds)


def test_on_an_adjusted_branch_the_last_commit_of_the_original_is_amended(
    inside: Inside, ds: Path, git: Program, annex: Program, head: Callable[..., str]
) -> None:
    parent = head("main^")
    annex("adjust", "--unlock", cwd=ds)
    write_tree(ds, {"text": "adjusted\n", "new.bin": binary(120)})
    inside("save", "--amend", cwd=ds)
    assert git("log", "-1", "--format=%s", "main", cwd=ds).text == "Content"
    inside("save", "--amend", "-m", "Other words", cwd=ds)
    assert git("log", "-1", "--format=%s", "main", cwd=ds).text == "Other words"
    assert head("main^") == parent
    assert head("HEAD^") == head("main") == head("refs/basis/" + head("HEAD", "--abbrev-ref"))
    assert git("ls-tree", "main", "new.bin", cwd=ds).text.startswith("120000")
    assert inside("save", "--amend", cwd=ds).stdout == ""
    write_tree(ds, {"by git": "1\n"})
    git("add", ".", cwd=ds)
    git("commit", "-qm", "By Git", cwd=ds)
    (ds / "text").write_text("and more\n")
    inside("save", "--amend", cwd=ds)
    assert git("log", "-3", "--format=%s", "main", cwd=ds).lines[:2] == ["By Git", "Other words"]
    assert changed(git, ds, "main") == ["by git", "text"]
    (ds / "text").write_text("the next one\n")
    inside("save", "-m", "Next", cwd=ds)
    assert git("log", "-2", "--format=%s", "main", cwd=ds).lines == ["Next", "By Git"]
    assert git("branch", "--list", "synced/*", cwd=ds).stdout == ""
    assert is_clean(git, ds)
    annex("fsck", "--quiet", cwd=ds)


@pytest.mark.native
def test_a_small_save_starts_few_programs(inside: Inside, ds: Path) -> None:
    (ds / "text").write_text("changed\n")
    with programs_started() as started:
        inside("save", cwd=ds)
    # git-annex is not among them, which would start as many again; DataLad: 15 and a git-annex
    assert len(started) <= 14
    assert not [argv for argv in started.programs if argv[0] == "git-annex"]
    with programs_started() as started:
        inside("save", cwd=ds)
    assert len(started) <= 2


def test_sixteen_saves_at_once_are_sixteen_exact_commits(
    cli: Program, ds: Path, git: Program, annex: Program
) -> None:
    for number in range(16):
        write_tree(ds, {f"t{number}": f"{number}\n", f"b{number}": binary(100, seed=number)})

    def save(number: int) -> None:
        cli("save", "-m", f"save {number}", f"t{number}", f"b{number}", cwd=ds)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(save, range(16)))
    commits = dict(line.split("|") for line in git("log", "-16", "--format=%s|%H", cwd=ds).lines)
    assert set(commits) == {f"save {n}" for n in range(16)}
    for number in range(16):
        assert changed(git, ds, commits[f"save {number}"]) == [f"b{number}", f"t{number}"]
    assert is_clean(git, ds)
    annex("fsck", "--quiet", cwd=ds)


def test_savers_of_the_same_file_leave_a_clean_dataset(cli: Program, ds: Path, git: Program) -> None:
    def save(number: int) -> None:
        (ds / "text").write_text(f"version {number}\n")
        cli("save", "-m", f"save {number}", "text", cwd=ds)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(save, range(6)))
    cli("save", cwd=ds)
    assert is_clean(git, ds)
