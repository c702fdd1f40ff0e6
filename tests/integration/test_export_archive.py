"""export-archive: what goes in, what it is called, and what is left when it cannot be made."""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from support.inside import Inside
from support.programs import Program
from support.samples import binary

FILES = {
    "a b.txt": "text\n",
    "d/one.dat": binary(3000, seed=1),
    "d/e/twoü\n.dat": binary(4000, seed=2),
    "run.sh": "#!/bin/sh\n",
}


@pytest.fixture
def ds(new_dataset: Callable[..., Path], git: Program, annex: Program) -> Path:
    ds = new_dataset("ds", procedure="text2git", files={})
    for name, content in FILES.items():
        (ds / name).parent.mkdir(parents=True, exist_ok=True)
        (ds / name).write_bytes(content.encode() if isinstance(content, str) else content)
    (ds / "run.sh").chmod(0o755)
    (ds / "link").symlink_to("d/one.dat")
    (ds / os.fsdecode(b"caf\xe9.txt")).write_text("not UTF-8\n")
    annex("add", ".", cwd=ds)
    git("commit", "-q", "-m", "Add files", cwd=ds)
    return ds


def drop(annex: Program, ds: Path) -> None:
    annex("drop", "--force", "d/one.dat", cwd=ds)


@pytest.mark.parametrize(
    ("options", "ending"), [((), ".tar.gz"), (("-c", "bz2"), ".tar.bz2"), (("-c", ""), ".tar")]
)
def test_a_tar_archive_holds_the_last_commit(
    inside: Inside, ds: Path, tmp_path: Path, options: tuple[str, ...], ending: str
) -> None:
    (ds / "a b.txt").write_text("changed, not saved\n")
    answer = inside("export-archive", *options, str(tmp_path / "out"), cwd=ds)
    assert answer.lines == [f"export_archive(ok): {tmp_path}/out{ending} (file)"]
    with tarfile.open(tmp_path / f"out{ending}") as tar:
        members = {m.name.removeprefix("out/"): m for m in tar.getmembers()}
        assert set(members) > {*FILES, "link", os.fsdecode(b"caf\xe9.txt"), ".datalad/config"}
        for name, content in FILES.items():
            file = tar.extractfile(members[name])
            assert file is not None
            assert file.read() == (content.encode() if isinstance(content, str) else content)
        assert members["link"].linkname == "d/one.dat"
        assert stat.S_IMODE(members["run.sh"].mode) == 0o755


def test_the_same_commit_gives_the_same_bytes(inside: Inside, ds: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        inside("export-archive", str(tmp_path / name / "out"), cwd=ds)
    assert (tmp_path / "one/out.tar.gz").read_bytes() == (tmp_path / "two/out.tar.gz").read_bytes()


def test_a_zip_archive_says_when_a_name_does_not_fit(
    inside: Inside, git: Program, ds: Path, tmp_path: Path
) -> None:
    answer = inside("export-archive", "-t", "zip", str(tmp_path / "out"), cwd=ds, code=1)
    assert "cannot hold file names that are not text" in answer.text
    assert list(tmp_path.glob("*out*")) == []
    git("rm", "-q", "--", os.fsdecode(b"caf\xe9.txt"), cwd=ds)
    git("commit", "-q", "-m", "x", cwd=ds)
    inside("export-archive", "-t", "zip", str(tmp_path / "out"), cwd=ds)
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert archive.read("out/d/one.dat") == FILES["d/one.dat"]


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ("out.tar.gz", "out.tar.gz"),
        ("out.tar", "out.tar.gz"),
        ("data-v1.2", "data-v1.2.tar.gz"),
        ("new/folder/out", "new/folder/out.tar.gz"),
    ],
)
def test_names(inside: Inside, ds: Path, tmp_path: Path, given: str, made: str) -> None:
    inside("export-archive", str(tmp_path / given), cwd=ds)
    with tarfile.open(tmp_path / made) as tar:
        assert {m.name.split("/")[0] for m in tar.getmembers()} == {Path(made).name.removesuffix(".tar.gz")}


def test_without_a_name_it_is_the_identity_in_the_current_folder(inside: Inside, ds: Path) -> None:
    answer = inside("-f", "json", "export-archive", cwd=ds / "d")
    made = Path(answer.records[0]["path"])
    assert made.parent == ds / "d"
    assert made.name.startswith("datalad_")
    assert made.is_file()


def test_absent_content_makes_no_archive(inside: Inside, annex: Program, ds: Path, tmp_path: Path) -> None:
    drop(annex, ds)
    (tmp_path / "out.tar.gz").write_bytes(b"an older one")
    answer = inside("export-archive", str(tmp_path / "out"), cwd=ds, code=1)
    assert answer.lines[0] == (
        f"export_archive(error): {tmp_path}/out.tar.gz (file) [File {ds}/d/one.dat has no content available]"
    )
    assert (tmp_path / "out.tar.gz").read_bytes() == b"an older one"


@pytest.mark.parametrize(("choice", "said"), [("continue", True), ("ignore", False)])
def test_absent_content_can_be_left_out(
    inside: Inside, annex: Program, ds: Path, tmp_path: Path, choice: str, said: bool
) -> None:
    drop(annex, ds)
    answer = inside("export-archive", "--missing-content", choice, str(tmp_path / "out"), cwd=ds)
    assert (f"[WARNING] File {ds}/d/one.dat has no content available, skipped" in answer.stderr) is said
    with tarfile.open(tmp_path / "out.tar.gz") as tar:
        assert "out/d/one.dat" not in tar.getnames()
        assert "out/d/e/twoü\n.dat" in tar.getnames()


def test_nothing_is_left_where_it_cannot_be_written(inside: Inside, ds: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    answer = inside("export-archive", str(tmp_path / "file" / "out"), cwd=ds, code=1)
    assert answer.lines[0].startswith("export_archive(error)")


def test_an_empty_repository_has_nothing_to_export(inside: Inside, git: Program, tmp_path: Path) -> None:
    git("init", "-q", tmp_path / "empty")
    assert "impossible" in inside("export-archive", cwd=tmp_path / "empty", code=1).lines[0]
