"""update: bring in what changed at a sibling, and get out of conflicts cleanly."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.counting import GitTrace
from support.inside import Inside
from support.programs import Program
from support.samples import write_tree


@pytest.fixture
def pair(inside: Inside, datalad: Program, tiny_dataset: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Give a dataset and a clone of it, with all content in both."""
    clone = tmp_path / "clone"
    datalad("clone", tiny_dataset, clone)
    datalad("get", ".", cwd=clone)
    return tiny_dataset, clone


def change(inside: Inside, ds: Path, name: str, text: str, *options: str) -> None:
    (ds / name).unlink(missing_ok=True)
    write_tree(ds, {name: text})
    inside("save", *options, cwd=ds)


def actions(records: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(r["action"], r["status"]) for r in records]


MERGED = [
    "merge(ok): . (dataset) [Merged origin/main]",
    "update.annex_merge(ok): . (dataset) [Merged annex branch]",
    "update(ok): . (dataset)",
    "action summary:",
    "  merge (ok: 1)",
    "  update (ok: 1)",
    "  update.annex_merge (ok: 1)",
]


def test_news_are_fetched_and_the_files_stay(inside: Inside, pair: tuple[Path, Path], git: Program) -> None:
    source, clone = pair
    change(inside, source, "new", "news\n")
    answer = inside("update", cwd=clone)
    assert answer.lines == ["update(ok): . (dataset)"]
    assert answer.stderr.strip() == f"[INFO] Fetching updates for Dataset({clone})"
    assert not (clone / "new").exists()
    assert git("log", "--format=%s", "HEAD..origin/main", cwd=clone).lines == ["[DATALAD] Recorded changes"]


@pytest.mark.native
def test_git_annexs_hook_is_left_out_where_no_unlocked_file_comes(
    inside: Inside, pair: tuple[Path, Path], annex: Program, git: Program, tmp_path: Path
) -> None:
    source, clone = pair
    change(inside, source, "new", "news\n")
    write_tree(source, {"code/script.sh": "echo\n"})
    inside("save", "--to-git", cwd=source)
    git("update-index", "-q", "--refresh", cwd=clone)
    trace = GitTrace(tmp_path / "trace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_TRACE2_EVENT", trace.env["GIT_TRACE2_EVENT"])
        assert inside("update", "--how", "merge", cwd=clone).lines == MERGED
    assert (clone / "code/script.sh").read_text() == "echo\n"
    assert [argv for argv in trace.commands() if "annex" in argv] == []
    inside("get", "new", cwd=clone)
    assert annex("fsck", "--quiet", cwd=clone).stderr == ""
    assert annex("find", "--in=here", "new", cwd=clone).lines == ["new"]
    assert git("status", "--porcelain", cwd=clone).stdout == ""


def test_unlocked_files_that_come_get_the_content_that_is_here(
    inside: Inside, pair: tuple[Path, Path], annex: Program, git: Program
) -> None:
    source, clone = pair
    annex("unlock", "notes.txt", cwd=source)
    git("commit", "-qm", "Unlocked", cwd=source)
    assert inside("update", "--how", "merge", cwd=clone).lines == MERGED
    assert not (clone / "notes.txt").is_symlink()
    assert (clone / "notes.txt").read_bytes() == (source / "notes.txt").read_bytes()
    assert git("status", "--porcelain", cwd=clone).stdout == ""


def test_hooks_of_the_users_run_after_a_merge(inside: Inside, pair: tuple[Path, Path]) -> None:
    source, clone = pair
    change(inside, source, "new", "news\n")
    hook = clone / ".git/hooks/post-merge"
    hook.write_text(f"{hook.read_text()}echo merged >told\n")
    inside("update", "--how", "merge", cwd=clone)
    assert (clone / "told").read_text() == "merged\n"
    change(inside, source, "newer", "news\n")
    hook.write_text("#!/bin/sh\ngit annex smudge --update\n")
    another = clone / ".git/hooks/reference-transaction"
    another.write_text("#!/bin/sh\necho moved >>moves\n")
    another.chmod(0o755)
    inside("update", "--how", "merge", cwd=clone)
    assert "moved" in (clone / "moves").read_text()


