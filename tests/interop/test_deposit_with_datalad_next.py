"""One deposit, two tools: each clones, fetches and pushes what the other has left, and back."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import quote

import pytest

from support.buckets import Buckets
from support.deposits import KINDS, Deposits
from support.programs import Program
from support.web import WebServer
from support.webdav import PASSWORD, USER, WebDav

UUID = "0e1c0b3a-52b0-4a2a-9d0e-6d0f4b1f1c55"
# One kind of each layout at every run; the others differ for git-annex, not for us.
EVERY_TIME = ("directory", "directory-export")
NEEDS_RSYNC = pytest.mark.skipif(shutil.which("rsync") is None, reason="no rsync on this machine")


def marks(kind: str) -> list[pytest.MarkDecorator]:
    rsync = [NEEDS_RSYNC] if kind.startswith("rsync") else []
    return rsync if kind in EVERY_TIME else [*rsync, pytest.mark.campaign]


def history(git: Program, folder: Path) -> dict[str, str]:
    """Give the branches and tags of a repository, but for the annex that the other tool makes where it pushes."""
    lines = git(
        "for-each-ref", "--format=%(objectname) %(refname)", "refs/heads", "refs/tags", cwd=folder
    ).lines
    pairs = (line.split(" ") for line in lines)
    return {name: sha for sha, name in pairs if name != "refs/heads/git-annex"}


def there_and_back(deposits: Deposits, one: Program, other: Program, url: str) -> None:
    """Clone, fetch and push: what the one has left the other takes up, and back."""
    source = deposits.repository()
    one("remote", "add", "dep", url, cwd=source)
    one("tag", "-a", "-m", "first", "v1", cwd=source)
    one("push", "dep", "main", "v1", cwd=source)
    other("clone", url, "clone")
    clone = deposits.folder / "clone"
    assert history(one, clone) == history(one, source)

    made = deposits.commit(clone, "by-the-other")
    other("push", "origin", "main", "main:other", cwd=clone)
    one("pull", "--ff-only", "dep", "main", cwd=source)
    assert deposits.at(source) == made

    again = deposits.commit(source, "by-the-first")
    one("push", "dep", "main", ":other", cwd=source)
    other("fetch", "--prune", "origin", cwd=clone)
    assert deposits.at(clone, "refs/remotes/origin/main") == again
    assert "other" not in other("branch", "-r", cwd=clone).stdout
    for git in (one, other):
        git("fsck", "--full", cwd=clone)


@pytest.mark.parametrize("kind", [pytest.param(kind, marks=marks(kind)) for kind in KINDS])
@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_a_deposit_goes_from_one_tool_to_the_other_and_back(
    deposits: Deposits, kind: str, first: str
) -> None:
    one, other = (deposits.ours, deposits.theirs)[:: 1 if first == "ours" else -1]
    there_and_back(deposits, one, other, deposits.url(kind))


@pytest.mark.campaign
@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("layout", ["", "&exporttree=yes"], ids=["keys", "tree"])
def test_a_deposit_on_webdav_goes_there_and_back(
    deposits: Deposits, webdav: WebDav, layout: str, first: str
) -> None:
    url = f"datalad-annex::?type=webdav&encryption=none&url={quote(f'{webdav.url}/ds', safe='')}{layout}"
    login = {"WEBDAV_USERNAME": USER, "WEBDAV_PASSWORD": PASSWORD}
    one, other = (deposits.ours.having(login), deposits.theirs.having(login))[:: 1 if first == "ours" else -1]
    there_and_back(deposits, one, other, url)


@pytest.mark.campaign
@pytest.mark.parametrize("first", ["ours", "theirs"])
@pytest.mark.parametrize("layout", [f"&uuid={UUID}", "&exporttree=yes"], ids=["keys", "tree"])
def test_a_deposit_in_a_bucket_goes_there_and_back(deposits: Deposits, layout: str, first: str) -> None:
    """Without `uuid=` the other tool finds a bucket marked by another annex at its second call."""
    login = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "something"}
    one, other = (deposits.ours.having(login), deposits.theirs.having(login))[:: 1 if first == "ours" else -1]
    with Buckets().running() as server:
        place = f"host=127.0.0.1&port={server.port}&protocol=http&requeststyle=path&bucket=shelf"
        there_and_back(deposits, one, other, f"datalad-annex::?type=S3&{place}&encryption=none{layout}")


@pytest.mark.campaign
def test_each_tool_reads_what_the_other_has_put_on_the_web(deposits: Deposits, web: WebServer) -> None:
    for writer, reader, name in (
        (deposits.ours, deposits.theirs, "from-us"),
        (deposits.theirs, deposits.ours, "from-them"),
    ):
        source = deposits.repository(name)
        writer("push", deposits.url("directory-export", f"web/{name}"), "main", cwd=source)
        reader("clone", f"datalad-annex::{web.url}/{name}", f"clone-{name}")
        assert deposits.at(deposits.folder / f"clone-{name}") == deposits.at(source)


def test_what_the_other_tool_left_when_it_was_killed_is_readable(deposits: Deposits) -> None:
    """It drops `refs` and the archive before it uploads them: one of them may be all that is there."""
    source = deposits.repository()
    url = deposits.url()
    deposits.theirs("push", url, "main", cwd=source)
    folder = deposits.place() / "3f7/4a3/XDLRA--refs"
    folder.chmod(0o755)
    shutil.rmtree(folder)
    deposits.ours("clone", "-q", url, "clone")
    assert deposits.at(deposits.folder / "clone") == deposits.at(source)
    deposits.ours("push", "-q", url, "main:again", cwd=source)
    assert set(deposits.refs(url)) == {"HEAD", "refs/heads/main", "refs/heads/again"}
