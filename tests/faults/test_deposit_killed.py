"""Whatever moment a push is killed at, the deposit is whole, and the next push goes through."""

from __future__ import annotations

import subprocess

import pytest

from support.deposits import Deposits


@pytest.mark.parametrize(
    ("request_", "which"),
    [
        pytest.param("TRANSFER", "RETRIEVE XDLRA--refs", marks=pytest.mark.campaign),
        pytest.param("TRANSFER", "STORE XDLRA--repo-export"),
        pytest.param("CHECKPRESENT", "XDLRA--repo-export", marks=pytest.mark.campaign),
        pytest.param("TRANSFER", "STORE XDLRA--refs"),
    ],
)
@pytest.mark.parametrize("forced", [False, True])
def test_a_killed_push_leaves_a_whole_deposit(
    deposits: Deposits, request_: str, which: str, forced: bool
) -> None:
    source = deposits.repository()
    url = deposits.url("external")
    git = deposits.ours.at(source)
    git("push", "-q", url, "main", "main:other")
    before = deposits.refs(url)
    if forced:
        git("commit", "-q", "--amend", "-m", "otherwise")
    else:
        deposits.commit(source)
    (deposits.place() / f"kill-{request_}").write_text(which)
    asked = ["git", "push", "-q", "--force", url, "main"]
    killed = subprocess.run(asked, cwd=source, env=git.env, start_new_session=True, check=False)
    assert killed.returncode < 0

    assert deposits.refs(url) == before
    deposits.ours("clone", "-q", "--mirror", url, "clone")
    deposits.ours("fsck", "--full", cwd=deposits.folder / "clone")

    git("push", "-q", "--force", url, "main")
    assert deposits.refs(url) == {
        "HEAD": deposits.at(source),
        "refs/heads/main": deposits.at(source),
        "refs/heads/other": before["refs/heads/other"],
    }
    left = {path.name for path in (source / ".git" / "dl-repoannex").glob("*/*")}
    assert left == {"annex", "lock", "mirror"}
