"""push: content, then branches; nothing is claimed that is not so."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from support.counting import GitTrace, Started
from support.inside import Inside
from support.programs import Program
from support.samples import ODD_NAMES, binary, write_tree

NOTHING_DONE = ["action summary:", "  publish (notneeded: 2)"]


@pytest.fixture
def bare(git: Program, tmp_path: Path, tiny_dataset: Path) -> Path:
    """Give a plain bare repository, which is the dataset's sibling `gin`."""
    place = tmp_path / "bare.git"
    git("init", "-q", "--bare", place)
    git("remote", "add", "gin", place, cwd=tiny_dataset)
    return place


def keys_in(place: Path) -> set[str]:
    """Give the keys whose content is in a repository or directory special remote."""
    return {file.name for file in place.rglob("MD5E-*") if file.is_file()}


def refs_of(git: Program, place: Path) -> str:
    return git("for-each-ref", cwd=place).text


def of(records: list[dict[str, Any]], **wanted: Any) -> list[dict[str, Any]]:
    return [r for r in records if all(r.get(key) == value for key, value in wanted.items())]


def change(inside: Inside, ds: Path, **files: str) -> None:
    write_tree(ds, {name.replace("__", "/"): text for name, text in files.items()})
    inside("save", cwd=ds)


def test_the_first_push_to_a_plain_bare_repository_sends_the_content(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    lines = inside("push", "--to", "gin", cwd=tiny_dataset).lines
    assert lines[:3] == [
        "copy(ok): data/one.dat (file) [to gin...]",
        "copy(ok): data/two.dat (file) [to gin...]",
        "copy(ok): notes.txt (file) [to gin...]",
    ]
    assert lines[3].startswith("publish(ok): . (dataset) [refs/heads/git-annex->gin:refs/heads/git-annex ")
    assert lines[4:] == [
        "publish(ok): . (dataset) [refs/heads/main->gin:refs/heads/main [new branch]]",
        "action summary:",
        "  copy (ok: 3)",
        "  publish (ok: 2)",
    ]
    assert len(keys_in(bare)) == 3
    here = git("rev-parse", "main", "git-annex", cwd=tiny_dataset).text
    assert git("rev-parse", "main", "git-annex", cwd=bare).text == here


def test_a_push_of_nothing_to_a_place_on_this_machine_starts_one_program(
    inside: Inside,
    tiny_dataset: Path,
    bare: Path,
    count_programs: Callable[[], AbstractContextManager[Started]],
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    with count_programs() as started:
        assert inside("push", "--to", "gin", cwd=tiny_dataset).lines == NOTHING_DONE
    assert [argv[0] for argv in started.programs] == ["git"]  # the settings
    assert not any("ls-tree" in argv or "cat-file" in argv for argv in started.programs)


def test_a_push_of_nothing_to_a_special_remote_asks_nobody(
    inside: Inside,
    annex: Program,
    tiny_dataset: Path,
    tmp_path: Path,
    count_programs: Callable[[], AbstractContextManager[Started]],
) -> None:
    (tmp_path / "store").mkdir()
    settings = ["type=directory", f"directory={tmp_path / 'store'}", "encryption=none"]
    annex("initremote", "store", *settings, cwd=tiny_dataset)
    lines = inside("push", "--to", "store", cwd=tiny_dataset).lines
    assert lines[-2:] == ["action summary:", "  copy (ok: 3)"]
    assert len(keys_in(tmp_path / "store")) == 3
    with count_programs() as started:
        assert inside("push", "--to", "store", cwd=tiny_dataset).lines == []
    assert len(started) == 1


def test_content_that_came_after_the_last_push_is_sent_although_no_branch_moved(
    inside: Inside, annex: Program, git: Program, tiny_dataset: Path, bare: Path, tmp_path: Path
) -> None:
    git("clone", "-q", tiny_dataset, "clone", cwd=tmp_path)
    clone = tmp_path / "clone"
    annex("init", cwd=clone)
    git("remote", "add", "gin", bare, cwd=clone)
    first = inside("-f", "json", "push", "--to", "gin", cwd=clone)
    (absence,) = of(first.records, action="copy", type="dataset")
    assert absence["status"] == "notneeded"
    assert absence["unsent"] == ["data/one.dat", "data/two.dat", "notes.txt"]
    annex("get", "notes.txt", cwd=clone)
    again = inside("push", "--to", "gin", cwd=clone).lines
    assert "copy(ok): notes.txt (file) [to gin...]" in again
    assert "1: 2 annexed files are neither here nor known to be at gin, and not sent" in "\n".join(again)
    assert len(keys_in(bare)) == 1


def test_what_git_annex_has_not_committed_yet_gets_to_the_sibling(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    key = (tiny_dataset / "notes.txt").readlink().name
    elsewhere = "11111111-2222-4333-8444-555555555555"
    annex("setpresentkey", "--batch", cwd=tiny_dataset, stdin=f"{key} {elsewhere} 1\n")
    journal = tiny_dataset / ".git" / "annex" / "journal"
    assert list(journal.iterdir()), "or it tests nothing"
    inside("push", "--to", "gin", cwd=tiny_dataset)
    assert not list(journal.iterdir())
    assert elsewhere in git("grep", "-h", "-e", elsewhere, "git-annex", "--", "*.log", cwd=bare).text
    assert inside("push", "--to", "gin", cwd=tiny_dataset).lines == NOTHING_DONE


def test_absent_content_is_named_again_by_a_push_of_nothing(
    inside: Inside, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    annex("drop", "--force", "notes.txt", cwd=tiny_dataset)
    for _ in range(2):
        answer = inside("push", "--to", "gin", cwd=tiny_dataset)
        assert answer.lines[-1] == (
            "1: 1 annexed file is neither here nor known to be at gin, and not sent (notes.txt). "
            "Obtain the content with `rookery get`, then push again."
        )


def test_absent_content_that_was_asked_for_by_name_is_a_failure(
    inside: Inside, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    annex("drop", "--force", "notes.txt", cwd=tiny_dataset)
    answer = inside("push", "--to", "gin", "notes.txt", cwd=tiny_dataset, code=1)
    assert answer.lines[0] == (
        "copy(impossible): notes.txt (file) [Slated for transport, but no content present]"
    )


def test_a_file_that_the_sibling_has_need_not_be_here(
    inside: Inside, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    annex("drop", "notes.txt", cwd=tiny_dataset)
    answer = inside("push", "--to", "gin", "notes.txt", cwd=tiny_dataset)
    assert not any("copy" in line for line in answer.lines)


def test_data_nothing_sends_none_and_the_next_push_sends_it_all(
    inside: Inside, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    assert keys_in(bare) == set()
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    inside("push", "--to", "gin", cwd=tiny_dataset)
    assert len(keys_in(bare)) == 3


def test_a_key_goes_once_and_its_other_files_say_so(inside: Inside, tiny_dataset: Path, bare: Path) -> None:
    write_tree(tiny_dataset, {"again.dat": binary(1000, seed=1)})
    inside("save", cwd=tiny_dataset)
    records = inside("-f", "json", "push", "--to", "gin", cwd=tiny_dataset).records
    (twin,) = of(records, action="copy", status="notneeded")
    assert twin["message"] == "Another file points to the same key"
    assert twin["path"] == str(tiny_dataset / "data" / "one.dat")


def test_only_what_changed_since_is_sent(inside: Inside, tiny_dataset: Path, bare: Path) -> None:
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    change(inside, tiny_dataset, new="news\n")
    records = inside("-f", "json", "push", "--to", "gin", "--since", "^", cwd=tiny_dataset).records
    assert [r["path"] for r in of(records, action="copy")] == [str(tiny_dataset / "new")]
    answer = inside("-f", "json", "push", "--to", "gin", "--since", "^", cwd=tiny_dataset)
    (only,) = answer.records
    assert (only["status"], only["message"]) == (
        "notneeded",
        "Given constraints did not match any changes to publish",
    )


def test_a_history_that_would_be_refused_sends_nothing(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path, tmp_path: Path
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    git("clone", "-q", bare, "other", cwd=tmp_path)
    git("commit", "-q", "--allow-empty", "-m", "theirs", cwd=tmp_path / "other")
    git("push", "-q", "origin", "main", cwd=tmp_path / "other")
    change(inside, tiny_dataset, mine="mine\n")
    before = refs_of(git, bare), keys_in(bare)
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    assert answer.lines[0] == (
        "publish(error): . (dataset) [refs/heads/main->gin:refs/heads/main [rejected] (fetch first)]"
    )
    assert "`rookery update -s gin --how merge`, then push again." in answer.lines[-1]
    assert (refs_of(git, bare), keys_in(bare)) == before
    inside("update", "-s", "gin", "--how", "merge", cwd=tiny_dataset)
    inside("push", "--to", "gin", cwd=tiny_dataset)
    assert git("rev-parse", "main", cwd=bare).text == git("rev-parse", "main", cwd=tiny_dataset).text


def test_force_replaces_the_branch_and_never_git_annex(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path, tmp_path: Path
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    git("clone", "-q", bare, "other", cwd=tmp_path)
    other = tmp_path / "other"
    annex("init", "the other one", cwd=other)
    git("commit", "-q", "--allow-empty", "-m", "theirs", cwd=other)
    git("push", "-q", "origin", "main", "git-annex", cwd=other)
    change(inside, tiny_dataset, mine="mine\n")
    lines = inside("push", "--to", "gin", "--force", "gitpush", cwd=tiny_dataset).lines
    assert any("refs/heads/main" in line and "(forced update)" in line for line in lines)
    assert "the other one" in git("cat-file", "blob", "git-annex:uuid.log", cwd=bare).text


def test_diverged_git_annex_branches_are_merged_and_neither_side_loses_a_line(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path, tmp_path: Path
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    git("clone", "-q", bare, "other", cwd=tmp_path)
    other = tmp_path / "other"
    annex("init", "the other one", cwd=other)
    annex("get", "notes.txt", cwd=other)
    git("push", "-q", "origin", "git-annex", cwd=other)
    annex("describe", "here", "the first one", cwd=tiny_dataset)
    inside("push", "--to", "gin", cwd=tiny_dataset)
    logged = git("cat-file", "blob", "git-annex:uuid.log", cwd=bare).text
    assert "the other one" in logged
    assert "the first one" in logged
    assert annex("whereis", "notes.txt", cwd=tiny_dataset).stdout.count(" -- ") == 3


def test_content_that_the_sibling_dropped_meanwhile_is_sent_again(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    key = next(iter(keys_in(bare)))
    annex("drop", "--force", "--key", key, cwd=bare)
    inside("push", "--to", "gin", cwd=tiny_dataset)
    assert len(keys_in(bare)) == 3
    assert "here" in annex("whereis", "--key", key, cwd=bare).text


def test_siblings_that_this_one_depends_on_come_first(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path, tmp_path: Path
) -> None:
    (tmp_path / "store").mkdir()
    settings = ["type=directory", f"directory={tmp_path / 'store'}", "encryption=none"]
    annex("initremote", "store", *settings, cwd=tiny_dataset)
    git("config", "remote.gin.annex-ignore", "true", cwd=tiny_dataset)
    git("config", "remote.gin.datalad-publish-depends", "store", cwd=tiny_dataset)
    records = inside("-f", "json", "push", "--to", "gin", cwd=tiny_dataset).records
    assert [(r["action"], r["target"]) for r in records] == [("copy", "store")] * 3 + [("publish", "gin")] * 2
    assert keys_in(bare) == set()


def test_dependencies_in_a_circle_are_refused(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    git("remote", "add", "two", bare, cwd=tiny_dataset)
    git("config", "remote.gin.datalad-publish-depends", "two", cwd=tiny_dataset)
    git("config", "remote.two.datalad-publish-depends", "gin", cwd=tiny_dataset)
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    assert answer.lines[0] == (
        "publish(error): . (dataset) [Publication dependencies go in a circle: gin -> two -> gin]"
    )
    assert refs_of(git, bare) == ""


def test_a_dependency_that_is_no_sibling_is_an_error(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    git("config", "remote.gin.datalad-publish-depends", "nobody", cwd=tiny_dataset)
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    assert answer.lines[0] == "publish(error): . (dataset) [Unknown target sibling 'nobody'.]"


def test_a_sibling_that_takes_no_content_gets_none_and_what_only_we_have_is_named(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    git("config", "remote.gin.annex-ignore", "true", cwd=tiny_dataset)
    lines = inside("push", "--to", "gin", cwd=tiny_dataset).lines
    assert lines[-2] == "Hints: "
    assert "the content of 3 annexed files is known to be here only" in lines[-1]
    assert keys_in(bare) == set()
    answer = inside("push", "--to", "gin", "--data", "anything", cwd=tiny_dataset, code=1)
    assert answer.lines[0].startswith("copy(impossible): . (dataset) [gin takes no content")


def test_content_for_a_place_without_an_annex_is_a_failure_and_not_silence(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    # git-annex makes no annex in a repository that says so
    (bare / "config").write_text((bare / "config").read_text() + "[annex]\n\tnoinit = true\n")
    (bare / "annex").write_text("in the way\n")
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    assert answer.lines[0] == (
        "copy(impossible): . (dataset) [Target 'gin' does not appear to be an annex remote]"
    )
    assert git("rev-parse", "main", cwd=bare).text == git("rev-parse", "main", cwd=tiny_dataset).text


def test_auto_sends_what_the_sibling_wants(
    inside: Inside, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    annex("sync", "--only-annex", "--no-content", "gin", cwd=tiny_dataset)
    annex("wanted", "gin", "include=data/*", cwd=tiny_dataset)
    records = inside("-f", "json", "push", "--to", "gin", cwd=tiny_dataset).records
    sent = {Path(r["path"]).name for r in of(records, action="copy")}
    assert sent == {"one.dat", "two.dat"}
    inside("push", "--to", "gin", "--data", "anything", cwd=tiny_dataset)
    assert len(keys_in(bare)) == 3


@pytest.mark.native
@pytest.mark.parametrize("data", ["auto", "auto-if-wanted"])
@pytest.mark.parametrize(
    ("wanted", "numcopies", "sent"),
    [
        ("include=data/* and exclude=*/two*", 1, {"one.dat"}),
        ("not (copies=1 or include=*.txt)", 1, set()),
        ("nothing", 2, {"one.dat", "two.dat", "notes.txt"}),
        (
            "(lackingcopies=1 and largerthan=100b) or inallgroup=nobody",
            1,
            {"one.dat", "two.dat", "notes.txt"},
        ),
        ("standard", 1, {"one.dat", "two.dat"}),
    ],
)
def test_what_the_sibling_wants_is_found_out_without_git_annex(
    data: str, wanted: str, numcopies: int, sent: set[str], inside: Inside, annex: Program, tiny_dataset: Path,
    bare: Path, tmp_path: Path, count_programs: Callable[[], AbstractContextManager[Started]],
) -> None:  # fmt: skip
    (tiny_dataset / "data").rename(tiny_dataset / "public") if wanted == "standard" else None
    inside("save", cwd=tiny_dataset)
    inside("push", "--to", "gin", "--data", "nothing", cwd=tiny_dataset)
    annex("sync", "--only-annex", "--no-content", "gin", cwd=tiny_dataset)
    annex("wanted", "gin", wanted, cwd=tiny_dataset)
    annex("group", "gin", "public", cwd=tiny_dataset)
    annex("numcopies", str(numcopies), cwd=tiny_dataset)
    theirs = tmp_path / "theirs"
    shutil.copytree(tiny_dataset, theirs / "ds", symlinks=True)
    shutil.copytree(bare, theirs / "bare.git")
    annex(
        "copy",
        "--auto",
        "--quiet",
        "--to",
        "gin",
        "-c",
        f"remote.gin.url={theirs / 'bare.git'}",
        cwd=theirs / "ds",
    )
    assert len(keys_in(theirs / "bare.git")) == len(sent)
    with count_programs() as started:
        answer = inside("-f", "json", "push", "--to", "gin", "--data", data, cwd=tiny_dataset)
    assert not [argv for argv in started.programs if argv[0] == "git-annex"]
    found = {Path(r["path"]).name for r in of(answer.records, action="copy", status="ok", type="file")}
    assert found == sent
    assert len(keys_in(bare)) == len(sent)


def test_checkdatapresent_asks_the_sibling_and_repairs_what_its_log_claims(
    inside: Inside, tiny_dataset: Path, bare: Path
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    lost = next(file for file in bare.rglob("MD5E-*") if file.is_file())
    lost.parent.chmod(0o755)
    lost.unlink()
    assert inside("push", "--to", "gin", cwd=tiny_dataset).lines == NOTHING_DONE
    inside("push", "--to", "gin", "--force", "checkdatapresent", cwd=tiny_dataset)
    assert lost.is_file()


def test_set_upstream_makes_the_branch_follow_and_then_no_target_is_needed(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    answer = inside("push", cwd=tiny_dataset, code=1)
    assert answer.lines[0] == (
        "publish(impossible): . (dataset) "
        "[No push target given, and none could be auto-detected, please specify via --to]"
    )
    inside("push", "--to", "gin", "-u", cwd=tiny_dataset)
    assert git("rev-parse", "--abbrev-ref", "main@{upstream}", cwd=tiny_dataset).text == "gin/main"
    assert inside("push", cwd=tiny_dataset).lines == NOTHING_DONE


def test_set_upstream_without_a_name_is_refused(inside: Inside, tiny_dataset: Path) -> None:
    assert "requires an explicit sibling" in inside("push", "-u", cwd=tiny_dataset, code=1).stderr


def test_tags_go_along_where_git_is_set_to_let_them(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    git("config", "push.followTags", "true", cwd=tiny_dataset)
    git("tag", "-a", "-m", "first", "v1", cwd=tiny_dataset)
    records = inside("-f", "json", "push", "--to", "gin", cwd=tiny_dataset).records
    (tag,) = of(records, refspec="refs/tags/v1:refs/tags/v1")
    assert tag["operations"] == ["new-tag"]
    assert git("tag", cwd=bare).text == "v1"


def test_branches_that_the_settings_name_are_pushed_too(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    git("branch", "extra", cwd=tiny_dataset)
    git("config", "--add", "remote.gin.push", "refs/heads/extra:refs/heads/extra", cwd=tiny_dataset)
    inside("push", "--to", "gin", cwd=tiny_dataset)
    assert git("branch", "--format=%(refname:short)", cwd=bare).lines == ["extra", "git-annex", "main"]


def test_an_adjusted_branch_is_pushed_as_the_one_that_it_was_made_from(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, bare: Path
) -> None:
    annex("adjust", "--unlock", cwd=tiny_dataset)
    change(inside, tiny_dataset, new="news\n")
    inside("push", "--to", "gin", cwd=tiny_dataset)
    assert git("branch", "--format=%(refname:short)", cwd=bare).lines == ["git-annex", "main"]
    assert "new" in git("ls-tree", "--name-only", "main", cwd=bare).lines
    assert "synced" not in git("branch", "-a", cwd=tiny_dataset).text


def test_a_dry_run_says_what_would_go_and_changes_nothing(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path
) -> None:
    before = refs_of(git, tiny_dataset), (tiny_dataset / ".git" / "config").read_text()
    lines = inside("push", "--to", "gin", "--dry-run", cwd=tiny_dataset).lines
    assert lines[0] == "copy [dry-run](ok): data/one.dat (file) [to gin, 1.0 kB]"
    assert "publish [dry-run](ok): . (dataset) [refs/heads/main->gin:refs/heads/main [new branch]]" in lines
    assert (refs_of(git, tiny_dataset), (tiny_dataset / ".git" / "config").read_text()) == before
    assert refs_of(git, bare) == ""


def test_any_file_name_travels(
    inside: Inside, new_dataset: Callable[..., Path], git: Program, tmp_path: Path
) -> None:
    ds = new_dataset("odd", files={})
    write_tree(ds, {name: f"content of {name!r}\n" for name in ODD_NAMES})
    inside("save", cwd=ds)
    git("init", "-q", "--bare", tmp_path / "bare.git")
    git("remote", "add", "gin", tmp_path / "bare.git", cwd=ds)
    records = inside("-f", "json", "push", "--to", "gin", cwd=ds).records
    assert {Path(r["path"]).name for r in of(records, action="copy", status="ok")} == set(ODD_NAMES)


def test_what_is_committed_goes_whatever_became_of_it_in_the_work_tree(
    inside: Inside, tiny_dataset: Path, bare: Path
) -> None:
    (tiny_dataset / "notes.txt").unlink()
    (tiny_dataset / "data").rename(tiny_dataset / "moved")
    inside("push", "--to", "gin", cwd=tiny_dataset)
    assert len(keys_in(bare)) == 3


@pytest.mark.parametrize("state", ["detached", "unborn"])
def test_without_a_branch_or_a_commit_there_is_nothing_to_push(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path, state: str
) -> None:
    if state == "detached":
        git("checkout", "-q", "--detach", cwd=tiny_dataset)
    else:
        git("checkout", "-q", "--orphan", "empty", cwd=tiny_dataset)
    answer = inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    assert answer.lines[0].startswith("publish(impossible): . (dataset) [")
    assert refs_of(git, bare) == ""


def test_an_unknown_target_names_those_that_are_known(inside: Inside, tiny_dataset: Path, bare: Path) -> None:
    answer = inside("push", "--to", "gni", cwd=tiny_dataset, code=1)
    assert answer.lines[0] == "publish(error): . [Unknown push target 'gni'. Known targets: 'gin'.]"


def test_a_target_that_does_not_answer_is_an_error_with_its_place(
    inside: Inside, git: Program, tiny_dataset: Path
) -> None:
    git("remote", "add", "gone", "/no/such/place", cwd=tiny_dataset)
    answer = inside("push", "--to", "gone", cwd=tiny_dataset, code=128)
    assert answer.lines[0].startswith("publish(error): . (dataset) [Push to gone failed: fatal: ")
    assert answer.lines[-1] == "1: Check that /no/such/place can be reached, then push again."


def test_a_siblings_name_where_a_path_belongs_gets_a_hint(
    inside: Inside, tiny_dataset: Path, bare: Path
) -> None:
    assert inside("push", "gin", cwd=tiny_dataset).lines == [
        "action summary:",
        "  publish (notneeded: 1)",
        "Hints: ",
        "1: gin matches a sibling name and not a path. Forgot --to?",
    ]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("nonsense", "publish(impossible): nonsense [path does not exist]"),
        ("..", "publish(error): .. [path not underneath the reference dataset {}]"),
    ],
)
def test_a_path_that_cannot_be_pushed_is_a_failure(
    inside: Inside, tiny_dataset: Path, bare: Path, path: str, line: str
) -> None:
    answer = inside("push", "--to", "gin", path, cwd=tiny_dataset, code=1)
    assert answer.lines[0] == line.format(tiny_dataset)


@pytest.mark.parametrize("since", ["", "nonsense"])
def test_since_must_be_a_commit(inside: Inside, tiny_dataset: Path, bare: Path, since: str) -> None:
    assert "[ERROR]" in inside("push", "--to", "gin", "--since", since, cwd=tiny_dataset, code=1).stderr


def test_a_plain_repository_without_an_annex_pushes_its_branch(
    inside: Inside, git: Program, tmp_path: Path
) -> None:
    git("init", "-q", tmp_path / "plain")
    git("commit", "-q", "--allow-empty", "-m", "one", cwd=tmp_path / "plain")
    git("init", "-q", "--bare", tmp_path / "bare.git")
    git("remote", "add", "gin", tmp_path / "bare.git", cwd=tmp_path / "plain")
    assert inside("push", "--to", "gin", cwd=tmp_path / "plain").lines == [
        "publish(ok): . (dataset) [refs/heads/main->gin:refs/heads/main [new branch]]",
        "action summary:",
        "  publish (ok: 1)",
    ]


def test_a_checked_out_branch_there_says_how_to_let_it_be_updated(
    inside: Inside, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    there = tmp_path / "there"
    git("init", "-q", there)
    git("remote", "add", "there", there, cwd=tiny_dataset)
    answer = inside("push", "--to", "there", cwd=tiny_dataset, code=1)
    assert any("[remote rejected] (branch is currently checked out)" in line for line in answer.lines)
    assert "git config receive.denyCurrentBranch updateInstead" in answer.lines[-1]
    git("config", "receive.denyCurrentBranch", "updateInstead", cwd=there)
    inside("push", "--to", "there", cwd=tiny_dataset)
    assert (there / "notes.txt").exists()


@pytest.fixture
def pre_pushes(git_trace: GitTrace, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Count how often git-annex was asked whether a push may go."""
    monkeypatch.setenv("GIT_TRACE2_EVENT", git_trace.env["GIT_TRACE2_EVENT"])
    return lambda: sum("pre-push" in argv and "--help" not in argv for argv in git_trace.commands())


def test_git_annex_is_not_asked_where_there_is_no_special_remote(
    inside: Inside, tiny_dataset: Path, bare: Path, pre_pushes: Callable[[], int]
) -> None:
    inside("push", "--to", "gin", cwd=tiny_dataset)
    assert pre_pushes() == 0


@pytest.mark.parametrize("where", ["settings", "log", "hooks"])
def test_what_git_annex_is_to_prevent_it_may_prevent(
    inside: Inside, git: Program, tiny_dataset: Path, bare: Path, pre_pushes: Callable[[], int], where: str
) -> None:
    """Whatever looks like a special remote, which may not be verified, is for git-annex to judge."""
    if where == "settings":
        git("config", "remote.disk.annex-directory", "/nowhere", cwd=tiny_dataset)
        git("config", "remote.disk.annex-ignore", "true", cwd=tiny_dataset)
    elif where == "log":
        (tiny_dataset / ".git" / "annex" / "verified-remote.log").write_text("x\n")
    else:
        hooks = tiny_dataset.parent / "hooks"
        shutil.copytree(tiny_dataset / ".git" / "hooks", hooks)
        hook = hooks / "pre-push"
        hook.write_text(hook.read_text() + "true\n")
        git("config", "core.hooksPath", hooks, cwd=tiny_dataset)
    inside("push", "--to", "gin", cwd=tiny_dataset, code=None)
    assert pre_pushes() >= 1


def test_a_hook_of_the_user_refuses_before_anything_is_sent(
    inside: Inside, tiny_dataset: Path, bare: Path
) -> None:
    hook = tiny_dataset / ".git" / "hooks" / "pre-push"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    inside("push", "--to", "gin", cwd=tiny_dataset, code=1)
    assert keys_in(bare) == set()