@pytest.mark.parametrize("option", [["--how", "merge"], ["--merge"], ["--merge", "any"]])
def test_merge_says_the_same_with_news_and_without(
    inside: Inside, pair: tuple[Path, Path], option: list[str]
) -> None:
    source, clone = pair
    change(inside, source, "new", "news\n")
    for _ in range(2):
        assert inside("update", "-s", "origin", *option, cwd=clone).lines == MERGED
    assert (clone / "new").is_symlink()


def test_merge_joins_two_histories(inside: Inside, pair: tuple[Path, Path], git: Program) -> None:
    source, clone = pair
    change(inside, source, "theirs", "1\n")
    change(inside, clone, "ours", "2\n")
    inside("update", "--how", "merge", cwd=clone)
    assert git("log", "-1", "--format=%s", cwd=clone).text == "Merge remote-tracking branch 'origin/main'"
    assert {"theirs", "ours"} <= {file.name for file in clone.iterdir()}


def test_ff_only_refuses_to_join(inside: Inside, pair: tuple[Path, Path], git: Program) -> None:
    source, clone = pair
    change(inside, source, "theirs", "1\n")
    change(inside, clone, "ours", "2\n")
    before = git("rev-parse", "HEAD", cwd=clone).text
    lines = inside("update", "--merge", "ff-only", cwd=clone, code=1).lines
    assert lines[1] == (
        "Hint: Both this branch and origin/main have commits that the other lacks; --how merge joins them."
    )
    assert lines[2:4] == [
        "update.annex_merge(ok): . (dataset) [Merged annex branch]",
        "update(error): . (dataset) [Update of origin/main failed]",
    ]
    assert git("rev-parse", "HEAD", cwd=clone).text == before


def test_reset_goes_where_the_sibling_is_and_refuses_unsaved_changes(
    inside: Inside, pair: tuple[Path, Path], git: Program
) -> None:
    source, clone = pair
    change(inside, source, "theirs", "1\n")
    (clone / "unsaved").write_text("mine\n")
    lines = inside("update", "--how", "reset", cwd=clone, code=1).lines
    assert lines[0] == "update.reset(error): . (dataset) [Refusing to reset dirty working tree]"
    (clone / "unsaved").unlink()
    lines = inside("update", "--how", "reset", cwd=clone).lines
    assert lines[:2] == ["update.reset(ok): . (dataset) [Reset to origin/main]", "update(ok): . (dataset)"]
    assert git("rev-parse", "HEAD", cwd=clone).text == git("rev-parse", "HEAD", cwd=source).text


def test_checkout_leaves_the_branch(inside: Inside, pair: tuple[Path, Path], git: Program) -> None:
    source, clone = pair
    change(inside, source, "theirs", "1\n")
    assert inside("update", "--how", "checkout", cwd=clone).lines[0] == (
        "update.checkout(ok): . (dataset) [Checkout origin/main]"
    )
    assert git("branch", "--show-current", cwd=clone).text == ""


def conflict(inside: Inside, pair: tuple[Path, Path], *options: str) -> tuple[Path, Path]:
    source, clone = pair
    change(inside, source, "both", "theirs\n", *options)
    change(inside, clone, "both", "ours\n", *options)
    return pair


def test_a_conflict_names_the_files_and_abort_goes_back(
    inside: Inside, pair: tuple[Path, Path], git: Program
) -> None:
    _, clone = conflict(inside, pair, "--to-git")
    before = git("rev-parse", "HEAD", cwd=clone).text
    answer = inside("update", "--how", "merge", cwd=clone, code=1)
    assert answer.lines == [
        "merge(error): . (dataset) [Merging origin/main left conflicts in: both]",
        "Hint: Edit the files until they are as you want them.",
        "Hint: Then conclude with `rookery save`, or go back to before with `rookery update --abort`.",
        "update.annex_merge(ok): . (dataset) [Merged annex branch]",
        "update(error): . (dataset) [Update of origin/main failed]",
        "action summary:",
        "  merge (error: 1)",
        "  update (error: 1)",
        "  update.annex_merge (ok: 1)",
    ]
    assert git("status", "--porcelain", cwd=clone).text == "AA both"
    again = inside("update", "--how", "merge", cwd=clone, code=1)
    assert again.lines[0] == (
        "merge(error): . (dataset) [An earlier merge is still open, with conflicts in: both]"
    )
    assert (
        inside("update", "--abort", cwd=clone)
        .lines[0]
        .startswith("update.abort(ok): . (dataset) [Gave up merging ")
    )
    assert git("status", "--porcelain", cwd=clone).text == ""
    assert git("rev-parse", "HEAD", cwd=clone).text == before
    assert (clone / "both").read_text() == "ours\n"


