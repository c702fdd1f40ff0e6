"""A deposit may have been made by anybody: only objects, refs and HEAD are taken from it, after a look at each."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.deposit.legacy import archive
from rookery.deposit.terms.store import Damaged
from support.deposits import Deposits
from support.programs import Program

ZIP_KEY = Path("eb3/ca0/XDLRA--repo-export/XDLRA--repo-export")


@pytest.fixture
def honest(deposits: Deposits) -> Path:
    """Give the archive of a deposit."""
    source = deposits.repository()
    deposits.ours("push", "-q", deposits.url(), "main", cwd=source)
    return deposits.place() / ZIP_KEY


def with_entry(file: Path, name: str, content: bytes, mode: int = 0o100644) -> Path:
    """Give a copy of an archive with one file more."""
    changed = file.parent.parent / "changed.zip"
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(changed, "w") as new:
        for info in old.infolist():
            if info.filename != name:
                new.writestr(info, old.read(info))
        entry = zipfile.ZipInfo(name)
        entry.external_attr = mode << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        new.writestr(entry, content)
    return changed


def take(file: Path, context: Callable[..., Context], into: Path) -> None:
    archive.take(file, into, context().runner)


@pytest.mark.parametrize(
    ("name", "content", "mode", "told"),
    [
        ("objects/../../../evil", b"x", 0o100644, "has a file named"),
        ("/etc/evil", b"x", 0o100644, "has a file named"),
        ("objects\\evil", b"x", 0o100644, "has a file named"),
        ("objects/pack", b"/etc", 0o120777, "is a link"),
        ("objects/info/alternates", b"/somebody/elses\n", 0o100644, "borrows objects"),
        ("refs/heads/long", b"a" * 5000, 0o100644, "too long"),
        ("refs/heads/bad", b"not a name of an object", 0o100644, "not right"),
        ("objects/pack/pack-" + "a" * 40 + ".pack", b"PACK and nothing more", 0o100644, ""),
        ("objects/aa/" + "a" * 38, b"no object", 0o100644, "objects in the deposit"),
        ("packed-refs", b"b" * 40 + b" refs/heads/main\n", 0o100644, "objects in the deposit"),
        ("packed-refs", b"0" * (80 << 20), 0o100644, "claims to hold"),
    ],
    ids=lambda value: value[:30] if isinstance(value, str) else "",
)
def test_what_does_not_belong_into_a_deposit_is_refused(
    honest: Path, tmp_path: Path, context: Callable[..., Context],
    name: str, content: bytes, mode: int, told: str,
) -> None:  # fmt: skip
    with pytest.raises(Damaged) as error:
        take(with_entry(honest, name, content, mode), context, tmp_path / "taken")
    assert told in error.value.message


def test_configuration_and_hooks_of_others_are_left_where_they_are(
    deposits: Deposits, honest: Path, tmp_path: Path, context: Callable[..., Context]
) -> None:
    witness = tmp_path / "witness"
    evil = f"[core]\n\tbare = true\n\talternateRefsCommand = touch {witness}; true\n".encode()
    changed = with_entry(honest, "config", evil)
    with zipfile.ZipFile(changed, "a") as more:
        more.writestr("hooks/pre-receive", f"#!/bin/sh\ntouch {witness}\n")
    honest.parent.chmod(0o755)
    changed.replace(honest)
    clone = deposits.repository("clone", commits=0)
    deposits.ours("fetch", "-q", deposits.url(), "main", cwd=clone)
    deposits.ours("push", "-q", deposits.url(), "FETCH_HEAD:refs/heads/new", cwd=clone)
    assert not witness.exists()


def test_an_older_deposit_with_a_folder_around_everything_is_read(
    honest: Path, tmp_path: Path, context: Callable[..., Context], git: Program
) -> None:
    moved = tmp_path / "moved.zip"
    with zipfile.ZipFile(honest) as old, zipfile.ZipFile(moved, "w") as new:
        for info in old.infolist():
            new.writestr(f"repo/{info.filename}", old.read(info))
    take(moved, context, tmp_path / "taken")
    git("--git-dir", tmp_path / "taken", "fsck", "--full")


def test_what_is_no_archive_is_told(tmp_path: Path, context: Callable[..., Context]) -> None:
    page = tmp_path / "page"
    page.write_text("<html>log in</html>")
    with pytest.raises(Damaged):
        take(page, context, tmp_path / "taken")
