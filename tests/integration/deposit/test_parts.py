"""The remote helper as a class, for programs that work with its parts."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from rookery.core.errors import RemoteNotAvailableError, UsageError
from rookery.deposit import RepoAnnexGitRemote
from support.deposits import Deposits
from support.programs import Program


def remote(repository: Path, url: str, said: str = "") -> RepoAnnexGitRemote:
    return RepoAnnexGitRemote(
        str(repository / ".git"), "dep", url, io.StringIO(said), io.StringIO(), io.StringIO()
    )


def test_the_conversation_with_git_is_held_on_the_streams_that_are_given(deposits: Deposits) -> None:
    helper = remote(deposits.repository(), deposits.url(), "capabilities\noption verbosity 2\n\n")
    helper.communicate()
    assert helper.outstream.getvalue() == "option\nconnect\n\nok\n"
    helper.log("told", level=2)
    helper.log("not told", level=3)
    assert helper.errstream.getvalue() == "told\n"


def test_three_words_make_one_that_talks_on_the_streams_of_the_process(deposits: Deposits) -> None:
    code = (
        "import sys; from rookery.deposit import RepoAnnexGitRemote;"
        "RepoAnnexGitRemote(*sys.argv[1:]).communicate()"
    )
    python = Program([sys.executable, "-c", code], deposits.ours.env, deposits.repository())
    assert python(".git", "dep", deposits.url(), stdin="capabilities\n\n").stdout == "option\nconnect\n\n"


def test_a_url_that_means_nothing_is_an_error_at_once(deposits: Deposits) -> None:
    with pytest.raises(UsageError):
        remote(deposits.repository(), "datalad-annex::")


def test_mirror_and_deposit_can_be_made_to_agree_by_hand(deposits: Deposits) -> None:
    source = deposits.repository()
    helper = remote(source, deposits.url())
    assert helper.get_remote_refs() is None
    with pytest.raises(RemoteNotAvailableError):
        helper.replace_mirrorrepo_from_remote_deposit()
    deposits.ours("push", "-q", deposits.url(), "main", cwd=source)
    text = f"{deposits.at(source)} refs/heads/main\n@refs/heads/main HEAD\n"
    assert helper.get_remote_refs() == text
    assert helper.replace_mirrorrepo_from_remote_deposit_if_needed() == (text, text)
    helper.replace_mirrorrepo_from_remote_deposit()
    assert helper.get_mirror_refs() == text
    helper.mirrorrepo.run("update-ref", "refs/heads/more", "refs/heads/main")
    helper.replace_remote_deposit_from_mirrorrepo()
    assert deposits.refs(deposits.url())["refs/heads/more"] == deposits.at(source)


def test_the_keys_and_their_places_are_the_known_ones(deposits: Deposits) -> None:
    assert RepoAnnexGitRemote.xdlra_key_locations == {
        "XDLRA--refs": {"prefix": "3f7/4a3", "loc": ".datalad/dotgit/refs"},
        "XDLRA--repo-export": {"prefix": "eb3/ca0", "loc": ".datalad/dotgit/repo.zip"},
    }
    assert RepoAnnexGitRemote.internal_parameters[:2] == ("dladotgit=uncompressed", "dlacredential=")
