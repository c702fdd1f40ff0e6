"""Credentials for special remotes: where they are looked for, in what order, and when they are kept."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from rookery.core.context import Context
from rookery.core.errors import AccessFailedError
from rookery.credentials.credential import CredentialError
from rookery.credentials.special import OPEN, Access, find_for_special_remote
from rookery.credentials.store import Store
from support.home import Home
from support.objectstore import BUCKET, KEY_ID, SECRET, ObjectStore
from support.programs import Program
from support.web import WebServer
from support.webdav import PASSWORD, USER, WebDav

pytestmark = pytest.mark.usefixtures("keyring_file")
GOOD = {"WEBDAV_USERNAME": USER, "WEBDAV_PASSWORD": PASSWORD}
Search = Callable[..., Access]


class Person:
    """Somebody at the terminal who gives prepared answers."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.questions: list[tuple[str, bool]] = []

    def __call__(self, question: str, hidden: bool) -> str | None:
        self.questions.append((question, hidden))
        return self.answers.pop(0) if self.answers else None


@pytest.fixture
def search(context: Callable[..., Context], home: Home) -> Search:
    """Give `search(parameters, name=None, person=None, env={...})`."""

    def search(
        parameters: dict[str, str],
        *,
        name: str | None = None,
        person: Person | None = None,
        env: dict[str, str] | None = None,
    ) -> Access:
        ctx = context(env={**home.env, **(env or {})})
        if person is not None:
            ctx = ctx._replace(interactive=True, ask=person)
        return find_for_special_remote(ctx, ctx.settings.at(ctx.cwd), parameters, name=name)

    return search


def of(server: WebDav) -> dict[str, str]:
    return {"type": "webdav", "url": f"{server.url}/ds"}


def keep(cli: Program, name: str, *properties: str, secret: str = PASSWORD) -> None:
    cli("credentials", "set", name, "type=user_password", *properties, "secret=-", stdin=secret)


def realm(server: WebDav) -> str:
    return f"{server.url}/"


def test_the_environment_is_taken_first_and_handed_on_as_it_is(webdav: WebDav, search: Search) -> None:
    access = search(of(webdav), env=GOOD)
    assert access.env == {}
    assert access.credential is not None and access.credential.source == "environment"


def test_a_wrong_login_of_the_environment_is_told_and_not_replaced(
    webdav: WebDav, search: Search, cli: Program
) -> None:
    keep(cli, "good", f"user={USER}", f"realm={realm(webdav)}")
    person = Person(USER, PASSWORD)
    with pytest.raises(CredentialError, match=r"refused.*WEBDAV_USERNAME"):
        search(of(webdav), env={**GOOD, "WEBDAV_PASSWORD": "wrong"}, person=person)
    assert not person.questions


def test_a_kept_one_is_found_by_realm_the_one_that_worked_last_first(
    webdav: WebDav, search: Search, cli: Program
) -> None:
    for number, name in enumerate(("older", "newer")):
        keep(cli, name, f"user={USER}", f"realm={realm(webdav)}", f"last-used=2026-01-0{number + 1}T00:00:00")
    keep(cli, "never", f"user={USER}", f"realm={realm(webdav)}")
    access = search(of(webdav))
    assert access.env == GOOD
    assert access.credential is not None and access.credential.name == "newer"


def test_one_that_is_refused_gives_way_to_the_next(webdav: WebDav, search: Search, cli: Program) -> None:
    keep(cli, "bad", f"user={USER}", f"realm={realm(webdav)}", "last-used=2026-01-02", secret="wrong")
    keep(cli, "good", f"user={USER}", f"realm={realm(webdav)}", "last-used=2026-01-01")
    access = search(of(webdav))
    assert access.credential is not None and access.credential.name == "good"
    access.keep()
    shown = cli("-f", "json", "credentials", "get", "good").records[0]
    assert shown["cred_last-used"] > "2026-01-02"


def test_a_named_one_is_used_and_no_other(webdav: WebDav, search: Search, cli: Program) -> None:
    keep(cli, "good", f"user={USER}", f"realm={realm(webdav)}")
    keep(cli, "bad", f"user={USER}", secret="wrong")
    assert search(of(webdav), name="good").env == GOOD
    for name, why in (("bad", "kept as bad"), ("nosuch", "'nosuch', which is not known")):
        with pytest.raises(CredentialError, match=why) as caught:
            search(of(webdav), name=name)
        assert any(f"credentials set {name}" in hint for hint in caught.value.hints)


