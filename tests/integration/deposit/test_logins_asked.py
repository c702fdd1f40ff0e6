"""A person at a terminal is asked for the login of a deposit, again if it is refused; what was typed is not shown."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from support.deposits import Deposits
from support.programs import Program
from support.terminal import on_a_terminal
from support.web import WebServer
from support.webdav import PASSWORD, USER, WebDav

LOGIN = {"WEBDAV_USERNAME": USER, "WEBDAV_PASSWORD": PASSWORD}
# The tests' own environment forbids Git's helpers to ask.
ASKING = {"GIT_TERMINAL_PROMPT": "1"}

pytestmark = pytest.mark.usefixtures("keyring_file")


@pytest.fixture
def url(deposits: Deposits, webdav: WebDav) -> str:
    """Give the URL of a deposit with something in it."""
    made = f"datalad-annex::?type=webdav&encryption=none&url={quote(f'{webdav.url}/ds', safe='')}"
    deposits.ours("push", "-q", made, "main", cwd=deposits.repository(), env=LOGIN)
    return made


def test_a_login_that_is_refused_is_asked_for_again_and_kept_when_it_works(
    deposits: Deposits, webdav: WebDav, cli: Program, url: str
) -> None:
    known = ("type=user_password", "user=once", f"realm={webdav.url}/", "secret=-")
    cli("credentials", "set", "old", *known, stdin="of last year")
    answers = [USER, "mistyped", USER, PASSWORD]
    seen = on_a_terminal(deposits.ours, "clone", "-q", url, "copy", answers=answers, env=ASKING)
    assert "is refused to once" in seen and f"is refused to {USER}" in seen
    assert seen.count("secret:") == 2
    assert not [word for word in ("of last year", "mistyped", PASSWORD) if word in seen]
    copy = deposits.folder / "copy"
    assert deposits.at(copy) == deposits.refs(url)["refs/heads/main"]
    assert PASSWORD not in (copy / ".git" / "config").read_text()
    deposits.ours("fetch", "-q", cwd=copy)  # nobody is asked: what worked was kept


def test_a_person_is_not_asked_for_ever(deposits: Deposits, cli: Program, url: str) -> None:
    answers = [USER, "wrong", USER, "worse", USER, "worst", USER, PASSWORD]
    seen = on_a_terminal(deposits.ours, "clone", "-q", url, "copy", answers=answers, code=128, env=ASKING)
    assert seen.count("secret:") == 3
    assert "is refused to every login that is known" in seen
    assert not [word for word in ("wrong", "worse", "worst") if word in seen]
    assert cli("credentials").lines == []


@pytest.mark.parametrize(("kind", "layout"), [("web", "directory-export"), ("httpalso", "directory")])
def test_a_deposit_that_a_web_server_shows_to_some_is_cloned_with_a_login(
    deposits: Deposits, web: WebServer, kind: str, layout: str
) -> None:
    source = deposits.repository()
    deposits.ours("push", "-q", deposits.url(layout, "web"), "main", cwd=source)
    web.protect("/", USER, PASSWORD)
    tree = "&exporttree=yes" if layout.endswith("export") else ""
    url = f"datalad-annex::{web.url}?type={kind}&url={{noquery}}{tree}&dlacredential=reader"
    known = {"DATALAD_CREDENTIAL_READER_USER": USER, "DATALAD_CREDENTIAL_READER_SECRET": PASSWORD}
    refused = deposits.ours("clone", "-q", url, "refused", code=128).stderr
    assert "needs the credential 'reader', which is not known" in refused
    deposits.ours("clone", "-q", url, "clone", env=known)
    clone = deposits.folder / "clone"
    assert deposits.at(clone) == deposits.at(source)
    assert PASSWORD not in (clone / ".git" / "config").read_text()
    wrong = {**known, "DATALAD_CREDENTIAL_READER_SECRET": "mistyped"}
    said = deposits.ours("fetch", cwd=clone, env=wrong, code=128).stderr
    assert "refused" in said and "mistyped" not in said
