"""`rookery deposit`: what it says of a deposit, and what it mends."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.deposits import Deposits
from support.programs import Program


def start(deposits: Deposits) -> Path:
    """Make a clone with a sibling `dep` that is a deposit."""
    source = deposits.repository()
    deposits.ours("remote", "add", "dep", deposits.url(), cwd=source)
    deposits.ours("push", "-q", "dep", "main", "main:other", cwd=source)
    subprocess.run(["chmod", "-R", "u+w", deposits.place()], check=True)
    return source


def lose_archive(place: Path) -> None:
    shutil.rmtree(place / "eb3")


def tear_refs(place: Path) -> None:
    (place / "3f7/4a3/XDLRA--refs/XDLRA--refs").write_text("torn")


def lose_everything_of_peers(place: Path) -> None:
    lose_archive(place)
    tear_refs(place)


def lose_a_part(place: Path) -> None:
    next(f for f in place.rglob("SHA256-*") if f.is_file() and f.read_bytes()[:4] == b"PACK").unlink()


def tear_the_register(place: Path) -> None:
    register = next(f for f in place.rglob("XDLRB--w-*") if f.is_file())
    register.write_bytes(register.read_bytes()[:50])


@pytest.mark.parametrize(
    "harm", [lose_archive, tear_refs, lose_everything_of_peers, lose_a_part, tear_the_register]
)
def test_what_is_missing_or_torn_is_found_and_mended_from_a_clone(
    deposits: Deposits, cli: Program, harm: Callable[[Path], None]
) -> None:
    source = start(deposits)
    before = deposits.refs(deposits.url())
    harm(deposits.place())
    own_register = harm is tear_the_register  # which its owner remembers, so that all is well for it
    cli("deposit", "verify", "dep", cwd=source, code=0 if own_register else 1)
    cli("deposit", "repair", "dep", cwd=source)
    cli("deposit", "verify", "dep", cwd=source)
    assert deposits.refs(deposits.url()) == before
    for number, git in enumerate((deposits.ours, deposits.theirs)):
        git("clone", "-q", deposits.url(), f"clone-{number}")


def test_status_is_records_with_values_and_needs_no_clone(deposits: Deposits, cli: Program) -> None:
    start(deposits)
    found = cli("-f", "json", "deposit", "status", deposits.url(), cwd=Path("/")).records
    values = {record["name"]: record["value"] for record in found}
    assert (values["refs"], values["writers"], values["what peers read"]) == (2, 1, "there")
    assert cli("deposit", "status", deposits.url("directory", "empty")).lines[0] == "refs: 0"


def test_compact_leaves_all_history_in_few_parts(deposits: Deposits, cli: Program) -> None:
    source = start(deposits)
    for number in range(3):
        deposits.commit(source, f"more{number}")
        deposits.ours("push", "-q", "dep", "main", cwd=source)
    assert "holds all history" in cli("deposit", "compact", "dep", cwd=source).stdout
    assert "parts: 1" in cli("deposit", "status", "dep", cwd=source).lines
    deposits.ours("clone", "-q", deposits.url(), "clone")
    assert deposits.at(deposits.folder / "clone") == deposits.at(source)


def test_what_cannot_be_meant_is_told(deposits: Deposits, cli: Program) -> None:
    source = start(deposits)
    assert "neither a datalad-annex:: URL" in cli("deposit", "status", "nobody", cwd=source, code=None).stderr
    assert (
        "repaired from a clone" in cli("deposit", "repair", deposits.url(), cwd=Path("/"), code=None).stderr
    )
