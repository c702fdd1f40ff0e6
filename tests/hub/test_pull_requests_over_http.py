"""A pull request with annexed data between two people at their own computers, over HTTP alone, seen by a third."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from rookery.hub.storage.s3_objects import S3Objects
from support.home import make_home
from support.hubs import HubServer
from support.programs import Program

MB = 1 << 20
# What may be written besides content: history, the database and its log, folders.
OVERHEAD = 4 * MB


class Person(NamedTuple):
    """Somebody at their own computer, signed in."""

    name: str
    token: str
    datalad: Program
    rookery: Program
    git: Program


def arrive(hub: HubServer, name: str, folder: Path, datalad: Program) -> Person:
    token = hub.add_user(name)
    home = make_home(folder / f"home-{name}", os.environ)
    with open(home.path / ".gitconfig", "a") as settings:
        place = hub.url.removeprefix("http://")
        settings.write(f'[datalad "credential.{place}"]\n\ttoken = {token}\n')
        helper = f"!f() {{ echo username={name}; echo password={token}; }}; f"
        settings.write(f'[credential]\n\thelper = "{helper}"\n')
    programs = ([*datalad.argv], [sys.executable, "-m", "rookery"], ["git"])
    return Person(name, token, *(Program(argv, home.env, folder) for argv in programs))


def write(path: Path, size: int) -> str:
    """Write random bytes; give their digest."""
    digest = hashlib.sha256()
    with open(path, "wb") as out:
        for _ in range(size // MB):
            piece = os.urandom(MB)
            digest.update(piece)
            out.write(piece)
    return digest.hexdigest()


def digest_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def bytes_kept(hub: HubServer) -> int:
    """Give the bytes of disk blocks below a hub's folder, each file once, whatever its names; and of its objects."""
    seen = {}
    for top, _, files in os.walk(hub.folder):
        for name in files:
            try:
                found = os.lstat(os.path.join(top, name))
            except FileNotFoundError:
                continue  # the database's own files come and go
            seen[found.st_dev, found.st_ino] = found.st_blocks * 512
    with hub.beside() as inside:
        objects = inside.opened.objects
        if isinstance(objects, S3Objects):
            return sum(seen.values()) + sum(map(objects.s3.size, objects.s3.names("")))
    return sum(seen.values())


@pytest.mark.parametrize(
    "size",
    [
        pytest.param(5 * MB, id="5MB"),
        pytest.param(1024 * MB, id="1GB", marks=[pytest.mark.campaign, pytest.mark.timeout(1800)]),
    ],
)
def test_data_is_proposed_reviewed_merged_and_fetched_and_no_byte_is_stored_twice(
    served: HubServer, datalad: Program, tmp_path: Path, size: int
) -> None:
    alice, bob, carol = (
        arrive(served, f"{name}{size // MB}", tmp_path, datalad) for name in ("alice", "bob", "carol")
    )
    home = f"repos/{alice.name}/study"
    alice.datalad("create", "study", cwd=tmp_path)
    study = tmp_path / "study"
    write(study / "old.bin", MB)
    alice.datalad("save", "-m", "Begin", cwd=study)
    words = ("--access-protocol", "https", "-s", "hub", "study")
    alice.datalad("create-sibling-gin", "--api", served.url, *words, cwd=study)
    alice.datalad("push", "--to", "hub", cwd=study)
    served.api("PATCH", home, {"visibility": "internal"}, token=alice.token)

    # bob forks, adds data in a branch, and proposes it
    before = bytes_kept(served)
    fork = served.api("POST", f"{home}/forks", {}, 202, token=bob.token)
    assert fork["parent"]["full_name"] == f"{alice.name}/study"
    assert bytes_kept(served) - before < OVERHEAD
    bob.rookery("clone", fork["clone_url"], "fork", cwd=tmp_path)
    clone = tmp_path / "fork"
    bob.rookery("get", "old.bin", cwd=clone)
    assert digest_of(clone / "old.bin") == digest_of(study / "old.bin")
    bob.git("checkout", "-q", "-b", "news", cwd=clone)
    digest = write(clone / "new.bin", size)
    bob.rookery("save", "-m", "More data", cwd=clone)
    bob.rookery("push", "--to", "origin", cwd=clone)
    stored = bytes_kept(served)
    assert size <= stored - before < size + OVERHEAD
    made = served.api(
        "POST",
        f"{home}/pulls",
        {"title": "More data", "head": f"{bob.name}:news", "base": "main"},
        201,
        token=bob.token,
    )
    pull = f"{home}/pulls/{made['number']}"

    # alice looks at it, and at what it brings
    seen = served.api("GET", pull, token=alice.token)
    assert (seen["mergeable"], seen["annex"]["comes_along"], seen["annex"]["missing"]) == (True, 1, [])
    assert seen["annex"]["bytes"] == size
    (file,) = served.api("GET", f"{pull}/files", token=alice.token)
    assert (file["filename"], file["status"], file["new"]["size"]) == ("new.bin", "added", size)
    comment = {"body": f"Thank you, @{bob.name}!"}
    served.api("POST", f"{home}/issues/{made['number']}/comments", comment, 201, token=alice.token)
    alice.git("fetch", "-q", "hub", seen["fetch"], cwd=study)
    assert alice.git("rev-parse", "FETCH_HEAD", cwd=study).text == seen["head"]["sha"]

    done = served.api("POST", f"{pull}/merge", {"head_commit_id": seen["head"]["sha"]}, token=alice.token)
    assert (done["keys"], done["bytes"], done["missing"]) == (1, size, [])
    assert bytes_kept(served) - stored < OVERHEAD
    assert served.api("GET", pull, token=bob.token)["merged"]

    # a third person fetches it, of alice's repository alone
    served.api("DELETE", f"repos/{bob.name}/study", code=204, token=bob.token)
    carol.datalad("clone", f"{served.url}/{alice.name}/study", "third", cwd=tmp_path)
    carol.datalad("get", "new.bin", cwd=tmp_path / "third")
    assert digest_of(tmp_path / "third" / "new.bin") == digest

    # alice goes on in her own clone, and everything she pushes is taken
    alice.datalad("update", "-s", "hub", "--how", "merge", cwd=study)
    write(study / "newer.bin", MB)
    alice.datalad("save", "-m", "Go on", cwd=study)
    alice.datalad("push", "--to", "hub", cwd=study)
    assert "new.bin" in alice.datalad("get", "new.bin", cwd=study).stdout
