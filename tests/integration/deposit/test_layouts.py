from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import pytest

from support.deposits import KINDS, Deposits, content_of
from support.web import WebServer

NEEDS_RSYNC = pytest.mark.skipif(shutil.which("rsync") is None, reason="no rsync on this machine")

EXPORTED = Path(".datalad/dotgit")
REFS_KEY = Path("3f7/4a3/XDLRA--refs/XDLRA--refs")
ZIP_KEY = Path("eb3/ca0/XDLRA--repo-export/XDLRA--repo-export")


@pytest.mark.parametrize(
    "kind", [pytest.param(k, marks=[NEEDS_RSYNC] if k.startswith("rsync") else []) for k in KINDS]
)
def test_every_kind_of_place_takes_pushes_and_gives_clones(deposits: Deposits, kind: str) -> None:
    source = deposits.repository()
    git = deposits.ours
    url = deposits.url(kind)
    git("push", url, "main", cwd=source)
    git("clone", "-q", url, "clone")
    clone = deposits.folder / "clone"
    assert deposits.at(clone) == deposits.at(source)
    made = deposits.commit(clone)
    git("push", "-q", cwd=clone)
    git("pull", "-q", "--ff-only", url, "main", cwd=source)
    assert deposits.at(source) == made


def test_the_layout_is_the_one_that_is_known(deposits: Deposits) -> None:
    source = deposits.repository()
    deposits.ours("push", deposits.url("directory", "keys"), "main", cwd=source)
    deposits.ours("push", deposits.url("directory-export", "tree"), "main", cwd=source)
    keys, tree = deposits.place("keys"), deposits.place("tree")
    refs = f"{deposits.at(source)} refs/heads/main\n@refs/heads/main HEAD\n"
    assert (keys / REFS_KEY).read_text() == (tree / EXPORTED / "refs").read_text() == refs
    assert zipfile.is_zipfile(keys / ZIP_KEY)
    assert zipfile.is_zipfile(tree / EXPORTED / "repo.zip")


def test_a_push_leaves_what_others_have_in_the_exported_tree(deposits: Deposits) -> None:
    source = deposits.repository()
    url = deposits.url("directory-export")
    place = deposits.place()
    (place / ".datalad").mkdir()
    (place / ".datalad" / "config").write_text("of the dataset that is exported here\n")
    deposits.ours("push", url, "main", cwd=source)
    deposits.commit(source)
    deposits.ours("push", url, "main", cwd=source)
    assert (place / ".datalad" / "config").exists()


def test_a_deposit_on_the_web_can_be_cloned_by_its_address(deposits: Deposits, web: WebServer) -> None:
    source = deposits.repository()
    deposits.ours("push", deposits.url("directory-export", "web"), "main", cwd=source)
    clone = deposits.folder / "clone"
    deposits.ours("clone", "-q", f"datalad-annex::{web.url}", str(clone))
    assert deposits.at(clone) == deposits.at(source)


@pytest.mark.parametrize("parameters", ["type=web&url={noquery}", "type=httpalso&url={noquery}"])
def test_keys_on_the_web_can_be_cloned(deposits: Deposits, web: WebServer, parameters: str) -> None:
    source = deposits.repository()
    deposits.ours("push", deposits.url("directory", "web"), "main", cwd=source)
    clone = deposits.folder / "clone"
    deposits.ours("clone", "-q", f"datalad-annex::{web.url}?{parameters}", str(clone))
    assert deposits.at(clone) == deposits.at(source)
    before = content_of(web.root)
    refused = deposits.ours("push", "origin", "HEAD:other", cwd=clone, code=1)
    assert "can only be read" in refused.stderr
    assert content_of(web.root) == before


@pytest.mark.parametrize("kind", ["web", "httpalso"])
def test_an_exported_tree_on_the_web_can_be_cloned_and_followed(
    deposits: Deposits, web: WebServer, kind: str
) -> None:
    source = deposits.repository()
    there = deposits.url("directory-export", "web")
    deposits.ours("push", there, "main", cwd=source)
    clone = deposits.folder / "clone"
    read = f"datalad-annex::{web.url}?type={kind}&exporttree=yes&url={{noquery}}"
    deposits.ours("clone", "-q", read, str(clone))
    assert deposits.at(clone) == deposits.at(source)
    made = deposits.commit(source)
    deposits.ours("push", there, "main", cwd=source)
    deposits.ours("pull", "-q", "--ff-only", cwd=clone)
    assert deposits.at(clone) == made
    before = content_of(web.root)
    assert "can only be read" in deposits.ours("push", "origin", "HEAD:other", cwd=clone, code=1).stderr
    assert content_of(web.root) == before


def test_uncompressed_means_that_every_file_in_the_archive_is_as_it_is(deposits: Deposits) -> None:
    source = deposits.repository()
    deposits.ours("push", deposits.url("directory-uncompressed"), "main", cwd=source)
    with zipfile.ZipFile(deposits.place() / ZIP_KEY) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_nothing_in_an_encrypted_deposit_is_readable(deposits: Deposits) -> None:
    source = deposits.repository()
    deposits.ours("push", deposits.url("directory-encrypted"), "main", cwd=source)
    files = content_of(deposits.place())
    assert files
    assert not [name for name, (_, _, raw) in files.items() if b"refs/heads" in raw or raw[:2] == b"PK"]


@pytest.mark.parametrize("scheme", ["shared", "hybrid&keyid=x", "pubkey&keyid=x", "sharedpubkey&keyid=x"])
def test_encryption_that_nobody_could_undo_is_refused(deposits: Deposits, scheme: str) -> None:
    source = deposits.repository()
    url = f"datalad-annex::?type=directory&directory={deposits.place()}&encryption={scheme}"
    answer = deposits.ours("push", url, "main", cwd=source, code=128)
    assert "could never be cloned" in answer.stderr
    assert not content_of(deposits.place())
