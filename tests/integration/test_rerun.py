"""`rerun`: the same again, here or on another base, as a report or a script."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.programs import Program

Make = Callable[..., Path]


def subjects(git: Program, ds: Path, *options: str) -> list[str]:
    return git("log", "--format=%s", *options, cwd=ds).lines


def head(git: Program, ds: Path, rev: str = "HEAD") -> str:
    return git("rev-parse", rev, cwd=ds).text


@pytest.fixture
def history(cli: Program, git: Program, tiny_dataset: Path) -> Path:
    """A dataset with two runs and a plain commit between them."""
    loud = "tr a-z A-Z < {inputs} > {outputs}"
    cli("run", "-m", "first", "-i", "notes.txt", "-o", "copy.txt", loud, cwd=tiny_dataset)
    (tiny_dataset / "plain").write_text("x")
    cli("save", "-m", "plain", cwd=tiny_dataset)
    cli("run", "-m", "second", "-o", "count", "echo x >> count", cwd=tiny_dataset)
    return tiny_dataset


def test_the_same_outcome_leaves_no_commit(cli: Program, git: Program, annex: Program, history: Path) -> None:
    before = head(git, history)
    first = head(git, history, "HEAD~2")
    annex("drop", "--force", "copy.txt", cwd=history)
    answer = cli("rerun", first, cwd=history)
    assert answer.lines == [
        "run.remove(ok): copy.txt (file) [Removed file]",
        f"run(ok): {history} (dataset) [tr a-z A-Z < notes.txt > copy.txt]",
        "add(ok): copy.txt (file)",
        "action summary:",
        "  add (ok: 1)",
        "  get (notneeded: 1)",
        "  run (ok: 1)",
        "  run.remove (ok: 1)",
        "  save (notneeded: 1)",
    ]
    assert answer.stderr.splitlines()[0] == f"[INFO] run commit {first[:7]}; (first)"
    assert head(git, history) == before
    assert (history / "copy.txt").read_text() == "FIRST LINE\n"


def test_another_outcome_is_saved_with_a_chain(cli: Program, git: Program, history: Path) -> None:
    before = head(git, history)
    cli("rerun", cwd=history)
    assert (history / "count").read_text() == "x\nx\n"
    first_again = head(git, history)
    cli("rerun", cwd=history)
    message = git("log", "-1", "--format=%B", cwd=history).stdout
    assert f'"chain": [\n  "{before}",\n  "{first_again}"\n ]' in message
    assert subjects(git, history)[:3] == ["[DATALAD RUNCMD] second"] * 3


def test_a_message_replaces_the_recorded_one(cli: Program, git: Program, history: Path) -> None:
    cli("rerun", "-m", "once more", cwd=history)
    assert subjects(git, history)[0] == "[DATALAD RUNCMD] once more"


def test_the_recorded_exit_code_is_what_is_expected(cli: Program, git: Program, tiny_dataset: Path) -> None:
    command = "echo x >> $(test -e flag && echo b || echo a); test -e flag && exit 4; exit 3"
    cli("run", "--on-cmd-failure", "save", "-o", "a", command, cwd=tiny_dataset)
    answer = cli("rerun", cwd=tiny_dataset)
    assert any(line.startswith("run(ok)") for line in answer.lines)
    (tiny_dataset / "flag").touch()
    cli("save", cwd=tiny_dataset)
    before = head(git, tiny_dataset)
    answer = cli("rerun", "HEAD^", cwd=tiny_dataset, code=4)
    assert any(line.startswith("run(error)") for line in answer.lines)
    assert head(git, tiny_dataset) == before


def test_a_range_repeats_every_command_and_skips_what_is_there(
    cli: Program, git: Program, history: Path
) -> None:
    answer = cli("rerun", "--since=", cwd=history)
    plain = head(git, history, "HEAD~2")[:7]
    assert f"run(ok): {history} (dataset) [{plain} does not have a command; skipping]" in answer.lines
    assert subjects(git, history)[:2] == ["[DATALAD RUNCMD] second"] * 2


def test_onto_repeats_the_history_on_another_base(cli: Program, git: Program, history: Path) -> None:
    main = head(git, history)
    (history / "later").write_text("x")
    cli("save", "-m", "later", cwd=history)
    later = head(git, history)
    cli("rerun", "--since=", "--onto=", "-b", "verify", main, cwd=history)
    assert git("branch", "--show-current", cwd=history).text == "verify"
    assert subjects(git, history)[:4] == [
        "[DATALAD RUNCMD] second",
        "plain",
        "[DATALAD RUNCMD] first",
        "Add the tiny files",
    ]
    assert head(git, history, "main") == later
    assert git("diff", "--stat", "verify", main, cwd=history).stdout == ""


def test_onto_without_a_branch_leaves_no_branch_checked_out(
    cli: Program, git: Program, history: Path
) -> None:
    before = head(git, history)
    cli("rerun", "--onto", "HEAD~3", "HEAD~2", cwd=history)
    assert git("branch", "--show-current", cwd=history).text == ""
    assert head(git, history, "main") == before


def test_a_wrapped_run_is_repeated_without_losing_later_commits(
    cli: Program, git: Program, tiny_dataset: Path
) -> None:
    """DataLad moves the branch back to before the run, and what came later is gone from it."""
    command = "date +%N > z; git add z; git commit -qm inner; echo rest >> rest"
    cli("run", "-m", "wrapped", "-o", "rest", command, cwd=tiny_dataset)
    (tiny_dataset / "later").write_text("x")
    cli("save", "-m", "later", cwd=tiny_dataset)
    later = head(git, tiny_dataset)
    cli("rerun", "HEAD^", cwd=tiny_dataset)
    assert subjects(git, tiny_dataset, "--first-parent")[:3] == [
        "[DATALAD RUNCMD] wrapped",
        "later",
        "[DATALAD RUNCMD] wrapped",
    ]
    assert git("merge-base", "--is-ancestor", later, "HEAD", cwd=tiny_dataset).code == 0


def test_merges_are_made_again(cli: Program, git: Program, tiny_dataset: Path) -> None:
    base = head(git, tiny_dataset)
    cli("run", "-m", "on main", "-o", "a", "echo a > a", cwd=tiny_dataset)
    git("checkout", "-q", "-b", "side", base, cwd=tiny_dataset)
    cli("run", "-m", "on side", "-o", "b", "echo b > b", cwd=tiny_dataset)
    git("checkout", "-q", "main", cwd=tiny_dataset)
    git("merge", "-q", "--no-ff", "-m", "both", "side", cwd=tiny_dataset)
    main = head(git, tiny_dataset)
    (tiny_dataset / "new-base").write_text("x")
    git("checkout", "-q", base, cwd=tiny_dataset)
    cli("save", "-m", "new base", cwd=tiny_dataset)
    onto = head(git, tiny_dataset)
    git("checkout", "-q", "main", cwd=tiny_dataset)
    cli("rerun", "--since", base, "--onto", onto, "-b", "again", main, cwd=tiny_dataset)
    assert subjects(git, tiny_dataset)[0] == "both"
    assert len(git("rev-list", "--parents", "-1", "HEAD", cwd=tiny_dataset).text.split()) == 3
    for name in ("a", "b", "new-base"):
        assert (tiny_dataset / name).exists()


def test_a_run_of_another_dataset_is_not_repeated(cli: Program, new_dataset: Make) -> None:
    top = new_dataset("top", files={})
    cli("create", "-d", top, top / "sub", cwd=top)
    cli("run", "-m", "both", "-o", "sub/x", "echo 1 > sub/x", cwd=top)
    answer = cli("rerun", cwd=top / "sub", code=1)
    why = "no run commit in the given revision range could be re-executed in this dataset"
    assert answer.lines == [
        f"run(impossible): {top / 'sub'} (dataset) [{why}]",
        "action summary:",
        "  run (impossible: 1, notneeded: 1)",
    ]
    assert "was ran from a different dataset; skipping or cherry picking" in answer.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["HEAD~1"], "No run commits found in range HEAD~1^..HEAD~1"),
        (["--onto", "nowhere"], "Revision specified for --onto (nowhere) does not exist."),
        (["-b", "main"], "branch 'main' already exists"),
    ],
)
def test_what_cannot_be_repeated_is_said(cli: Program, history: Path, words: list[str], message: str) -> None:
    assert message in cli("rerun", *words, cwd=history, code=1).stdout


def test_an_unknown_revision_ends_as_git_does(cli: Program, history: Path) -> None:
    assert "bad revision" in cli("rerun", "nowhere", cwd=history, code=128).stdout


def test_a_report_runs_nothing(cli: Program, git: Program, history: Path) -> None:
    told = cli("-f", "json", "rerun", "--report", "--since=", "--onto=", cwd=history).records
    assert [r["rerun_action"] for r in told] == ["checkout", "run", "skip-or-pick", "run"]
    assert told[1]["run_message"] == "first"
    assert [(d["state"], Path(d["path"]).name) for d in told[1]["diff"]] == [("added", "copy.txt")]
    assert told[1]["author"] == "Robin Rook"
    assert not git("status", "--porcelain", cwd=history).stdout


def test_a_script_repeats_the_commands(cli: Program, git: Program, history: Path, tmp_path: Path) -> None:
    command = "pwd > {tmpdir}/where; cat {tmpdir}/where > where"
    cli("run", "-m", "with a folder", "-o", "where", command, cwd=history / "data")
    shown = cli("rerun", "--since=", "--script", "-", cwd=history)
    assert shown.lines[0] == "#!/bin/sh"
    assert "tr a-z A-Z < notes.txt > copy.txt" in shown.lines
    script = tmp_path / "again.sh"
    answer = cli("rerun", "--script", script, cwd=history)
    assert answer.lines == [f"run(ok): {script} (dataset) [Script written to {script}]"]
    (history / "data" / "where").unlink()
    Program(["sh"], cli.env)(script, cwd=history)
    assert (history / "data" / "where").read_text().strip() == str(history / "data")


def test_an_explicit_repetition_refuses_inputs_that_are_not_saved(
    cli: Program, git: Program, history: Path
) -> None:
    """DataLad runs on them and records a result that cannot be traced to them (datalad#5312)."""
    first = head(git, history, "HEAD~2")
    before = head(git, history)
    (history / "dirt").write_text("x")
    cli("rerun", "--explicit", first, cwd=history)
    (history / "notes.txt").unlink()
    (history / "notes.txt").write_text("changed\n")
    answer = cli("rerun", "--explicit", first, cwd=history, code=1)
    assert "inputs have unsaved changes" in answer.stdout
    assert "notes.txt" in answer.stdout
    assert "--assume-ready inputs" in answer.stdout
    assert head(git, history) == before
    cli("rerun", "--explicit", "--assume-ready", "inputs", first, cwd=history)
    assert (history / "copy.txt").read_text() == "CHANGED\n"


def test_files_that_the_commit_wrote_are_unlocked_although_not_declared(
    cli: Program, annex: Program, tiny_dataset: Path
) -> None:
    cli("run", "echo x >> made", cwd=tiny_dataset)
    answer = cli("rerun", cwd=tiny_dataset)
    assert answer.lines[0] == "unlock(ok): made (file)"
    assert (tiny_dataset / "made").read_text() == "x\nx\n"
    assert annex("fsck", "--quiet", cwd=tiny_dataset).stderr == ""


def test_keys_of_a_record_that_are_not_known_are_kept(cli: Program, git: Program, tiny_dataset: Path) -> None:
    cli("run", "-o", "a", "echo x >> a", cwd=tiny_dataset)
    message = git("log", "-1", "--format=%B", cwd=tiny_dataset).stdout
    message = message.replace('"chain": [],', '"chain": [],\n "container_image": "x.sif",')
    git("commit", "-q", "--amend", "-F", "-", cwd=tiny_dataset, stdin=message)
    cli("rerun", cwd=tiny_dataset)
    assert '"container_image": "x.sif"' in git("log", "-1", "--format=%B", cwd=tiny_dataset).stdout