def test_there_is_nothing_to_go_back_from(inside: Inside, tiny_dataset: Path) -> None:
    assert inside("update", "--abort", cwd=tiny_dataset, code=1).lines == [
        "update.abort(impossible): . (dataset) [there is no unfinished update to go back from]"
    ]


def test_a_resolved_conflict_is_concluded_by_save(
    inside: Inside, pair: tuple[Path, Path], git: Program
) -> None:
    source, clone = conflict(inside, pair, "--to-git")
    inside("update", "--how", "merge", cwd=clone, code=1)
    (clone / "both").write_text("both\n")
    inside("save", cwd=clone)
    theirs = git("rev-parse", "HEAD", cwd=source).text
    assert theirs in git("log", "-1", "--format=%P", cwd=clone).text
    assert inside("update", "--how", "merge", cwd=clone).lines == MERGED


def test_both_versions_of_an_annexed_file_stay_within_reach(
    inside: Inside, pair: tuple[Path, Path], git: Program, annex: Program
) -> None:
    _, clone = conflict(inside, pair)
    (merge, *_) = inside("-f", "json", "update", "--how", "merge", cwd=clone, code=1).records
    assert merge["conflicts"] == ["both"]
    assert "git annex resolvemerge" in merge["hints"][0]
    annex("resolvemerge", cwd=clone)
    inside("save", cwd=clone)
    variants = sorted(file.name for file in clone.glob("both.variant-*"))
    assert len(variants) == 2
    inside("get", *variants, cwd=clone)
    assert {(clone / name).read_text() for name in variants} == {"theirs\n", "ours\n"}


def test_changes_in_the_way_are_kept_and_named(inside: Inside, pair: tuple[Path, Path]) -> None:
    source, clone = pair
    change(inside, source, "new", "theirs\n", "--to-git")
    (clone / "new").write_text("unsaved\n")
    answer = inside("update", "--how", "merge", cwd=clone, code=1)
    assert "new" in answer.stdout
    assert "Hint: Save your changes first (rookery save)" in answer.stdout
    assert (clone / "new").read_text() == "unsaved\n"


def test_a_dry_run_says_what_would_come_and_moves_nothing(
    inside: Inside, pair: tuple[Path, Path], git: Program
) -> None:
    _, clone = conflict(inside, pair)
    before = git("for-each-ref", cwd=clone).text
    lines = inside("update", "--how", "merge", "--dry-run", cwd=clone, code=1).lines
    assert lines[:2] == [
        "merge [dry-run](error): . (dataset) [would conflict in: both]",
        (
            "update [dry-run](ok): . (dataset) "
            "[merge of origin/main would bring 1 commit with 1 changed file, 7 Bytes of annexed content]"
        ),
    ]
    reset = inside("update", "--how", "reset", "--dry-run", cwd=clone).lines
    assert reset[0] == (
        "update.reset [dry-run](ok): . (dataset) "
        "[would be lost: 1 commit of this branch is not in origin/main]"
    )
    assert git("for-each-ref", cwd=clone).text == before


def test_an_adjusted_branch_is_synchronized(
    inside: Inside, pair: tuple[Path, Path], git: Program, annex: Program
) -> None:
    source, clone = pair
    annex("adjust", "--unlock", cwd=clone)
    change(inside, source, "new", "news\n")
    assert inside("update", "-s", "origin", "--how", "merge", cwd=clone).lines[:2] == [
        "update.annex_sync(ok): . (dataset) [Ran git-annex-sync]",
        "update(ok): . (dataset)",
    ]
    assert (clone / "new").exists()
    refused = inside("update", "-s", "origin", "--how", "ff-only", cwd=clone, code=1).lines
    assert refused == [
        "update(impossible): . (dataset) [Updating via 'ff-only' is incompatible with adjusted branches]"
    ]
    change(inside, source, "newer", "news\n")
    lines = inside("update", "-s", "origin", "--how", "reset", cwd=clone).lines
    assert lines[0] == "update.reset(ok): . (dataset) [Reset to origin/main]"
    assert git("branch", "--show-current", cwd=clone).text == "adjusted/main(unlocked)"
    assert (clone / "newer").exists()