def test_a_person_is_asked_again_but_not_for_ever(webdav: WebDav, search: Search) -> None:
    person = Person(USER, "no", USER, "no", USER, "no", USER, PASSWORD)
    with pytest.raises(CredentialError, match="just typed"):
        search(of(webdav), person=person)
    assert len(person.questions) == 6
    assert [hidden for _, hidden in person.questions] == [False, True] * 3
    assert webdav.url in person.questions[0][0]


def test_what_was_typed_is_kept_only_after_it_worked(webdav: WebDav, search: Search, cli: Program) -> None:
    access = search(of(webdav), person=Person(USER, "typo", USER, PASSWORD))
    assert cli("credentials").lines == []
    access.keep()
    name = f"webdav-{USER}-{realm(webdav)}"
    kept = cli("-f", "json", "credentials", "get", name, "--show-secret").records[0]
    assert kept["cred_secret"] == PASSWORD and kept["cred_realm"] == realm(webdav) and kept["cred_last-used"]
    assert search(of(webdav)).env == GOOD


def test_one_of_the_same_name_is_never_overwritten(
    webdav: WebDav, search: Search, cli: Program, caplog: pytest.LogCaptureFixture
) -> None:
    name = f"webdav-{USER}-{realm(webdav)}"
    keep(cli, name, "user=somebody else", secret="precious")
    with caplog.at_level(logging.WARNING):
        search(of(webdav), person=Person(USER, PASSWORD)).keep()
    assert "not kept" in caplog.text and PASSWORD not in caplog.text
    assert (
        cli("-f", "json", "credentials", "get", name, "--show-secret").records[0]["cred_secret"] == "precious"
    )


def test_a_named_one_that_is_typed_is_kept_under_its_name(
    webdav: WebDav, search: Search, cli: Program
) -> None:
    keep(cli, "mine", f"user={USER}", secret="old")
    search(of(webdav), name="mine", person=Person(USER, PASSWORD)).keep()
    assert (
        cli("-f", "json", "credentials", "get", "mine", "--show-secret").records[0]["cred_secret"] == PASSWORD
    )


def test_without_anybody_to_ask_the_error_says_what_to_do(webdav: WebDav, search: Search) -> None:
    with pytest.raises(CredentialError, match="needs a login, and none is known") as caught:
        search(of(webdav))
    said = " ".join(caught.value.hints)
    assert "WEBDAV_USERNAME" in said and f"realm={realm(webdav)}" in said and "not a terminal" in said


def test_gits_helpers_are_asked_and_told_what_became_of_it(
    webdav: WebDav, search: Search, git: Program, home: Home
) -> None:
    file = home.path / "kept"
    git("config", "--global", "credential.helper", f"store --file {file}")
    host = webdav.url.removeprefix("http://")
    about = f"protocol=http\nhost={host}\nusername={USER}\npassword={PASSWORD}\n\n"
    git("credential", "approve", stdin=about)
    access = search(of(webdav))
    assert access.env == GOOD
    git("credential", "reject", stdin=about)
    access.keep()
    assert "pass%20word" in file.read_text()
    webdav_wrong = about.replace(PASSWORD, "wrong")
    git("credential", "reject", stdin=about)
    git("credential", "approve", stdin=webdav_wrong)
    with pytest.raises(CredentialError, match="from Git's helpers"):
        search(of(webdav))
    assert file.read_text() == "", "what is refused is forgotten"


def test_a_server_that_is_in_trouble_says_nothing_about_a_login(
    webdav: WebDav, search: Search, cli: Program
) -> None:
    keep(cli, "good", f"user={USER}", f"realm={realm(webdav)}")
    webdav.fail("PROPFIND", "/ds")
    person = Person(USER, PASSWORD)
    with pytest.raises(AccessFailedError, match="answered 503"):
        search(of(webdav), person=person)
    assert not person.questions


