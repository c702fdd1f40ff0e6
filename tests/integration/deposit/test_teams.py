"""Several people, some of whom use datalad-next: nothing is lost, and everybody hears what happened."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.deposits import Deposits, content_of

CONFLICT = "refs/dlra-conflict/"


def refs_of_pair(deposits: Deposits) -> str:
    return (deposits.place() / "3f7/4a3/XDLRA--refs/XDLRA--refs").read_text()


def start(deposits: Deposits, more: str = "") -> tuple[Path, Path, str]:
    """Give two clones of one deposit."""
    source = deposits.repository()
    url = deposits.url(more=more)
    deposits.ours("remote", "add", "origin", url, cwd=source)
    deposits.ours("push", "-q", "-u", "origin", "main", cwd=source)
    deposits.ours("clone", "-q", url, "clone")
    return source, deposits.folder / "clone", url


def test_two_who_push_the_same_branch_one_is_told_to_fetch_first(deposits: Deposits) -> None:
    source, clone, url = start(deposits)
    deposits.commit(source, "mine")
    theirs = deposits.commit(clone, "theirs")
    deposits.ours("push", "-q", cwd=clone)
    answer = deposits.ours("push", cwd=source, code=1)
    assert "fetch first" in answer.stderr
    deposits.ours("pull", "-q", "--rebase", cwd=source)
    deposits.ours("push", "-q", cwd=source)
    assert deposits.ours("merge-base", "--is-ancestor", theirs, "HEAD", cwd=source).code == 0
    assert deposits.refs(url)["refs/heads/main"] == deposits.at(source)


def test_a_storm_of_two_keeps_every_commit(deposits: Deposits) -> None:
    source, clone, url = start(deposits)
    _storm(deposits, [source, clone], url, rounds=3)


@pytest.mark.campaign
def test_a_storm_of_four_keeps_every_commit(deposits: Deposits) -> None:
    source, clone, url = start(deposits)
    people = [source, clone]
    for name in ("third", "fourth"):
        deposits.ours("clone", "-q", url, name)
        people.append(deposits.folder / name)
    _storm(deposits, people, url, rounds=6)


def _storm(deposits: Deposits, people: list[Path], url: str, *, rounds: int) -> None:
    """Let all push at once, again and again, each until it is through."""
    script = (
        "for n in $(seq {rounds}); do echo $n > {name}; git add {name}; git commit -q -m '{name} '$n; "
        "t=0; until git push -q origin main 2>>push.log; do t=$((t+1)); [ $t -lt 40 ] || exit 9; "
        "git pull -q --rebase origin main || exit 8; done; done"
    )
    running = [
        subprocess.Popen(
            ["sh", "-c", script.format(rounds=rounds, name=f"of-{folder.name}")],
            cwd=folder,
            env=deposits.ours.env,
        )
        for folder in people
    ]
    assert [one.wait(250) for one in running] == [0] * len(people)
    deposits.ours("clone", "-q", url, "end")
    said = deposits.ours("log", "--format=%s", cwd=deposits.folder / "end").lines
    for folder in people:
        for number in range(1, rounds + 1):
            assert f"of-{folder.name} {number}" in said


def test_what_a_peer_pushes_over_us_comes_back_as_a_conflict(deposits: Deposits) -> None:
    source, clone, url = start(deposits, "&dlalegacy=off")
    ours = deposits.commit(source, "ours")
    deposits.ours("push", "-q", cwd=source)
    # the pair was never written with `off`: the peer begins it with what its clone has
    theirs = deposits.commit(clone, "theirs")
    plain = deposits.url()
    deposits.theirs("push", "-q", plain, "main", cwd=clone)
    there = deposits.refs(url)
    kept = {name: sha for name, sha in there.items() if name.startswith(CONFLICT)}
    assert {there["refs/heads/main"], *kept.values()} == {ours, theirs}
    answer = deposits.ours("fetch", "origin", cwd=source)
    assert next(iter(kept)) in answer.stderr
    assert "two have pushed different things" in answer.stderr


def test_a_peer_sees_what_the_policy_says(deposits: Deposits) -> None:
    source, _, url = start(deposits, "&dlalegacy=off")
    pair = deposits.place() / "3f7"
    assert not pair.exists()
    deposits.ours("push", "-q", url.replace("=off", "=now"), "main", cwd=source)
    assert f"{deposits.at(source)} refs/heads/main" in refs_of_pair(deposits)
    deposits.theirs("clone", "-q", deposits.url(), "peer")
    made = deposits.commit(source)
    deposits.ours("push", "-q", cwd=source)
    assert made not in refs_of_pair(deposits)
    deposits.ours("push", "-q", url.replace("=off", "=always"), "main", cwd=source)
    assert made in refs_of_pair(deposits)


def test_a_header_in_the_refs_is_no_obstacle_for_a_peer(deposits: Deposits) -> None:
    _, clone, _ = start(deposits, "&dlarefsheader=yes")
    assert refs_of_pair(deposits).startswith("# rookery deposit of record SHA256-s")
    deposits.theirs("clone", "-q", deposits.url(), "peer")
    made = deposits.commit(deposits.folder / "peer")
    deposits.theirs("push", "-q", "origin", "main", cwd=deposits.folder / "peer")
    deposits.ours("pull", "-q", "--ff-only", cwd=clone)
    assert deposits.at(clone) == made


def test_an_archival_copy_is_made_and_says_that_it_is_exact(deposits: Deposits) -> None:
    source, _, url = start(deposits, "&dlaarchive=fast-export")
    text = next(deposits.place().rglob("XDLRB--fast-export/XDLRB--fast-export")).read_text()
    name, line, _ = text.split("\n", 2)
    assert line == f"{deposits.at(source)} refs/heads/main exact: yes"
    assert next(deposits.place().rglob(f"{name}/{name}")).read_bytes()[:2] == b"\x1f\x8b"
    refused = deposits.ours("ls-remote", f"{url}&dlalegacy=off", code=128)
    assert "dlaarchive" in refused.stderr


def test_a_lock_that_another_holds_refuses_a_push_and_one_that_cannot_be_had_too(deposits: Deposits) -> None:
    source, _, url = start(deposits)
    deposits.commit(source)
    lock = deposits.place() / ".rookery-lock"
    lock.mkdir(exist_ok=True)
    (lock / "99").write_text('{"expires": 99999999999.0, "token": "somebody"}\n')
    answer = deposits.ours("push", url, "main", cwd=source, code=1)
    assert "another push to this deposit is going on" in answer.stderr
    deposits.ours("push", "-q", f"{url}&dlalock=off", "main", cwd=source)
    other = deposits.url("external", "other", "&dlalock=require")
    answer = deposits.ours("push", other, "main", cwd=source, code=1)
    assert "offers no lock" in answer.stderr


def test_a_submodule_may_be_in_a_deposit_named_with_placeholders(deposits: Deposits) -> None:
    inner = deposits.repository("inner")
    place = deposits.place("shelf")
    url = f"datalad-annex::file://{place}?type=directory&directory={{path}}&encryption=none"
    deposits.ours("push", "-q", url, "main", cwd=inner)
    outer = deposits.repository("outer")
    git = deposits.ours.at(outer)
    allow = ("-c", "protocol.datalad-annex.allow=always")
    git(*allow, "submodule", "add", "-q", url, "sub")
    git("commit", "-q", "-m", "with a submodule")
    git(*allow, "clone", "-q", "--recurse-submodules", str(outer), str(deposits.folder / "copy"))
    assert deposits.at(deposits.folder / "copy" / "sub") == deposits.at(inner)


def register_of(deposits: Deposits, folder: Path) -> Path:
    """Give the file of the register that a clone writes."""
    memory = next((folder / ".git" / "dl-repoannex").rglob("memory-*")).name
    return next(deposits.place().rglob(f"XDLRB--w-{memory.removeprefix('memory-')}/XDLRB--*"))


def objects_of(deposits: Deposits) -> dict[str, tuple[int, int, bytes]]:
    """Give all that lies there but the lock."""
    return {k: v for k, v in content_of(deposits.place()).items() if not k.startswith(".rookery-lock")}


@pytest.mark.parametrize("damage", [b"rookery reg", pytest.param(None, marks=pytest.mark.campaign)])
def test_a_register_of_another_that_is_torn_or_lost_hinders_no_reader_and_every_push_says_so(
    deposits: Deposits, damage: bytes | None
) -> None:
    source, clone, url = start(deposits, "&dlalegacy=off")
    theirs = deposits.commit(clone, "theirs")
    deposits.ours("push", "-q", cwd=clone)
    deposits.ours("pull", "-q", cwd=source)
    ours = deposits.commit(source, "ours")
    deposits.ours("push", "-q", cwd=source)
    newest = deposits.commit(clone, "side")
    deposits.ours("push", "-q", "origin", "HEAD:side", cwd=clone)
    file = register_of(deposits, clone)
    file.parent.chmod(0o755)
    file.unlink()
    if damage is not None:
        file.write_bytes(damage)
    # A stranger sees what others know; who has seen more sees more.
    said = deposits.ours("clone", url, "stranger").stderr
    assert "register of writer" in said
    assert "rookery deposit repair 'datalad-annex::?type=directory" in said
    assert deposits.at(deposits.folder / "stranger") == ours
    deposits.ours("fetch", "-q", "origin", cwd=clone)
    assert deposits.at(clone, "refs/remotes/origin/side") == newest
    before = objects_of(deposits)
    deposits.commit(source, "more")
    answer = deposits.ours("push", cwd=source, code=1)
    assert "[remote rejected]" in answer.stderr and "register of writer" in answer.stderr
    deposits.ours("push", "origin", f"{ours}:refs/heads/main", cwd=source)  # nothing to push: nothing written
    assert objects_of(deposits) == before
    assert theirs in deposits.ours("rev-list", "main", cwd=deposits.folder / "stranger").lines
    deposits.ours("pull", "-q", "--rebase", cwd=clone)
    deposits.commit(clone, "heals")
    deposits.ours("push", "-q", "origin", "HEAD:main", cwd=clone)  # its own writer knows what was in it
    assert deposits.refs(url)["refs/heads/side"] == newest
    deposits.ours("pull", "-q", "--rebase", cwd=source)
    deposits.ours("push", "-q", cwd=source)


@pytest.mark.parametrize("damage", [b"rookery reg", pytest.param(None, marks=pytest.mark.campaign)])
def test_so_it_is_where_git_annex_carries_it(deposits: Deposits, damage: bytes | None) -> None:
    """git-annex hands out no text that its backend finds torn, though it cannot know who may do without it."""
    source = deposits.repository()
    url = deposits.url("external", more="&dlalegacy=off")
    deposits.ours("push", "-q", url, "main", cwd=source)
    deposits.ours("clone", "-q", url, "clone")
    clone = deposits.folder / "clone"
    deposits.commit(clone, "theirs")
    deposits.ours("push", "-q", cwd=clone)
    deposits.ours("pull", "-q", url, "main", cwd=source)
    ours = deposits.commit(source, "ours")
    deposits.ours("push", "-q", url, "main", cwd=source)
    memory = next((clone / ".git" / "dl-repoannex").rglob("memory-*")).name
    register = deposits.place() / "content" / f"XDLRB--w-{memory.removeprefix('memory-')}"
    register.unlink()
    if damage is not None:
        register.write_bytes(damage)
    assert "register of writer" in deposits.ours("clone", url, "stranger").stderr
    assert deposits.at(deposits.folder / "stranger") == ours
    deposits.commit(source, "more")
    answer = deposits.ours("push", url, "main", cwd=source, code=1)
    assert "[remote rejected]" in answer.stderr and "register of writer" in answer.stderr


def test_where_the_only_register_is_torn_the_pair_of_peers_is_read(deposits: Deposits) -> None:
    source, _, url = start(deposits)
    register_of(deposits, source).write_bytes(b"torn")
    answer = deposits.ours("clone", url, "stranger")
    assert "register of writer" in answer.stderr
    stranger = deposits.folder / "stranger"
    assert deposits.at(stranger) == deposits.at(source)
    deposits.commit(stranger)
    assert "[remote rejected]" in deposits.ours("push", cwd=stranger, code=1).stderr


def test_a_register_that_is_torn_is_never_an_empty_deposit(deposits: Deposits) -> None:
    source, clone, url = start(deposits, "&dlalegacy=off")
    register_of(deposits, source).write_bytes(b"torn")
    answer = deposits.ours("clone", url, "stranger", code=128)
    assert "register of writer" in answer.stderr and "rookery deposit repair" in answer.stderr
    # whoever has read it before still can
    deposits.ours("fetch", "-q", cwd=clone)
    assert deposits.at(clone, "refs/remotes/origin/main") == deposits.at(source)
