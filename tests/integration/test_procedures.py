"""Procedures: found by name, run on a dataset; the shipped ones leave what DataLad's leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.programs import Program

Make = Callable[..., Path]

ATTRIBUTES = (".gitattributes", ".datalad/.gitattributes", "code/.gitattributes")


def contents(ds: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    return {name: (ds / name).read_bytes() for name in names if (ds / name).exists()}


@pytest.mark.parametrize("procedure", ["text2git", "yoda", "noannex"])
def test_a_shipped_procedure_leaves_what_datalads_leaves(
    cli: Program, datalad: Program, git: Program, new_dataset: Make, procedure: str
) -> None:
    ours, theirs = new_dataset("ours", files={}), new_dataset("theirs", files={})
    cli("run-procedure", f"cfg_{procedure}", cwd=ours)
    datalad("run-procedure", f"cfg_{procedure}", cwd=theirs)
    assert contents(ours, ATTRIBUTES) == contents(theirs, ATTRIBUTES)
    names = [git("ls-files", cwd=ds).lines for ds in (ours, theirs)]
    assert names[0] == names[1]
    subjects = [git("log", "--format=%s", "--name-only", cwd=ds).stdout for ds in (ours, theirs)]
    assert subjects[0] == subjects[1]
    assert not git("status", "--porcelain", cwd=ours).stdout
    branches = [git("branch", "--format=%(refname)", cwd=ds).lines for ds in (ours, theirs)]
    assert branches[0] == branches[1]


def test_a_shipped_procedure_is_told_as_a_run_and_done_in_process(
    cli: Program, git_trace: object, new_dataset: Make
) -> None:
    ds = new_dataset("ds", files={})
    (record,) = cli("-f", "json", "run-procedure", "cfg_text2git", cwd=ds).records
    assert record["action"] == "run"
    assert record["status"] == "ok"
    assert record["run_info"]["cmd"].rstrip().endswith(f"cfg_text2git.py {ds}")
    assert record["run_info"]["dsid"]
    again = cli("run-procedure", "cfg_text2git", cwd=ds)
    assert [line.partition(" ")[0] for line in again.lines] == ["run(ok):"]
    assert (ds / ".gitattributes").read_text().count("mimeencoding") == 1


def test_a_shipped_procedure_is_a_program_too(cli: Program, git: Program, new_dataset: Make) -> None:
    ds = new_dataset("ds", files={})
    script = next(
        r for r in cli("-f", "json", "run-procedure", "--discover", cwd=ds).records if "yoda" in r["path"]
    )
    Program([cli.argv[0]], cli.env)(script["path"], ds, cwd=ds)
    assert git("log", "-1", "--format=%s", cwd=ds).text == "Apply YODA dataset setup"


def test_yoda_keeps_files_that_are_there_and_refuses_unsaved_ones(cli: Program, new_dataset: Make) -> None:
    ds = new_dataset("ds", files={})
    (ds / "README.md").write_text("mine\n")
    answer = cli("run-procedure", "cfg_yoda", cwd=ds, code=1)
    assert "unsaved changes: README.md" in answer.stdout
    cli("save", cwd=ds)
    cli("run-procedure", "cfg_yoda", cwd=ds)
    assert (ds / "README.md").read_text() == "mine\n"


def test_noannex_refuses_where_content_is_annexed(cli: Program, tiny_dataset: Path) -> None:
    answer = cli("run-procedure", "cfg_noannex", cwd=tiny_dataset, code=1)
    assert "Annex has some annexed files, unsafe" in answer.stdout
    assert (tiny_dataset / "notes.txt").exists()


@pytest.fixture
def scripted(new_dataset: Make) -> Path:
    ds = new_dataset("ds", files={})
    folder = ds / ".datalad" / "procedures"
    folder.mkdir()
    (folder / "mine.py").write_text("import sys; print(sys.argv[1:])\n")
    (folder / "shy.sh").write_text('echo "sh $1"; exit 3\n')
    (folder / "cfg_yoda.py").write_text("print('hides the shipped one')\n")
    (folder / "notes").write_text("no program\n")
    return ds


def test_procedures_are_listed_and_hidden_ones_marked(cli: Program, scripted: Path) -> None:
    lines = cli("run-procedure", "--discover", cwd=scripted).lines
    folder = scripted / ".datalad" / "procedures"
    assert lines[:3] == [
        f"cfg_yoda ({folder / 'cfg_yoda.py'}) [python_script]",
        f"mine ({folder / 'mine.py'}) [python_script]",
        f"shy ({folder / 'shy.sh'}) [bash_script]",
    ]
    assert lines[-1].endswith("cfg_yoda.py) [python_script (overridden)]")


def test_a_procedure_gets_the_dataset_and_its_arguments(cli: Program, scripted: Path) -> None:
    answer = cli("run-procedure", "mine", "a", "b {c}", "$HOME", cwd=scripted)
    assert answer.lines[0] == str([str(scripted), "a", "b {c}", "$HOME"])
    assert answer.stderr.splitlines()[0] == "[INFO] Running procedure mine"


def test_a_failing_procedure_ends_with_its_code(cli: Program, scripted: Path) -> None:
    answer = cli("run-procedure", "shy", cwd=scripted, code=3)
    assert answer.lines[0] == f"sh {scripted}"
    assert answer.lines[1].startswith("run(error)")


def test_the_persons_own_procedures_come_first(cli: Program, scripted: Path) -> None:
    own = Path(cli.env["XDG_CONFIG_HOME"]) / "datalad" / "procedures"
    own.mkdir(parents=True)
    (own / "mine.py").write_text("print('own')\n")
    assert cli("run-procedure", "mine", cwd=scripted).lines[0] == "own"


def test_the_call_can_be_configured_but_not_by_the_dataset(
    cli: Program, git: Program, scripted: Path
) -> None:
    git("config", "-f", ".datalad/config", "datalad.procedures.mine.call-format", "touch owned", cwd=scripted)
    git("config", "-f", ".datalad/config", "datalad.locations.extra-procedures", "evil", cwd=scripted)
    (scripted / "evil").mkdir()
    (scripted / "evil" / "worse.sh").write_text("touch owned\n")
    cli("run-procedure", "mine", cwd=scripted)
    cli("run-procedure", "worse", cwd=scripted, code=1)
    assert not (scripted / "owned").exists()
    git("config", "datalad.procedures.mine.call-format", "echo called {script} {args}", cwd=scripted)
    answer = cli("run-procedure", "mine", "x", cwd=scripted)
    assert answer.lines[0] == f"called {scripted / '.datalad' / 'procedures' / 'mine.py'} x"


def test_help_texts_are_shown(cli: Program, git: Program, scripted: Path) -> None:
    answer = cli("run-procedure", "--help-proc", "mine", cwd=scripted, code=1)
    assert "No help available for 'mine'" in answer.stdout
    git("config", "datalad.procedures.mine.help", "what it is for", cwd=scripted)
    answer = cli("run-procedure", "--help-proc", "mine", cwd=scripted)
    assert answer.lines == ["mine (.datalad/procedures/mine.py)", "what it is for"]


def test_an_unknown_procedure_is_an_error(cli: Program, tiny_dataset: Path) -> None:
    assert (
        "Cannot find procedure with name 'nix'"
        in cli("run-procedure", "nix", cwd=tiny_dataset, code=1).stderr
    )
    cli("run-procedure", cwd=tiny_dataset, code=2)


def test_a_subdatasets_procedures_serve_the_dataset_above(
    cli: Program, scripted: Path, tmp_path: Path
) -> None:
    top = tmp_path / "top"
    cli("create", top, cwd=tmp_path)
    cli("save", cwd=scripted)
    cli("clone", "-d", top, scripted, top / "tools", cwd=top)
    answer = cli("run-procedure", "mine", cwd=top, code=1)
    assert "has no content here" in answer.stderr
    cli("get", "tools/.datalad/procedures", cwd=top)
    assert cli("run-procedure", "mine", cwd=top).lines[0] == str([str(top)])