def test_a_server_that_lets_everybody_in_needs_nobody(
    webdav_server: Callable[..., WebDav], search: Search, new_dataset: Callable[..., Path], annex: Program
) -> None:
    server = webdav_server(anonymous=True)
    person = Person()
    access = search(of(server), person=person)
    assert not person.questions and access.credential is None
    ds = new_dataset()
    parameters = [f"{key}={value}" for key, value in of(server).items()]
    annex("initremote", "dav", *parameters, "encryption=none", cwd=ds, env=access.env)


@pytest.mark.parametrize("spelling", ["S3", "s3"])
def test_s3_is_asked_whether_it_knows_the_key(
    s3: ObjectStore, search: Search, cli: Program, spelling: str
) -> None:
    s3.make_bucket()
    about = {"type": spelling, "host": s3.host, "port": str(s3.port), "bucket": BUCKET}
    with pytest.raises(CredentialError, match="just typed"):
        search(about, person=Person(KEY_ID, "wrong"))
    access = search(about, person=Person(KEY_ID, SECRET))
    assert access.env == {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    access.keep()
    assert cli("credentials").text.startswith(f"s3-{KEY_ID}-http://127.0.0.1")
    assert search(about).env == access.env
    cli("credentials", "set", "aws", "type=aws-s3", f"key-id={KEY_ID}", "secret=-", stdin=SECRET)
    assert search(about, name="aws").env == access.env


def test_glacier_takes_what_it_is_given(search: Search, cli: Program) -> None:
    keep(cli, "ice", "user=ID")
    access = search({"type": "glacier", "vault": "v"}, name="ice")
    assert access.env == {"AWS_ACCESS_KEY_ID": "ID", "AWS_SECRET_ACCESS_KEY": PASSWORD}


def test_other_types_need_none(search: Search) -> None:
    assert search({"type": "directory", "directory": "/x"}) is OPEN


@pytest.mark.parametrize("kind", ["httpalso", "web"])
def test_git_annex_gets_through_to_a_protected_web_server(
    web: WebServer, search: Search, cli: Program, annex: Program, new_dataset: Callable[..., Path], kind: str
) -> None:
    ds = new_dataset(files={})
    url = web.put("secret/file", b"0123456789")
    assert search({"type": kind, "url": url}) is OPEN
    web.protect("/secret", USER, PASSWORD)
    keep(cli, "good", f"user={USER}", f"realm={web.url}/test")
    access = search({"type": kind, "url": url})
    assert PASSWORD not in repr(access)
    annex("addurl", "--file=out", url, cwd=ds, code=1)
    annex("addurl", "--file=out", url, cwd=ds, env=access.env)
    assert (ds / "out").read_bytes() == b"0123456789"


def test_no_server_gets_the_login_of_another(
    webdav: WebDav, web: WebServer, search: Search, cli: Program
) -> None:
    keep(cli, "good", f"user={USER}", f"realm={realm(webdav)}")
    web.redirect("/trap", f"{webdav.url}/ds")
    web.redirect("/trap", f"{webdav.url}/ds", status=307)
    for kind in ("webdav", "httpalso"):
        with pytest.raises(CredentialError, match="none is known"):
            search({"type": kind, "url": f"{web.url}/trap"})
    assert not [r for r in web.requests if "authorization" in r.headers]


def test_nothing_of_a_secret_is_in_what_is_printed_of_it(
    webdav: WebDav, search: Search, cli: Program
) -> None:
    keep(cli, "good", f"user={USER}", f"realm={realm(webdav)}")
    access = search(of(webdav))
    for text in (
        repr(access),
        str(access),
        repr(access.credential),
        str(access.credential),
        f"{access.credential}",
    ):
        assert PASSWORD not in text and USER in text


@pytest.fixture(autouse=True)
def nothing_secret_is_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Look at all that was logged, at every level, in every test here."""
    caplog.set_level(logging.DEBUG, logger="rookery")
    yield
    records: Sequence[Any] = [*caplog.get_records("setup"), *caplog.get_records("call")]
    assert not [r for r in records if PASSWORD in r.getMessage() or SECRET in r.getMessage()]


def test_properties_are_read_by_exact_name(context: Callable[..., Context], cli: Program) -> None:
    keep(cli, "a", "user=one")
    keep(cli, "a.b", "user=two")
    ctx = context()
    store = Store(ctx, ctx.settings.at(ctx.cwd))
    assert store.properties("a")["user"] == "one"
    assert [one.name for one in store.query(user="two")] == ["a.b"]
