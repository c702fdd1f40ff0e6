"""Places that git-annex reaches by another program: rsync over ssh, and Glacier by a stand-in for `glacier-cli`.

The service itself takes hours to give anything back, so nothing is pushed there: what is shown is that
the login reaches the program, and that what cannot be verified is not called pushed.
"""

from __future__ import annotations

import os
import shutil

import pytest

from support.deposits import Deposits
from support.secure_shell import SecureShell

NEEDS_RSYNC = pytest.mark.skipif(shutil.which("rsync") is None, reason="no rsync on this machine")


@NEEDS_RSYNC
@pytest.mark.parametrize("layout", ["", pytest.param("&exporttree=yes", marks=pytest.mark.campaign)])
def test_a_folder_behind_ssh_takes_pushes_and_gives_clones(
    deposits: Deposits, sshbox: SecureShell, layout: str
) -> None:
    place = deposits.place("far away")
    source = deposits.repository()
    url = f"datalad-annex::?type=rsync&rsyncurl={sshbox.host}:{place}&encryption=none{layout}"
    url = url.replace(" ", "%20")
    deposits.ours("push", "-q", url, "main", cwd=source)
    deposits.ours("clone", "-q", url, "clone")
    made = deposits.commit(deposits.folder / "clone")
    deposits.ours("push", "-q", "origin", "main", cwd=deposits.folder / "clone")
    assert deposits.refs(url)["refs/heads/main"] == made
    nowhere = url.replace("far%20away", "nowhere/at%20all")
    assert "couldn't find remote refs" in deposits.ours("ls-remote", nowhere, code=128).stderr


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
