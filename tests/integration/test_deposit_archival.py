"""The archival copy: readable with gzip and Git alone, checked by reading it back."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.deposit.legacy import archival
from support.depositors import Person
from support.stores import MemoryStore


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_a_copy_gives_the_same_tips_and_the_same_bytes_each_time(
    tmp_path: Path, context: Callable[..., Context], object_format: str
) -> None:
    anna = Person("anna", tmp_path / "anna", context, MemoryStore(), object_format=object_format)
    anna.commit("first\n")
    anna.commit("second\n", "ä file")
    anna.work.run("tag", "-a", "-m", "a tag", "v1")
    archival.write(anna.work, tmp_path / "one.gz")
    archival.write(anna.work, tmp_path / "two.gz")
    assert (tmp_path / "one.gz").read_bytes() == (tmp_path / "two.gz").read_bytes()
    found = list(archival.check(anna.work, tmp_path / "one.gz"))
    assert [(item.ref, item.exact) for item in found] == [("refs/heads/main", True), ("refs/tags/v1", True)]
    assert archival.statement(found).splitlines()[0] == f"{anna.tip('main')} refs/heads/main exact: yes"
    assert b"second\n" in gzip.decompress((tmp_path / "one.gz").read_bytes())


def test_what_the_format_cannot_keep_is_said(tmp_path: Path, context: Callable[..., Context]) -> None:
    anna = Person("anna", tmp_path / "anna", context, MemoryStore())
    anna.commit("first\n")
    tree = anna.tip("HEAD^{tree}")
    text = f"tree {tree}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\nunusual header\n\nmessage\n"
    odd = anna.work.run(
        "hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=text.encode()
    ).text
    anna.work.run("update-ref", "refs/heads/odd", odd)
    archival.write(anna.work, tmp_path / "copy.gz")
    found = {item.ref: item.exact for item in archival.check(anna.work, tmp_path / "copy.gz")}
    assert found == {"refs/heads/main": True, "refs/heads/odd": False}


def test_a_copy_that_ends_early_is_no_copy(tmp_path: Path, context: Callable[..., Context]) -> None:
    anna = Person("anna", tmp_path / "anna", context, MemoryStore())
    anna.commit("first\n")
    archival.write(anna.work, tmp_path / "copy.gz")
    raw = gzip.decompress((tmp_path / "copy.gz").read_bytes())
    (tmp_path / "short.gz").write_bytes(gzip.compress(raw[: len(raw) - 20]))
    with pytest.raises(RookeryError, match="cannot be read back"):
        list(archival.check(anna.work, tmp_path / "short.gz"))