def test_content_that_was_there_is_got_again(inside: Inside, pair: tuple[Path, Path]) -> None:
    source, clone = pair
    change(inside, source, "notes.txt", "changed\n")
    inside("drop", "--reckless", "kill", "data/one.dat", cwd=clone)
    change(inside, source, "data/one.dat", "changed too\n")
    records = inside("-f", "json", "update", "--how", "merge", "--reobtain-data", cwd=clone).records
    assert [r["path"] for r in records if r["action"] == "get"] == [str(clone / "notes.txt")]
    assert (clone / "notes.txt").read_text() == "changed\n"


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["-s", "nobody"], "update(impossible): . (dataset) ['nobody' not known to dataset {}"),
        (
            ["--how", "merge"],
            "update(impossible): . (dataset) [Multiple siblings, please specify from which to update.]",
        ),
    ],
)
def test_a_sibling_must_be_known_and_clear(
    inside: Inside, git: Program, pair: tuple[Path, Path], arguments: list[str], line: str
) -> None:
    source, clone = pair
    git("remote", "add", "second", source, cwd=clone)
    git("config", "--unset", "branch.main.remote", cwd=clone)
    assert inside("update", *arguments, cwd=clone, code=1).lines[0] == line.format(clone)


def test_of_several_siblings_the_followed_one_counts(
    inside: Inside, git: Program, pair: tuple[Path, Path]
) -> None:
    source, clone = pair
    git("remote", "add", "second", source, cwd=clone)
    assert inside("update", "--how", "merge", cwd=clone).lines == MERGED


def test_without_siblings_there_is_nothing_to_do(inside: Inside, tiny_dataset: Path) -> None:
    (record,) = inside("-f", "json", "update", cwd=tiny_dataset).records
    assert (record["action"], record["status"]) == ("update", "notneeded")


def test_a_sibling_that_does_not_answer_is_an_error(inside: Inside, git: Program, tiny_dataset: Path) -> None:
    git("remote", "add", "gone", "/no/such/place", cwd=tiny_dataset)
    lines = inside("update", cwd=tiny_dataset, code=1).lines
    assert lines[0].startswith("update(error): . (dataset) [Fetch failed: gone: fatal: ")


def test_merge_and_how_exclude_each_other(inside: Inside, tiny_dataset: Path) -> None:
    answer = inside("update", "--merge", "--how", "merge", cwd=tiny_dataset, code=None)
    assert answer.code != 0
    assert "`merge` is incompatible with `how` and `how_subds`" in answer.stderr


# with subdatasets


@pytest.fixture
def nested(datalad: Program, new_dataset: Callable[..., Path], tmp_path: Path) -> tuple[Path, Path]:
    """Give a dataset with a subdataset `sub`, and a clone of both."""
    top = new_dataset("top", files={"a.dat": "a\n"})
    datalad("create", "-d", top, "sub", cwd=top)
    write_tree(top, {"sub/s.dat": "s\n"})
    datalad("save", "-r", "-d", top)
    datalad("clone", top, tmp_path / "clone")
    datalad("get", "-r", ".", cwd=tmp_path / "clone")
    return top, tmp_path / "clone"


def test_updated_subdatasets_are_saved_in_their_superdataset(
    inside: Inside, git: Program, nested: tuple[Path, Path]
) -> None:
    top, clone = nested
    change(inside, top / "sub", "new", "news\n")  # not saved in its superdataset
    records = inside("-f", "json", "update", "-r", "--how", "merge", cwd=clone).records
    assert actions(records) == [
        ("merge", "ok"),
        ("update.annex_merge", "ok"),
        ("update", "ok"),
        ("merge", "ok"),
        ("update.annex_merge", "ok"),
        ("update", "ok"),
        ("add", "ok"),
        ("add", "ok"),  # .gitmodules, as DataLad says, though it did not change
        ("save", "ok"),
    ]
    assert git("log", "-1", "--format=%s", cwd=clone).text == "[DATALAD] Save updated subdatasets"
    assert git("status", "--porcelain", cwd=clone).text == ""


