"""`run`: what it does with commands, inputs, outputs and the history."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.inside import Inside
from support.programs import Answer, Program
from support.samples import write_tree

Make = Callable[..., Path]


def record_of(git: Program, ds: Path, rev: str = "HEAD") -> dict[str, Any]:
    """Give the run record of a commit, read with nothing of ours."""
    message = git("log", "-1", "--format=%B", rev, cwd=ds).stdout
    assert message.startswith("[DATALAD RUNCMD] ")
    body = message.split("=== Do not change lines below ===\n")[1]
    found: dict[str, Any] = json.loads(body.split("\n^^^ Do not change lines above ^^^")[0])
    return found


def subjects(git: Program, ds: Path, *options: str) -> list[str]:
    return git("log", "--format=%s", *options, cwd=ds).lines


def changed_in(git: Program, ds: Path, rev: str) -> list[str]:
    return sorted(git("diff-tree", "-r", "--name-only", "--no-commit-id", rev, cwd=ds).lines)


def test_a_run_saves_what_changed_with_a_record(cli: Program, git: Program, tiny_dataset: Path) -> None:
    answer = cli(
        *["run", "-m", "Copy it", "-i", "data/one.dat", "-o", "copy.dat", "cp {inputs} {outputs}"],
        cwd=tiny_dataset,
    )
    assert answer.lines == [
        f"run(ok): {tiny_dataset} (dataset) [cp data/one.dat copy.dat]",
        "add(ok): copy.dat (file)",
        "save(ok): . (dataset)",
    ]
    assert answer.stderr.splitlines() == [
        "[INFO] Making sure inputs are available (this may take some time)",
        "[INFO] == Command start (output follows) =====",
        "[INFO] == Command exit (modification check follows) =====",
    ]
    record = record_of(git, tiny_dataset)
    assert record.pop("dsid")
    assert record == {
        "chain": [],
        "cmd": "cp {inputs} {outputs}",
        "exit": 0,
        "extra_inputs": [],
        "inputs": ["data/one.dat"],
        "outputs": ["copy.dat"],
        "pwd": ".",
    }
    assert not git("status", "--porcelain", cwd=tiny_dataset).stdout


def test_what_a_command_prints_stays_in_order_with_the_results(cli: Program, tiny_dataset: Path) -> None:
    buffered = cli.having({"PYTHONUNBUFFERED": ""})
    answer = buffered("-f", "json", "run", "-i", "notes.txt", "echo printed", cwd=tiny_dataset)
    assert [line if line == "printed" else json.loads(line)["action"] for line in answer.lines] == [
        "get",
        "printed",
        "run",
        "save",
    ]


def test_a_command_that_changes_nothing_leaves_no_commit(
    cli: Program, git: Program, tiny_dataset: Path
) -> None:
    before = subjects(git, tiny_dataset)
    assert cli("run", "true", cwd=tiny_dataset).lines == [f"run(ok): {tiny_dataset} (dataset) [true]"]
    assert subjects(git, tiny_dataset) == before


def test_without_a_command_there_is_a_warning_and_no_failure(cli: Program, tiny_dataset: Path) -> None:
    assert "No command given" in cli("run", cwd=tiny_dataset).stderr


def test_unsaved_changes_are_refused(cli: Program, tiny_dataset: Path) -> None:
    (tiny_dataset / "dirt").write_text("x")
    answer = cli("run", "echo 1 > one", cwd=tiny_dataset, code=1)
    why = (
        "clean dataset required to detect changes from command; "
        "use `rookery status` to inspect unsaved changes"
    )
    assert answer.lines == [f"run(impossible): {tiny_dataset} (dataset) [{why}]"]
    assert not (tiny_dataset / "one").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["echo {foo}"], "command has an unrecognized placeholder: 'foo'"),
        (["-i", "{foo}", "echo"], "input/output specification has an unrecognized placeholder: 'foo'"),
        (["echo {inputs[3]}"], "a placeholder asks for an element that is not there"),
        (["awk '{'"], "write braces that are not a placeholder twice"),
        (["echo {pwd.__class__}"], "unrecognized placeholder"),
    ],
)
def test_a_placeholder_that_cannot_be_filled_is_impossible(
    cli: Program, tiny_dataset: Path, words: list[str], message: str
) -> None:
    answer = cli("run", *words, cwd=tiny_dataset, code=1)
    assert answer.lines[0].startswith(f"run(impossible): {tiny_dataset} (dataset) [")
    assert message in answer.stdout
    assert "Command start" not in answer.stderr


def test_placeholders_are_filled_in(cli: Program, tiny_dataset: Path) -> None:
    (tiny_dataset / "data" / "a b.dat").write_text("x")
    cli("save", cwd=tiny_dataset)
    asked = "-c datalad.run.substitutions.name=joe run -i data/*.dat -o out"
    command = (
        "printf '%s\\n' {inputs} {inputs[1]} {outputs} {pwd} {dspath} {name} {{x}} > out; test -d {tmpdir}"
    )
    cli(*asked.split(), command, cwd=tiny_dataset)
    assert (tiny_dataset / "out").read_text().splitlines() == [
        *["data/a b.dat", "data/one.dat", "data/two.dat"],
        *["data/one.dat", "out", str(tiny_dataset), str(tiny_dataset), "joe", "{x}"],
    ]


def test_a_list_of_words_is_quoted_and_a_string_is_not(cli: Program, tiny_dataset: Path) -> None:
    assert cli("run", "echo", "a  b", "$HOME", cwd=tiny_dataset).lines[0] == "a  b $HOME"
    assert cli("run", "echo a  b", cwd=tiny_dataset).lines[0] == "a b"
    assert cli("run", "--", "echo", "a  b", cwd=tiny_dataset).lines[0] == "a  b"


def test_inputs_may_reuse_outputs(cli: Program, git: Program, tiny_dataset: Path) -> None:
    cli("run", "-i", "{outputs}", "-o", "notes.txt", "echo more >> {inputs}", cwd=tiny_dataset)
    assert record_of(git, tiny_dataset)["inputs"] == ["notes.txt"]
    assert (tiny_dataset / "notes.txt").read_text() == "first line\nmore\n"


def test_patterns_reach_any_depth_and_are_recorded_as_they_are_unless_expanded(
    cli: Program, git: Program, new_dataset: Make
) -> None:
    ds = new_dataset("ds", files={"in/x/1.dat": "1", "in/x/y/2.dat": "2", "in/3.txt": "3"})
    cli("run", "-i", "in/**/*.dat", "-o", "out*", "cat {inputs} > out1", cwd=ds)
    assert (ds / "out1").read_text() == "12"
    assert record_of(git, ds)["inputs"] == ["in/**/*.dat"]
    cli("run", "--expand", "both", "-i", "in/**/*.dat", "-o", "out*", "cat {inputs} > out2", cwd=ds)
    record = record_of(git, ds)
    assert record["inputs"] == ["in/x/1.dat", "in/x/y/2.dat"]
    assert record["outputs"] == ["out1", "out2"]


def test_the_command_runs_where_the_user_is(cli: Program, git: Program, tiny_dataset: Path) -> None:
    cli("run", "-i", "one.dat", "-o", "here", "pwd > here", cwd=tiny_dataset / "data")
    assert (tiny_dataset / "data" / "here").read_text().strip() == str(tiny_dataset / "data")
    assert record_of(git, tiny_dataset)["pwd"] == "data"
    cli("run", "-d", tiny_dataset, "pwd > there", cwd=tiny_dataset / "data")
    assert (tiny_dataset / "data" / "there").exists()


def test_an_output_with_content_is_unlocked_and_without_is_removed(
    cli: Program, annex: Program, tiny_dataset: Path
) -> None:
    answer = cli("run", "-o", "notes.txt", "echo more >> notes.txt", cwd=tiny_dataset)
    assert answer.lines[0] == "unlock(ok): notes.txt (file)"
    assert (tiny_dataset / "notes.txt").read_text() == "first line\nmore\n"
    assert (tiny_dataset / "notes.txt").is_symlink()
    annex("drop", "--force", "notes.txt", cwd=tiny_dataset)
    answer = cli("run", "-o", "notes.txt", "echo new > notes.txt", cwd=tiny_dataset)
    assert answer.lines[0] == "run.remove(ok): notes.txt (file) [Removed file]"
    assert (tiny_dataset / "notes.txt").read_text() == "new\n"
    assert annex("fsck", "--quiet", cwd=tiny_dataset).code == 0


def test_an_untracked_file_that_is_named_as_output_is_not_removed(cli: Program, tiny_dataset: Path) -> None:
    """DataLad deletes it, and nobody has a copy."""
    (tiny_dataset / "mine").write_text("precious\n")
    cli("run", "--explicit", "-o", "mine", "echo more >> mine", cwd=tiny_dataset)
    assert (tiny_dataset / "mine").read_text() == "precious\nmore\n"


def test_missing_inputs_are_told_and_the_command_is_not_run(cli: Program, tiny_dataset: Path) -> None:
    answer = cli("run", "-i", "nope.dat", "touch ran", cwd=tiny_dataset, code=1)
    assert answer.lines == [
        f"run(error): {tiny_dataset} (dataset) [Input did not match existing file: nope.dat]"
    ]
    assert not (tiny_dataset / "ran").exists()


def test_inputs_are_fetched_also_from_subdatasets_that_are_not_installed(
    cli: Program, datalad: Program, new_dataset: Make, tmp_path: Path
) -> None:
    top = new_dataset("top", files={})
    below = new_dataset("below")
    datalad("clone", "-d", top, below, top / "sub")
    clone = tmp_path / "clone"
    cli("clone", top, clone)
    assert not (clone / "sub" / "notes.txt").exists()
    answer = cli("run", "-i", "sub/*.txt", "cat {inputs} > copy", cwd=clone)
    assert answer.lines[0].endswith(f" (dataset) [Installed subdataset in order to get {clone / 'sub'}]")
    assert answer.lines[1] == "get(ok): sub/notes.txt (file) [from origin...]"
    assert (clone / "copy").read_text() == "first line\n"


def test_ready_inputs_and_outputs_are_left_alone(cli: Program, annex: Program, tiny_dataset: Path) -> None:
    annex("drop", "--force", "notes.txt", cwd=tiny_dataset)
    asked = ["run", "--assume-ready", "both", "-i", "notes.txt", "-o", "data/one.dat"]
    answer = cli(*asked, "test -h data/one.dat", cwd=tiny_dataset)
    assert answer.lines == [f"run(ok): {tiny_dataset} (dataset) [test -h data/one.dat]"]


def test_a_failing_command_saves_nothing_and_leaves_the_record(
    cli: Program, git: Program, tiny_dataset: Path
) -> None:
    answer = cli("run", "-o", "notes.txt", "echo x >> notes.txt; exit 7", cwd=tiny_dataset, code=7)
    assert answer.lines[-1] == f"run(error): {tiny_dataset} (dataset) [echo x >> notes.txt; exit 7]"
    assert "'rookery save -d . -r -F .git/COMMIT_EDITMSG'" in answer.stderr
    assert subjects(git, tiny_dataset)[0] == "Add the tiny files"
    cli("save", "-d", ".", "-r", "-F", ".git/COMMIT_EDITMSG", cwd=tiny_dataset)
    assert record_of(git, tiny_dataset)["exit"] == 7


@pytest.mark.parametrize(
    ("choice", "code", "saved"), [("error", 3, False), ("save", 0, True), ("all", 3, True)]
)
def test_what_follows_a_failing_command_can_be_chosen(
    cli: Program, git: Program, tiny_dataset: Path, choice: str, code: int, saved: bool
) -> None:
    cli("run", "--on-cmd-failure", choice, "echo x > x; exit 3", cwd=tiny_dataset, code=code)
    assert (subjects(git, tiny_dataset)[0] == "[DATALAD RUNCMD] echo x > x; exit 3") == saved


def test_a_command_that_a_signal_ended_is_told_as_the_shell_does(cli: Program, tiny_dataset: Path) -> None:
    answer = cli("-f", "json", "run", "kill -9 $$", cwd=tiny_dataset, code=247)
    assert answer.records[-1]["exit_code"] == -9


def test_a_dry_run_shows_what_would_be_run(cli: Program, git: Program, tiny_dataset: Path) -> None:
    words = ["-i", "notes.txt", "-o", "data/*.dat", "cp {inputs} {outputs}"]
    basic = cli("run", "--dry-run", "basic", *words, cwd=tiny_dataset)
    assert basic.lines == [
        "Dry run information",
        f" location: {tiny_dataset}",
        *[" expanded inputs:", "  ['notes.txt']"],
        *[" expanded outputs:", "  ['data/one.dat', 'data/two.dat']"],
        *[" command:", "  cp {inputs} {outputs}"],
        *[" expanded command:", "  cp notes.txt data/one.dat data/two.dat"],
    ]
    brief = cli("run", "--dry-run", "command", *words, cwd=tiny_dataset)
    assert brief.lines == ["cp notes.txt data/one.dat data/two.dat"]
    assert not git("status", "--porcelain", cwd=tiny_dataset).stdout


def test_a_sidecar_holds_the_record(cli: Program, git: Program, tiny_dataset: Path) -> None:
    answer = cli("-f", "json", "run", "--sidecar", "yes", "echo 1 > one", cwd=tiny_dataset)
    identity = next(r["record_id"] for r in answer.records if r["action"] == "run")
    assert f'"{identity}"' in git("log", "-1", "--format=%B", cwd=tiny_dataset).stdout
    assert (tiny_dataset / ".datalad" / "runinfo" / identity).exists()
    cli("rerun", cwd=tiny_dataset)


def test_a_sidecar_may_not_lead_out_of_the_dataset(cli: Program, tiny_dataset: Path, tmp_path: Path) -> None:
    git_config = ["-c", "datalad.run.record-directory=../elsewhere"]
    answer = cli(*git_config, "run", "--sidecar", "yes", "echo 1 > one", cwd=tiny_dataset, code=1)
    assert "inside the dataset" in answer.stderr
    assert not (tmp_path / "elsewhere").exists()


# --- explicit runs -------------------------------------------------------------------------------


def test_an_explicit_run_saves_only_what_was_declared(cli: Program, git: Program, tiny_dataset: Path) -> None:
    (tiny_dataset / "dirt").write_text("x")
    (tiny_dataset / "data" / "old").write_text("x")
    cli("save", "data", cwd=tiny_dataset)
    command = "echo 1 > out; echo 2 > other; rm data/old"
    cli("run", "--explicit", "-o", "out", "-o", "data/old", command, cwd=tiny_dataset)
    assert changed_in(git, tiny_dataset, "HEAD") == ["data/old", "out"]
    assert git("status", "--porcelain", cwd=tiny_dataset).lines == ["?? dirt", "?? other"]


def test_sixteen_explicit_runs_at_once_give_sixteen_commits(
    cli: Program, git: Program, annex: Program, tiny_dataset: Path
) -> None:
    """Each with exactly its own outputs and record (datalad#7899)."""
    before = git("rev-parse", "HEAD", cwd=tiny_dataset).text
    argv = [str(word) for word in cli.argv]
    running = [
        subprocess.Popen(
            [*argv, "run", "--explicit", "-o", f"out-{n}", f"echo {n} > out-{n}; echo x > stray-{n}"],
            cwd=tiny_dataset,
            env={**cli.env, "PWD": str(tiny_dataset)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for n in range(16)
    ]
    said = [process.communicate()[0].decode() for process in running]
    assert [process.returncode for process in running] == [0] * 16, said
    made = git("rev-list", f"{before}..HEAD", cwd=tiny_dataset).lines
    assert len(made) == 16
    seen = set()
    for commit in made:
        assert len(git("rev-list", "--parents", "-1", commit, cwd=tiny_dataset).text.split()) == 2
        record = record_of(git, tiny_dataset, commit)
        assert changed_in(git, tiny_dataset, commit) == record["outputs"]
        seen.update(record["outputs"])
    assert seen == {f"out-{n}" for n in range(16)}
    stray = git("status", "--porcelain", cwd=tiny_dataset).lines
    assert sorted(stray) == sorted(f"?? stray-{n}" for n in range(16))
    assert annex("fsck", "--quiet", cwd=tiny_dataset).stderr == ""


def test_a_run_inside_a_run_is_accepted(cli: Program, git: Program, tiny_dataset: Path) -> None:
    """datalad#7900: the inner commit carries its own record, and is not taken for an undeclared output."""
    inner = f"{sys.executable} -m rookery run --explicit -o inner 'echo 1 > inner'"
    cli("run", "--explicit", "-o", "outer", f"{inner}; echo 2 > outer", cwd=tiny_dataset)
    line = subjects(git, tiny_dataset, "--first-parent")
    assert line[0].startswith(f"[DATALAD RUNCMD] {sys.executable}"[:30])
    assert "[DATALAD RUNCMD] echo 1 > inner" in subjects(git, tiny_dataset)
    assert changed_in(git, tiny_dataset, "HEAD^2") == ["outer"]
    assert not git("status", "--porcelain", cwd=tiny_dataset).stdout


def test_files_that_a_command_commits_without_declaring_them_are_an_error(
    cli: Program, git: Program, tiny_dataset: Path
) -> None:
    command = "echo 1 > in; echo 2 > out; git add out; git commit -qm own"
    words = ["run", "--explicit", "-o", "in", command]
    answer = cli(*words, cwd=tiny_dataset, code=1)
    assert "command created commits that include files not declared as --output: ['out']" in answer.stdout
    git("reset", "-q", "--hard", "HEAD^", cwd=tiny_dataset)
    cli("-c", "datalad.run.dirty-committed=ignore", *words, cwd=tiny_dataset)
    assert subjects(git, tiny_dataset, "--first-parent")[1] == "Add the tiny files"


# --- histories -----------------------------------------------------------------------------------


def test_commits_of_the_command_are_wrapped_into_a_merge(
    cli: Program, git: Program, tiny_dataset: Path
) -> None:
    command = "echo z > z; git add z; git commit -qm inner; echo rest > rest"
    answer = cli("run", "-m", "wrapped", command, cwd=tiny_dataset)
    assert answer.lines[1:] == ["add(ok): rest (file)", "save(ok): . (dataset)"]
    assert subjects(git, tiny_dataset, "--first-parent")[:2] == [
        "[DATALAD RUNCMD] wrapped",
        "Add the tiny files",
    ]
    assert subjects(git, tiny_dataset, "HEAD^1..HEAD^2") == [
        "Remaining changes after command execution",
        "inner",
    ]
    assert record_of(git, tiny_dataset)["cmd"] == command


def test_a_command_that_changes_the_branch_cannot_be_recorded_there(
    cli: Program, git: Program, tiny_dataset: Path
) -> None:
    command = "git checkout -q -b other; git commit -q --allow-empty -m x; echo 1 > one"
    answer = cli("run", command, cwd=tiny_dataset, code=1)
    assert "command switched the active branch from main to other" in answer.stdout
    assert subjects(git, tiny_dataset)[0] == "x"
    assert (tiny_dataset / ".git" / "COMMIT_EDITMSG").read_text().startswith("[DATALAD RUNCMD] ")


def test_every_dataset_that_was_touched_has_the_record(cli: Program, git: Program, new_dataset: Make) -> None:
    top = new_dataset("top", files={})
    cli("create", "-d", top, top / "sub", cwd=top)
    answer = cli("run", "-m", "both", "-o", "sub/x", "echo 1 > sub/x; echo 2 > y", cwd=top)
    assert "save(ok): sub (dataset)" in answer.lines
    assert record_of(git, top) == record_of(git, top / "sub")
    command = "cd sub; echo z > z; git add z; git commit -qm inner"
    cli("run", "-m", "below", command, cwd=top)
    assert subjects(git, top / "sub", "--first-parent")[0] == "[DATALAD RUNCMD] below"
    assert subjects(git, top, "--first-parent")[0] == "[DATALAD RUNCMD] below"
    assert not git("status", "--porcelain", cwd=top).stdout


def test_odd_names_survive_as_inputs_and_outputs(cli: Program, git: Program, new_dataset: Make) -> None:
    names = ["with space", "ünï", 'quo"te', "apo'strophe", "-dash", "$HOME", "new\nline"]
    ds = new_dataset("ds", files={})
    write_tree(ds, dict.fromkeys((f"in/{name}" for name in names), "x"))
    cli("save", cwd=ds)
    options = [word for name in names for word in ("-i", f"in/{name}", "-o", f"out/{name}")]
    copy = 'for f in {inputs}; do mkdir -p out; cat "$f" > "out/${{f#in/}}"; done'
    cli("run", *options, copy, cwd=ds)
    assert sorted(os.listdir(ds / "out")) == sorted(names)
    assert record_of(git, ds)["outputs"] == [f"out/{name}" for name in names]
    assert not git("status", "--porcelain", cwd=ds).stdout


# --- settings of strangers -----------------------------------------------------------------------


def commit_setting(git: Program, ds: Path, value: str) -> None:
    git("config", "-f", ".datalad/config", "datalad.run.substitutions.name", value, cwd=ds)
    git("commit", "-qam", "Set a placeholder", cwd=ds)


def test_a_committed_placeholder_may_be_a_word(cli: Program, git: Program, tiny_dataset: Path) -> None:
    commit_setting(git, tiny_dataset, "joe-1.txt")
    assert cli("run", "echo hello {name}", cwd=tiny_dataset).lines[0] == "hello joe-1.txt"


@pytest.mark.parametrize("value", ["x; touch owned", "$(touch owned)", "--checkpoint-action=exec=sh", "a b"])
def test_a_committed_placeholder_is_never_more_than_a_word(
    cli: Program, git: Program, tiny_dataset: Path, value: str
) -> None:
    commit_setting(git, tiny_dataset, value)
    for command in ("echo {name}", "echo '{name}'"):
        answer = cli("run", command, cwd=tiny_dataset, code=1)
        assert "committed configuration" in answer.stdout
        assert "git config datalad.run.substitutions.name" in answer.stdout
    assert not (tiny_dataset / "owned").exists()
    git("config", "datalad.run.substitutions.name", "mine", cwd=tiny_dataset)
    assert cli("run", "echo {name}", cwd=tiny_dataset).lines[0] == "mine"


@pytest.mark.parametrize("command", ["{name}", "true; {name} x", "true && {name}", 'echo "$({name})"'])
def test_a_committed_placeholder_never_chooses_the_program(
    cli: Program, git: Program, tiny_dataset: Path, command: str
) -> None:
    commit_setting(git, tiny_dataset, "reboot")
    answer = cli("run", command, cwd=tiny_dataset, code=1)
    assert "would choose the program" in answer.stdout


def test_secrets_of_the_environment_are_not_shown(cli: Program, git: Program, tiny_dataset: Path) -> None:
    told: list[Answer] = []
    for form in ("tailored", "json"):
        told.append(
            cli.having({"API_TOKEN": "hush-hush"})(
                *["-l", "debug", "-f", form, "run", f"test -n $API_TOKEN; echo {form} > {form}"],
                cwd=tiny_dataset,
            )
        )
    assert not [answer for answer in told if "hush-hush" in answer.stdout + answer.stderr]
    assert "hush-hush" not in git("log", "-3", "--format=%B", cwd=tiny_dataset).stdout


def test_an_interrupt_stops_the_command_and_saves_nothing(
    cli: Program, git: Program, tiny_dataset: Path
) -> None:
    process = subprocess.Popen(
        [*map(str, cli.argv), "run", "echo begun; echo x > half; exec sleep 60"],
        cwd=tiny_dataset,
        env={**cli.env, "PWD": str(tiny_dataset)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"begun\n"
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=30)
    assert process.returncode == 3
    assert subjects(git, tiny_dataset)[0] == "Add the tiny files"


def test_settings_that_the_command_changed_hold_for_what_it_made(inside: Inside, tmp_path: Path) -> None:
    ds = tmp_path / "ds"
    inside("create", ds)
    inside("create", "-d", ds, ds / "sub")
    (ds / "sub" / "input").write_text("content")
    inside("save", "-r", cwd=ds)
    command = "git -C sub config annex.largefiles nothing; echo x > sub/small; echo y > large"
    inside("run", "-i", "sub/input", "-o", "sub/small", command, cwd=ds)
    assert not (ds / "sub" / "small").is_symlink()
    assert (ds / "large").is_symlink()
