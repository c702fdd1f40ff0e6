"""Our way of taking files in beside git-annex's: the same trees and changes, saved by both, are the same afterwards."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from rookery.annex.taking import LARGE, take
from rookery.core.environment import program_environment
from rookery.core.process import Runner
from rookery.git.private_index import private_index
from rookery.git.repo import open_repo
from support.counting import Started
from support.home import Home
from support.inside import Inside
from support.programs import Program
from support.samples import ODD_NAMES, UNDECODABLE_NAME, binary, picture, write_tree

pytestmark = pytest.mark.native

ENGINES = ("native", "stock")

KINDS: dict[str, bytes] = {
    "plain.txt": b"some words\n",
    "empty.txt": b"",
    "utf8.txt": "Grüße, 日本\n".encode(),
    "utf16.txt": "some words\n".encode("utf-16"),
    "utf32.txt": "some words\n".encode("utf-32"),
    "latin1.txt": "Grüße\n".encode("latin-1"),
    "escape.log": b"\x1b[31mred\x1b[0m\n",
    "control.log": b"bell\x07 and \x01\n",
    "late-nul.txt": b"words\n" * 3000 + b"\0",
    "very-late-nul.txt": b"words\n" * 400_000 + b"\0",
    "long-line.txt": b"x" * 70_000,
    "lone.bin": b"\xff",
    "table.csv": b"a,b\n1,2\n3,4\n",
    "some.json": b'{"a": [1, 2, {"b": null}]}\n',
    "script.sh": b"#!/bin/sh\necho\n",
    "page.html": b"<!DOCTYPE html><html><body>x</body></html>\n",
    "empty.zip": b"PK\5\6" + bytes(18),
    "gz.gz": b"\x1f\x8b\x08\0\0\0\0\0\0\3",
    "picture.jpg": picture(),
    "picture.png": picture(form="PNG"),
    "text.tar": b"name".ljust(100, b"\0") + b"0000644\0" + bytes(404),
    "pdf.pdf": b"%PDF-1.4\n1 0 obj\n",
    "ebcdic.txt": "some words".encode("cp500") * 20,
    "nearly-a-pointer": b"/annex/objects/ is a folder\n",
}


def first_tree(root: Path, seed: int) -> None:
    rng = random.Random(seed)
    write_tree(root, {f"kinds/{name}": content for name, content in KINDS.items()})
    for number, name in enumerate(ODD_NAMES):
        ending = rng.choice(["", ".txt", ".tar.gz", ".JPG", ".é", ".toolong", "."])
        content = rng.choice([b"same", b"%d" % number, binary(rng.randrange(3000), number)])
        write_tree(root, {f"odd/{name}{ending}": content})
    write_tree(root, {UNDECODABLE_NAME: b"\0\1"})
    for number in range(30):
        folder = "/".join(rng.choice(["a", "b.c", "d"]) for _ in range(rng.randrange(4)))
        write_tree(root / folder, {f"file{number}.dat": rng.choice([b"same", rng.randbytes(400)])})
    for file in sorted(root.glob("kinds/*"))[:10]:
        os.utime(file, (10**9, 10**9 + seed))
    (root / "kinds" / "script.sh").chmod(0o755)
    (root / "kinds" / "plain.txt").chmod(0o600)
    (root / "kinds" / "picture.jpg").chmod(0o666)
    os.link(root / "kinds" / "pdf.pdf", root / "kinds" / "pdf-again.pdf")
    (root / "to-nowhere").symlink_to("nowhere")
    (root / "to-a-file").symlink_to("kinds/plain.txt")


def second_tree(root: Path, seed: int, annex: Program, git: Program) -> None:
    """Change what was saved: edits of both kinds, moves, copies of links, things that become others."""
    rng = random.Random(seed)
    files = sorted(p for p in root.rglob("file*.dat") if ".git" not in p.parts)
    for file in files[:5]:
        file.unlink()
        file.write_bytes(rng.randbytes(100))
    for file in files[5:8]:
        file.unlink()
        file.write_text("now text\n")
    for file in files[8:10]:
        shutil.move(file, root / f"moved-{file.name}")
    shutil.copy2(files[10], root / "kinds" / "copied-link", follow_symlinks=False)
    annex("unlock", files[11], files[12], cwd=root)
    files[12].write_bytes(b"\0edited")
    (root / "kinds" / "plain.txt").unlink()
    (root / "kinds" / "plain.txt").write_bytes(binary(200, seed))
    git("mv", "kinds/picture.png", "deeper.png", cwd=root)
    files[13].unlink()
    files[13].mkdir()
    (files[13] / "inside.dat").write_bytes(b"\0inside")


def state(root: Path, git: Program, annex: Program) -> dict[str, Any]:
    """Give all that must be alike; look whether everybody is content with it."""
    git("fsck", "--no-dangling", cwd=root)
    annex("fsck", "--quiet", cwd=root)
    objects = root / ".git" / "annex" / "objects"
    modes = {str(p.relative_to(objects)): oct(p.stat().st_mode) for p in sorted(objects.rglob("*"))}
    links = {
        str(p.relative_to(root)): p.lstat().st_mtime_ns
        for p in root.rglob("*")
        if p.is_symlink() and p.lstat().st_mtime_ns < 10**9 * 10**9 * 1.1
    }
    names = sorted(git("ls-tree", "-r", "--name-only", "git-annex", cwd=root).lines)
    texts = {
        name: sorted(" ".join(line.split()[1:]) for line in git("show", f"git-annex:{name}", cwd=root).lines)
        for name in names
        if name.endswith(".log") and "/" in name
    }
    return {
        "tree": git("ls-tree", "-r", "-z", "HEAD", cwd=root).text,
        "status": git("status", "--porcelain", "-z", cwd=root).text,
        "modes": modes,
        "links": links,
        "logs": texts,
    }


def records(answer: str, root: Path) -> list[str]:
    import json

    shown = []
    for line in answer.splitlines():
        record = json.loads(line)
        shown.append(
            str({k: v for k, v in record.items() if k not in ("commit", "hints")}).replace(str(root), "DS")
        )
    return sorted(shown)


@pytest.mark.parametrize("procedure", [None, "text2git"])
def test_both_engines_leave_the_same(
    cli: Program,
    git: Program,
    annex: Program,
    new_dataset: Callable[..., Path],
    tmp_path: Path,
    procedure: str | None,
) -> None:
    base = new_dataset("base", procedure=procedure, files={})
    first_tree(base, seed=1)
    left: dict[str, list[Any]] = {}
    for engine in ENGINES:
        root = tmp_path / engine / "ds"
        shutil.copytree(base, root, symlinks=True, copy_function=shutil.copy2)
        (root / "kinds" / "pdf-again.pdf").unlink()
        os.link(root / "kinds" / "pdf.pdf", root / "kinds" / "pdf-again.pdf")
        save = ("-f", "json", "-c", f"rookery.engine={engine}", "save", "-m", "saved")
        told = records(cli(*save, cwd=root).stdout, root)
        left[engine] = [told, state(root, git, annex)]
        second_tree(root, 2, annex, git)
        told = records(cli(*save, cwd=root).stdout, root)
        left[engine] += [told, state(root, git, annex)]
        left[engine].append(records(cli(*save, cwd=root).stdout, root))
    for native, stock in zip(left["native"], left["stock"], strict=True):
        assert native == stock


def test_no_git_annex_is_started_and_few_others_whatever_the_number(
    inside: Inside, tiny_dataset: Path, count_programs: Callable[[], AbstractContextManager[Started]]
) -> None:
    counts = []
    for first, many in ((0, 5), (5, 400)):
        write_tree(tiny_dataset, {f"new/{n}.dat": b"\0%d" % n for n in range(first, many)})
        with count_programs() as started:
            inside("save", "-m", "new", cwd=tiny_dataset)
        assert not [argv for argv in started.programs if argv[0] == "git-annex"]
        counts.append(len(started))
    assert counts[1] <= counts[0] + 4, (
        counts
    )  # of few files objects are read, and the index is written, in process


@pytest.mark.parametrize(
    "setting",
    [
        "annex.addunlocked=true",
        "annex.backend=WORM",
        "annex.genmetadata=true",
        "annex.pidlock=true",
        "annex.largefiles=include=*.dat or include=a* and largerthan=1",
        "annex.freezecontent-command=true %path",
        "core.sharedRepository=yes",
        "rookery.engine=stock",
    ],
)
def test_what_is_not_for_us_is_done_by_git_annex(
    inside: Inside, git: Program, annex: Program, tiny_dataset: Path, setting: str,
    count_programs: Callable[[], AbstractContextManager[Started]],
) -> None:  # fmt: skip
    name, _, value = setting.partition("=")
    git("config", name, value, cwd=tiny_dataset)
    if name == "annex.backend":
        (tiny_dataset / ".gitattributes").write_text("")
        git("commit", "-qam", "No backend", cwd=tiny_dataset)
    write_tree(tiny_dataset, {"new.dat": b"\0new"})
    with count_programs() as started:
        inside("save", "-m", "new", cwd=tiny_dataset)
    assert [argv for argv in started.programs if argv[:2] == ("git-annex", "add")]
    assert annex("whereis", "new.dat", cwd=tiny_dataset).text
    assert git("status", "--porcelain", cwd=tiny_dataset).text == ""


@pytest.mark.parametrize("change", ["appended", "replaced", "removed"])
def test_a_file_that_changes_while_it_is_read_is_not_stored_under_a_wrong_key(
    home: Home, git: Program, annex: Program, tiny_dataset: Path, change: str
) -> None:
    repo = open_repo(tiny_dataset, Runner(program_environment(home.env)))
    file = tiny_dataset / "large.dat"
    file.write_bytes(binary(LARGE))
    touched = []

    def hear(path: str, done: int, total: int | None) -> None:
        if touched:
            return
        touched.append(path)
        if change == "removed":
            file.unlink()
        elif change == "replaced":
            (tiny_dataset / "draft").write_bytes(b"\0other")
            (tiny_dataset / "draft").replace(file)
        else:
            with open(file, "ab") as more:
                more.write(b"more")

    with private_index(repo, tree="HEAD") as view:
        done = list(take(view, ["large.dat"], now=1_800_000_000, on_progress=hear))
    assert touched
    wanted = {"appended": binary(LARGE) + b"more", "replaced": b"\0other", "removed": None}[change]
    assert [one.ok for one in done] == [True]
    assert (file.read_bytes() if os.path.lexists(file) else None) == wanted
    annex("fsck", "--all", "--quiet", cwd=tiny_dataset)


def test_content_is_not_given_up_for_a_corrupt_copy(
    cli: Program, annex: Program, git: Program, tiny_dataset: Path
) -> None:
    stored = (tiny_dataset / "data" / "one.dat").resolve()
    good = stored.read_bytes()
    stored.chmod(0o644)
    stored.write_bytes(bytes(len(good)))
    (tiny_dataset / "again.dat").write_bytes(good)
    answer = cli("save", "again.dat", cwd=tiny_dataset, code=1)
    assert "git annex fsck" in answer.stdout + answer.stderr
    assert (tiny_dataset / "again.dat").read_bytes() == good
    assert not (tiny_dataset / "again.dat").is_symlink()
    assert (tiny_dataset / "again.dat").stat().st_mode & 0o200


def test_links_left_by_one_that_was_killed_are_written_down(
    cli: Program, annex: Program, git: Program, tiny_dataset: Path
) -> None:
    """Content in the store and a link in the work tree, but no word in the location log."""
    (tiny_dataset / "new.dat").write_bytes(b"\0new")
    before = git("rev-parse", "git-annex", cwd=tiny_dataset).text
    cli("save", "new.dat", cwd=tiny_dataset)
    git("reset", "-q", "HEAD~1", cwd=tiny_dataset)
    git("update-ref", "refs/heads/git-annex", before, cwd=tiny_dataset)
    for name in ("index", "index.lck"):
        (tiny_dataset / ".git" / "annex" / name).unlink()
    assert (tiny_dataset / "new.dat").is_symlink()
    cli("save", "-m", "again", cwd=tiny_dataset)
    told = annex("whereis", "--json", "new.dat", cwd=tiny_dataset).records
    assert [place["here"] for place in told[0]["whereis"]] == [True]


@pytest.mark.parametrize("kind", ["worktree", "separate"])
def test_links_lead_to_content_where_git_is_no_folder(
    cli: Program, git: Program, annex: Program, tiny_dataset: Path, tmp_path: Path, kind: str
) -> None:
    place = tmp_path / "place"
    if kind == "worktree":
        git("worktree", "add", "-q", "-b", "other", place, cwd=tiny_dataset)
    else:
        git("clone", "-q", "--separate-git-dir", tmp_path / "aside", tiny_dataset, place)
        annex("init", "place", cwd=place)
    for name in ("one.bin", "two.bin"):  # git-annex has put `.git` in order by the second at the latest
        (place / name).write_bytes(b"\0" + name.encode())
        cli("save", "-m", name, cwd=place)
        assert (place / name).is_symlink()
        assert (place / name).read_bytes() == b"\0" + name.encode()
    annex("fsck", "--quiet", "one.bin", "two.bin", cwd=place)
    assert git("status", "--porcelain", cwd=place).text == ""
