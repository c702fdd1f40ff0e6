"""copy-file: a file goes to another dataset with its key, its content, and what is known of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.api import Dataset, copy_file
from support.inside import Inside
from support.programs import Program
from support.samples import ODD_NAMES, binary, write_tree
from support.web import WebServer


@pytest.fixture
def other(new_dataset: Callable[..., Path], tiny_dataset: Path) -> Path:
    """An empty dataset beside `tiny_dataset`."""
    return new_dataset("other", files={})


def key_of(path: Path) -> str:
    return Path(os.readlink(path)).name


def places(annex: Program, path: Path) -> list[str]:
    (record,) = annex("whereis", "--json", path.name, cwd=path.parent, code=None).records
    return sorted("web" if place["uuid"].endswith("-000000000001") else "here" for place in record["whereis"])


def test_an_annexed_file_keeps_its_key_and_its_content(
    inside: Inside, annex: Program, git: Program, tiny_dataset: Path, other: Path
) -> None:
    source = tiny_dataset / "data/one.dat"
    assert inside("copy-file", source, "-d", other).lines == [
        f"copy_file(ok): {source} [{other}/one.dat]",
        "save(ok): . (dataset)",
        "action summary:",
        "  copy_file (ok: 1)",
        "  save (ok: 1)",
    ]
    assert (other / "one.dat").read_bytes() == source.read_bytes()
    assert key_of(other / "one.dat") == key_of(source)
    assert places(annex, other / "one.dat") == ["here"]
    annex("fsck", "-q", cwd=other)
    assert git("status", "--porcelain", cwd=other).text == ""
    assert git("remote", cwd=other).text == ""


def test_what_is_known_of_urls_goes_along_and_content_can_be_had_again(
    inside: Inside, annex: Program, web: WebServer, tmp_path: Path, new_dataset: Callable[..., Path]
) -> None:
    (tmp_path / "web/far.dat").write_bytes(binary(600))
    source, target = new_dataset("source", files={}), new_dataset("target", files={})
    inside("download-url", "-d", source, "-O", f"{source}/far.dat", f"{web.url}/far.dat", cwd=source)
    annex("drop", "far.dat", cwd=source)
    inside("copy-file", source / "far.dat", target / "renamed", "-d", target)
    assert places(annex, target / "renamed") == ["web"]
    annex("get", "renamed", cwd=target)
    assert (target / "renamed").read_bytes() == binary(600)


def test_a_file_whose_content_is_nowhere_is_refused_and_leaves_nothing(
    inside: Inside, annex: Program, tiny_dataset: Path, other: Path
) -> None:
    annex("drop", "--force", "data/one.dat", cwd=tiny_dataset)
    answer = inside(
        "copy-file", "-d", other, tiny_dataset / "data/one.dat", tiny_dataset / "notes.txt", other, code=1
    )
    assert answer.lines[0] == (
        f"copy_file(impossible): {tiny_dataset}/data/one.dat [no known location of file content]"
    )
    assert not (other / "one.dat").is_symlink()
    assert (other / "notes.txt").exists()


def test_a_corrupt_source_is_an_error_and_is_not_spread(
    inside: Inside, annex: Program, tiny_dataset: Path, other: Path
) -> None:
    stored = Path(os.path.realpath(tiny_dataset / "data/one.dat"))
    stored.chmod(0o644)
    stored.write_bytes(b"x" * 1000)
    stored.chmod(0o444)
    answer = inside("copy-file", "-d", other, tiny_dataset / "data/one.dat", code=1)
    assert answer.lines[0].startswith(f"copy_file(error): {tiny_dataset}/data/one.dat [")
    assert not (other / "one.dat").is_symlink()


def test_folders_go_with_all_that_is_in_them(
    inside: Inside, git: Program, tiny_dataset: Path, other: Path
) -> None:
    answer = inside("copy-file", tiny_dataset / "data", "-d", other, code=1)
    assert answer.lines == [
        f"copy_file(impossible): {tiny_dataset}/data [recursion not enabled, omitting directory]"
    ]
    inside("copy-file", "-r", tiny_dataset / "data", "-d", other)
    inside("copy-file", "-r", tiny_dataset / "data", other / "renamed", "-d", other)
    names = git("ls-files", "data", "renamed", cwd=other).lines
    assert names == ["data/one.dat", "data/two.dat", "renamed/one.dat", "renamed/two.dat"]


def test_a_whole_dataset_is_copied_without_its_repository(
    inside: Inside, git: Program, tiny_dataset: Path, other: Path
) -> None:
    inside("copy-file", "-r", tiny_dataset, "-d", other)
    assert "ds/data/one.dat" in git("ls-files", cwd=other).lines
    assert not (other / "ds/.git").exists()
    answer = inside("copy-file", tiny_dataset / ".git", "-r", "-d", other, code=1)
    assert "refuse to place '.git' into destination dataset" in answer.text


def test_without_a_dataset_nothing_is_saved(
    inside: Inside, git: Program, tiny_dataset: Path, other: Path
) -> None:
    (tiny_dataset / "plain").write_text("p")
    inside("copy-file", tiny_dataset / "data/one.dat", tiny_dataset / "plain", "-t", other)
    assert git("status", "--porcelain", cwd=other).lines == ["A  one.dat", "?? plain"]


@pytest.mark.parametrize("unlocked", ["present", "absent", "changed"])
def test_unlocked_files_are_copied_as_what_they_are(
    unlocked: str, inside: Inside, annex: Program, git: Program, tiny_dataset: Path, other: Path
) -> None:
    source = tiny_dataset / "data/one.dat"
    key = key_of(source)
    annex("unlock", "data/one.dat", cwd=tiny_dataset)
    git("commit", "-q", "-a", "-m", "Unlock", cwd=tiny_dataset)
    if unlocked == "absent":
        annex("drop", "--force", "data/one.dat", cwd=tiny_dataset)
    elif unlocked == "changed":
        source.write_bytes(b"changed\0")
    inside("copy-file", source, "-d", other, code=1 if unlocked == "absent" else 0)
    if unlocked == "absent":
        assert not (other / "one.dat").is_symlink()
    else:
        assert (other / "one.dat").read_bytes() == source.read_bytes()
        assert (key_of(other / "one.dat") == key) == (unlocked == "present")


def test_a_plain_repository_gets_the_content_itself(
    inside: Inside, annex: Program, git: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    git("init", "-q", "plain", cwd=tmp_path)
    inside("copy-file", tiny_dataset / "data/one.dat", "-d", tmp_path / "plain")
    assert (tmp_path / "plain/one.dat").stat().st_mode & 0o777 == 0o644
    assert not (tmp_path / "plain/one.dat").is_symlink()
    annex("drop", "--force", "data/two.dat", cwd=tiny_dataset)
    answer = inside("copy-file", tiny_dataset / "data/two.dat", "-d", tmp_path / "plain", code=1)
    assert "file has no content available" in answer.text


def test_within_one_dataset_the_content_is_not_copied(
    inside: Inside, annex: Program, tiny_dataset: Path
) -> None:
    inside("copy-file", "data/one.dat", "again/one", "-d", ".", cwd=tiny_dataset)
    assert os.path.realpath(tiny_dataset / "again/one") == os.path.realpath(tiny_dataset / "data/one.dat")
    annex("fsck", "-q", cwd=tiny_dataset)


def test_a_file_of_a_subdataset_goes_to_another_and_all_is_saved(
    inside: Inside, git: Program, tiny_dataset: Path, other: Path
) -> None:
    inside("create", "-d", other, other / "sub", cwd=other)
    inside("copy-file", tiny_dataset / "data/one.dat", other / "sub/one", "-d", other, "-m", "Copy")
    for place in (other, other / "sub"):
        assert git("log", "-1", "--format=%s", cwd=place).text == "Copy"
        assert git("status", "--porcelain", cwd=place).text == ""


def test_pairs_are_read_from_a_file_and_from_standard_input(
    cli: Program, git: Program, tiny_dataset: Path, other: Path
) -> None:
    lines = "ds/data/one.dat\0other/first\nds/notes.txt\n"
    (other.parent / "specs").write_text(lines)
    cli("copy-file", "-d", "other", "--specs-from", "specs", cwd=other.parent)
    cli(
        "copy-file",
        "-d",
        "other",
        "--specs-from",
        "-",
        cwd=other.parent,
        stdin="ds/data/two.dat\0other/second",
    )
    assert git("ls-files", cwd=other).lines[-3:] == ["first", "notes.txt", "second"]


def test_python_takes_pairs(tiny_dataset: Path, other: Path) -> None:
    copy_file(
        specs_from=[(tiny_dataset / "data/one.dat", other / "a"), tiny_dataset / "notes.txt"],
        dataset=other,
        result_renderer="disabled",
    )
    assert (other / "a").exists() and (other / "notes.txt").exists()
    with pytest.raises(ValueError, match="not supported"):
        Dataset(other).copy_file("x", specs_from="y", result_renderer="disabled")


def test_requests_that_cannot_be_understood_are_refused(
    inside: Inside, tiny_dataset: Path, other: Path, tmp_path: Path
) -> None:
    one = tiny_dataset / "data/one.dat"
    assert "No target directory was given." in inside("copy-file", one, code=1).stderr
    assert "Neither `paths` nor `specs_from` given." in inside("copy-file", code=1).stderr
    assert "should not contain a .git" in inside("copy-file", one, "-t", other / ".git/x", code=1).stderr
    outside = inside("copy-file", one, tmp_path / "outside", code=1)
    assert outside.lines == [f"copy_file(error): {tmp_path}/outside [copy destination not within a dataset]"]
    answer = inside("copy-file", one, tmp_path / "x", "-d", other, code=1)
    assert "reference dataset does not contain destination path" in answer.text
    (other / "one.dat").mkdir()
    assert "copy destination is a directory" in inside("copy-file", "-d", other, one, code=1).text
    assert inside("copy-file", tmp_path / "nothing", "-d", other, code=1).lines == [
        f"copy_file(impossible): {tmp_path}/nothing [no such file or directory]"
    ]


def test_names_that_break_programs_are_copied(
    inside: Inside, git: Program, annex: Program, new_dataset: Callable[..., Path], tmp_path: Path
) -> None:
    names = [name for name in ODD_NAMES if name != ".hidden"]
    source = new_dataset("source", files={f"odd/{name}": binary(50, seed=n) for n, name in enumerate(names)})
    target = new_dataset("target", files={})
    Dataset(target).copy_file([str(source / "odd"), str(target)], recursive=True, result_renderer="disabled")
    for number, name in enumerate(names):
        assert (target / "odd" / name).read_bytes() == binary(50, seed=number), name
    assert git("status", "--porcelain", cwd=target).text == ""
    annex("fsck", "-q", cwd=target)


def test_no_program_is_started_for_each_file(cli: Program, new_dataset: Callable[..., Path]) -> None:
    counts = []
    for number in (2, 30):
        files = {f"f/{n}": binary(30, seed=n) for n in range(number)}
        source, target = new_dataset(f"from-{number}", files=files), new_dataset(f"to-{number}", files={})
        argv = [sys.executable, "-m", "rookery", "-l", "debug", "copy-file", "-r", source / "f", "-d", target]
        ended = subprocess.run(argv, cwd=source, env=cli.env, capture_output=True, text=True, check=True)
        counts.append(sum("start (" in line for line in ended.stderr.splitlines()))
    assert counts[0] == counts[1] > 0


def test_a_second_copy_is_the_same_again(
    inside: Inside, git: Program, tiny_dataset: Path, other: Path
) -> None:
    inside("copy-file", tiny_dataset / "data/one.dat", "-d", other)
    before = git("rev-parse", "HEAD", cwd=other).text
    answer = inside("copy-file", tiny_dataset / "data/one.dat", "-d", other)
    assert answer.lines[0].startswith("copy_file(ok): ")
    assert git("rev-parse", "HEAD", cwd=other).text == before
    write_tree(other, {"unrelated": "u"})
    inside("copy-file", tiny_dataset / "data/two.dat", "-d", other)
    assert git("status", "--porcelain", cwd=other).lines == ["?? unrelated"]
