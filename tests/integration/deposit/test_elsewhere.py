"""Places that git-annex reaches by another program: rsync over ssh, and Glacier by a stand-in for `glacier-cli`.

The service itself takes hours to give anything back, so nothing is pushed there: what is shown is that
the login reaches the program, and that what cannot be verified is not called pushed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest

from support.deposits import Deposits
from support.secure_shell import SecureShell

NEEDS_RSYNC = pytest.mark.skipif(shutil.which("rsync") is None, reason="no rsync on this machine")


def behind(server: SecureShell, place: Path) -> str:
    words = f"type=rsync&rsyncurl={server.host}:{quote(str(place))}&encryption=none"
    return f"datalad-annex::?{words}"


@NEEDS_RSYNC
def test_a_folder_behind_ssh_takes_a_push(deposits: Deposits, sshbox: SecureShell) -> None:
    source = deposits.repository()
    url = behind(sshbox, deposits.place("far away"))
    deposits.ours("push", "-q", url, "main", cwd=source)
    assert deposits.refs(url)["refs/heads/main"] == deposits.at(source)


@NEEDS_RSYNC
@pytest.mark.campaign
@pytest.mark.parametrize("layout", ["", "&exporttree=yes"])
def test_a_folder_behind_ssh_gives_clones_and_takes_more(
    deposits: Deposits, sshbox: SecureShell, layout: str
) -> None:
    source = deposits.repository()
    url = behind(sshbox, deposits.place("far away")) + layout
    deposits.ours("push", "-q", url, "main", cwd=source)
    deposits.ours("clone", "-q", url, "clone")
    made = deposits.commit(deposits.folder / "clone")
    deposits.ours("push", "-q", "origin", "main", cwd=deposits.folder / "clone")
    assert deposits.refs(url)["refs/heads/main"] == made
    nowhere = behind(sshbox, deposits.folder / "nowhere" / "at all") + layout
    assert "couldn't find remote refs" in deposits.ours("ls-remote", nowhere, code=128).stderr


@NEEDS_RSYNC
@pytest.mark.campaign
def test_two_who_push_at_once_behind_ssh_both_get_through(deposits: Deposits, sshbox: SecureShell) -> None:
    url = behind(sshbox, deposits.place("far")) + "&dlalock=require"
    source = deposits.repository()
    deposits.ours("remote", "add", "origin", url, cwd=source)
    deposits.ours("push", "-q", "-u", "origin", "main", cwd=source)
    deposits.ours("clone", "-q", url, "clone")
    clone = deposits.folder / "clone"
    made = {}
    for turn in range(3):
        made = {folder: deposits.commit(folder, f"{folder.name}-{turn}") for folder in (source, clone)}
        pushes = [
            subprocess.Popen(["git", "push", "-q"], cwd=folder, env=deposits.ours.env, stderr=subprocess.PIPE)
            for folder in made
        ]
        said = [push.communicate(timeout=250)[1] for push in pushes]
        # Exactly one went through; the other waited for it, and then was told.
        assert sorted(push.returncode for push in pushes) == [0, 1]
        assert any(b"fetch first" in words for words in said)
        for folder in made:
            deposits.ours("pull", "-q", "--rebase", cwd=folder)
            deposits.ours("push", "-q", cwd=folder, code=None)
        deposits.ours("pull", "-q", "--rebase", cwd=source)
    names = deposits.ours("ls-tree", "--name-only", "origin/main", cwd=source).lines
    assert {f"{folder.name}-{turn}" for folder in made for turn in range(3)} <= set(names)


# Takes what it is given by who has the right login, and, like the service, has nothing to give back now.
GLACIER = """#!/bin/sh
case "$1" in --compatibility-test-git-annex) exit 2 ;; esac
echo "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY $*" >> "$GLACIER_LOG"
test "$AWS_SECRET_ACCESS_KEY" = something || { echo "glacier: access denied" >&2; exit 1; }
case "$*" in *retrieve*) echo "glacier: queued retrieval job" >&2; exit 1 ;; *upload*) cat > /dev/null ;; esac
"""


def test_a_login_reaches_the_program_for_glacier_and_nothing_is_called_pushed_that_cannot_be_read_back(
    deposits: Deposits,
) -> None:
    log = deposits.folder / "glacier.log"
    program = deposits.place("bin") / "glacier"
    program.write_text(GLACIER)
    program.chmod(0o755)
    path = f"{program.parent}{os.pathsep}{deposits.ours.env['PATH']}"
    git = deposits.ours.having({"PATH": path, "GLACIER_LOG": str(log)}).at(deposits.repository())
    url = "datalad-annex::?type=glacier&vault=shelf&encryption=none&dlacredential=ice"
    said = git("push", url, "main", code=128).stderr
    assert "needs the credential 'ice', which is not known" in said

    known = {"DATALAD_CREDENTIAL_ICE_USER": "somebody", "DATALAD_CREDENTIAL_ICE_SECRET": "something"}
    said = git.having(known)("push", url, "main", code=1).stderr
    assert "[remote rejected]" in said and "does not give it back" in said
    asked = log.read_text().splitlines()
    assert {line.split(" ")[0] for line in asked} == {"somebody:something"}
    assert any("vault create shelf" in line for line in asked)
    assert any("upload" in line for line in asked)

    wrong = {**known, "DATALAD_CREDENTIAL_ICE_SECRET": "mistyped"}
    said = git.having(wrong)("push", url + "&datacenter=eu-west-1", "main", code=128).stderr
    assert "cannot set up the special remote of type glacier" in said and "mistyped" not in said
