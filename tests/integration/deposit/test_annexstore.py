"""The store over special remotes: what it is given it gives back, in every layout."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from rookery.core.context import Context
from rookery.core.errors import UsageError
from rookery.deposit.terms import url
from rookery.deposit.terms.store import Store, Unreadable, Unwritable
from rookery.deposit.transport.annexstore import AnnexStore
from rookery.deposit.transport.backend import sealed
from support.deposits import Deposits

REGISTER, REFS = "XDLRB--w-me", "XDLRA--refs"


def store(deposits: Deposits, context: Callable[..., Context], kind: str) -> Store:
    runner = context(env=deposits.ours.env).runner
    folder = deposits.folder / "state"
    folder.mkdir(exist_ok=True)
    return AnnexStore(url.parse(deposits.url(kind)), folder / "annex", runner)


def pack(content: bytes) -> str:
    return f"SHA256-s{len(content)}--{hashlib.sha256(content).hexdigest()}"


@pytest.mark.parametrize("kind", ["directory", "directory-export", "external"])
def test_objects_are_written_replaced_read_and_removed(
    deposits: Deposits, context: Callable[..., Context], kind: str, tmp_path: Path
) -> None:
    there = store(deposits, context, kind)
    names = [REGISTER, REFS]
    assert there.read(names) == dict.fromkeys(names)
    for number in (1, 2):
        content = {REGISTER: sealed(b"generation %d\n" % number), REFS: b"%d HEAD\n" % number}
        for name in names:
            there.write(name, content[name])
        assert there.read(names) == content
    big = tmp_path / "big"
    big.write_bytes(b"\0" * 3_000_000)
    name = pack(big.read_bytes())
    there.write(name, big)
    assert there.present([name, pack(b"other")]) == {name: True, pack(b"other"): False}
    assert there.fetch(name, tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == big.read_bytes()
    assert not there.fetch(pack(b"other"), tmp_path / "nothing")
    there.remove([name, REGISTER, REGISTER])
    assert there.present([name, REGISTER]) == {name: False, REGISTER: False}


def test_what_cannot_be_told_is_unreadable_and_what_is_not_taken_unwritable(
    deposits: Deposits, context: Callable[..., Context]
) -> None:
    there = store(deposits, context, "external")
    there.write(REFS, b" HEAD\n")
    for request in ("CHECKPRESENT", "TRANSFER"):
        (deposits.place() / f"fail-{request}").write_text("XDLRA")
    with pytest.raises(Unreadable):
        there.read([REFS])
    with pytest.raises(Unreadable):
        there.present([REFS])
    with pytest.raises(Unwritable):
        there.write(REFS, b"2 HEAD\n")


def test_a_folder_must_be_named_from_the_top(deposits: Deposits, context: Callable[..., Context]) -> None:
    address = url.parse("datalad-annex::?type=directory&directory=../shelf&encryption=none")
    there = AnnexStore(address, deposits.folder / "annex", context(env=deposits.ours.env).runner)
    with pytest.raises(UsageError, match="relative"):
        there.read([REFS])


def test_a_damaged_text_is_given_as_it_is_for_those_who_can_judge_it_and_nothing_else_is(
    deposits: Deposits, context: Callable[..., Context], tmp_path: Path
) -> None:
    there = store(deposits, context, "external")
    part = pack(b"part")
    for name, content in ((REGISTER, sealed(b"generation 1\n")), (part, b"part")):
        there.write(name, content)
        (deposits.place() / "content" / name).write_bytes(b"gene")
    assert there.read([REGISTER]) == {REGISTER: b"gene"}
    with pytest.raises(Unreadable):
        there.fetch(part, tmp_path / "part")


STUBBORN = {
    "speaks otherwise": "read line; echo what is this",
    "ends in the middle": "read line; echo opb; exit 1",
    "does not begin": "exit 1",
    "refuses all": "while read line; do echo oe no; echo f; done",
}


@pytest.mark.parametrize("transferrer", STUBBORN.values(), ids=STUBBORN)
def test_where_one_process_for_all_objects_does_not_work_each_gets_its_own(
    deposits: Deposits, context: Callable[..., Context], transferrer: str
) -> None:
    runner = context(env=deposits.ours.env).runner
    real = shutil.which("git-annex", path=runner.env["PATH"])
    fake = deposits.folder / "stubborn" / "git-annex"
    fake.parent.mkdir()
    fake.write_text(
        f'#!/bin/sh\nif [ "$1" = transferrer ]; then\n{transferrer}\nelse exec "{real}" "$@"; fi\n'
    )
    fake.chmod(0o755)
    path = f"{fake.parent}{os.pathsep}{runner.env['PATH']}"
    there = AnnexStore(
        url.parse(deposits.url("external")), deposits.place("annex"), runner.with_env({"PATH": path})
    )
    for number in (1, 2):
        there.write(REFS, b"%d HEAD\n" % number)
    assert there.read([REFS, REGISTER]) == {REFS: b"2 HEAD\n", REGISTER: None}
    there.rest()


def test_one_process_carries_any_number_of_objects(
    deposits: Deposits, context: Callable[..., Context], tmp_path: Path
) -> None:
    runner = context(env=deposits.ours.env).runner
    there = AnnexStore(url.parse(deposits.url("external")), deposits.place("annex"), runner)
    contents = [b"part %d" % number for number in range(12)]
    names = [pack(content) for content in contents]
    assert there.repo.root.is_dir()  # set up before the count
    started: list[str] = []
    runner.listeners.append(lambda argv: started.append(" ".join(argv[:2])))
    for name, content in zip(names, contents, strict=True):
        there.write(name, content)
    assert list(there.read(names).values()) == contents
    assert all(there.present(names).values())
    for name in names:
        assert there.fetch(name, tmp_path / name)
    there.rest()
    assert sorted(started) == ["git-annex checkpresentkey", "git-annex transferrer"]
