from __future__ import annotations

from collections.abc import Mapping

import pytest

from rookery.core.errors import UsageError
from rookery.core.webrequest import Login
from rookery.deposit.terms import url
from rookery.deposit.transport import logins


def settings(text: str) -> list[tuple[str, str]]:
    return list(url.parse(text).settings.items())


def test_parameters_keep_their_order_and_are_decoded() -> None:
    assert settings("datalad-annex::?type=directory&directory=/a%20b+c&encryption=none&&chunk=1MiB") == [
        ("type", "directory"),
        ("directory", "/a b+c"),
        ("encryption", "none"),
        ("chunk", "1MiB"),
    ]


@pytest.mark.parametrize(
    ("placeholder", "value"),
    [
        ("scheme", "https"),
        ("netloc", "me:pw@example.org:81"),
        ("path", "/a/b"),
        ("fragment", "frag"),
        ("username", "me"),
        ("password", "pw"),
        ("hostname", "example.org"),
        ("port", "81"),
        ("noquery", "https://me:pw@example.org:81/a/b#frag"),
    ],
)
def test_placeholders_name_parts_of_the_url(placeholder: str, value: str) -> None:
    text = f"datalad-annex::https://me:pw@example.org:81/a/b?type=web&x={{{placeholder}}}#frag"
    assert url.parse(text).settings["x"] == value


def test_an_absent_part_is_none_as_it_always_was() -> None:
    assert url.parse("datalad-annex::file:///x?type=web&x={port}").settings["x"] == "None"


def test_placeholders_are_expanded_before_decoding() -> None:
    assert url.parse("?type=web&x=%7Bpath%7D").settings["x"] == "{path}"


@pytest.mark.parametrize("plain", ["http://example.org/p", "http://example.org/p?exporttree=no"])
def test_a_plain_url_is_a_deposit_on_the_web(plain: str) -> None:
    assert settings(f"datalad-annex::{plain}") == [("type", "web"), ("exporttree", "yes"), ("url", plain)]


def test_what_is_ours_never_reaches_git_annex() -> None:
    address = url.parse("?type=directory&directory=/x&encryption=none&dladotgit=uncompressed&dlahead=dev")
    assert not [name for name in address.settings if name.startswith("dla")]
    assert not address.compressed
    assert address.ours["dlahead"] == "dev"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("datalad-annex::", "names no place"),
        ("?type=directory&x={nope}&encryption=none", "no placeholder {nope}"),
        ("?type=directory&x={path.__class__}&encryption=none", "no placeholder"),
        ("?type=directory&x={&encryption=none", "braces"),
        ("?type=directory&encryption=none&word", "no parameter"),
        ("?type=directory&directory=/x", "how the deposit is encrypted"),
        ("?type=directory&encryption=shared", "could never be cloned"),
        ("?type=directory&encryption=none&dladotgit=small", "means nothing"),
        ("?type=directory&encryption=none&dlanothing=1", "no setting of a deposit"),
        ("http://h:99999/?type=web", "port"),
    ],
)
def test_what_is_wrong_is_said(text: str, told: str) -> None:
    with pytest.raises(UsageError) as error:
        url.parse(text)
    assert told in error.value.message


def test_a_place_has_one_name_and_one_uuid_whatever_is_set_beside() -> None:
    one = url.parse("datalad-annex::?type=S3&bucket=b&encryption=none")
    other = url.parse("datalad-annex::?type=s3&bucket=b&encryption=none&dlahead=main")
    assert (one.name, one.uuid) == (other.name, other.uuid)
    assert one.uuid != url.parse("?type=S3&bucket=c&encryption=none").uuid
    assert url.parse("?type=S3&bucket=b&encryption=none&uuid=mine").uuid == "mine"


@pytest.mark.parametrize("kind", ["webdav", "S3", "s3", "glacier", "web", "httpalso"])
def test_whoever_knows_logins_is_told_all_that_the_url_says(kind: str) -> None:
    address = url.parse(f"?type={kind}&url=http://h&host=s&port=1&encryption=none&dlacredential=me")
    told: list[object] = []

    def know(parameters: Mapping[str, str], name: str | None) -> logins.Way:
        told.extend((dict(parameters), name))
        return logins.Way({"SECRET": "hidden"})

    way = logins.way(address, know)
    assert told == [dict(address.settings), "me"]
    assert "hidden" not in repr(way)


def test_the_login_is_found_whatever_the_spelling_of_the_type() -> None:
    env = {"AWS_ACCESS_KEY_ID": "me", "AWS_SECRET_ACCESS_KEY": "secret"}
    for kind in ("S3", "s3", "glacier"):
        address = url.parse(f"?type={kind}&bucket=b&encryption=none")
        assert logins.login_in(address, env) == Login("me", "secret")
        assert logins.login_in(address, {}) is None


def test_a_credential_for_a_type_that_takes_none_is_refused() -> None:
    address = url.parse("?type=directory&directory=/x&encryption=none&dlacredential=me")
    with pytest.raises(UsageError):
        logins.way(address, logins.nobody)