def test_subdatasets_may_follow_what_their_superdataset_has_registered(
    inside: Inside, git: Program, nested: tuple[Path, Path]
) -> None:
    top, clone = nested
    change(inside, top / "sub", "one", "1\n")
    inside("save", "-d", top, cwd=top)
    registered = git("rev-parse", "HEAD:sub", cwd=top).text
    change(inside, top / "sub", "two", "2\n")
    inside("update", "-r", "--how", "merge", "--follow", "parentds", cwd=clone)
    assert git("rev-parse", "HEAD", cwd=clone / "sub").text == registered
    lazy = inside("-f", "json", "update", "-r", "--how", "merge", "--follow", "parentds-lazy", cwd=clone)
    assert lazy.records[-1]["message"] == [
        "Dataset already at commit registered in parent: %s",
        str(clone / "sub"),
    ]


def test_how_subds_differs_from_how_and_paths_choose_subdatasets(
    inside: Inside, git: Program, nested: tuple[Path, Path]
) -> None:
    top, clone = nested
    change(inside, top / "sub", "new", "news\n")
    records = inside("-f", "json", "update", "-r", "--how-subds", "reset", "sub", cwd=clone).records
    assert actions(records)[:3] == [("update", "ok"), ("update.reset", "ok"), ("update", "ok")]
    answer = inside("update", "-r", "nothing", cwd=clone)
    assert "path constraints" not in answer.stdout


def test_two_registrations_of_different_subdatasets_are_no_conflict(
    inside: Inside, datalad: Program, git: Program, nested: tuple[Path, Path]
) -> None:
    top, clone = nested
    datalad("create", "-d", top, "theirs", cwd=top)
    datalad("create", "-d", clone, "ours", cwd=clone)
    records = inside("-f", "json", "update", "--how", "merge", cwd=clone).records
    assert records[0]["settled"] == [".gitmodules"]
    assert git("status", "--porcelain", cwd=clone).text == ""
    names = {line.split()[0] for line in git("config", "-f", ".gitmodules", "--list", cwd=clone).lines}
    assert {f"submodule.{n}.path={n}" for n in ("sub", "ours", "theirs")} <= names


def test_a_subdatasets_commit_is_settled_where_one_follows_from_the_other(
    inside: Inside, git: Program, nested: tuple[Path, Path]
) -> None:
    top, clone = nested
    for text in ("1\n", "2\n"):
        change(inside, top / "sub", "new", text)
    inside("save", cwd=top)
    one_back = git("rev-parse", "HEAD~1", cwd=top / "sub").text
    git("fetch", "-q", "origin", cwd=clone / "sub")
    git("reset", "-q", "--hard", one_back, cwd=clone / "sub")
    inside("save", cwd=clone)
    inside("update", "--how", "merge", cwd=clone)
    assert git("rev-parse", "HEAD:sub", cwd=clone).text == git("rev-parse", "HEAD", cwd=top / "sub").text


def test_subdatasets_that_went_apart_stay_a_conflict_with_advice(
    inside: Inside, git: Program, nested: tuple[Path, Path]
) -> None:
    top, clone = nested
    change(inside, top / "sub", "theirs", "1\n")
    inside("save", cwd=top)
    change(inside, clone / "sub", "ours", "2\n")
    inside("save", cwd=clone)
    (merge, *_) = inside("-f", "json", "update", "--how", "merge", cwd=clone, code=1).records
    assert merge["conflicts"] == ["sub"]
    assert "rookery update -d sub --how merge" in merge["hints"][0]
    inside("update", "-d", clone / "sub", "--how", "merge", cwd=clone)
    git("add", "sub", cwd=clone)
    inside("save", cwd=clone)
    assert git("status", "--porcelain", cwd=clone).text == ""
    assert (
        inside("update", "-r", "--abort", cwd=clone, code=1).lines[0].startswith("update.abort(impossible)")
    )
