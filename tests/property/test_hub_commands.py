"""What comes over SSH or in an address of git-annex's is read to a value, or refused; it breaks nothing."""

from __future__ import annotations

import base64
import shlex

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rookery.core.process import encode
from rookery.hub.domain.errors import BadName
from rookery.hub.domain.names import parse_path
from rookery.hub.p2p.asked import word
from rookery.hub.services.history import Service
from rookery.hub.ssh.commands import ConfigList, P2pStdio, Talk, parse

NAMES = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)
HOSTILE = st.lists(
    st.one_of(st.sampled_from(["git-upload-pack", "git-annex-shell", "p2pstdio", "--uuid", "--", "'", "true", ";"]),
              st.text(max_size=12)),
    max_size=6,
).map(" ".join)  # fmt: skip


@given(HOSTILE)
@example("git-upload-pack '/a/../b.git'")
@example("git-upload-pack /a/b.git\n/etc")
@example("git-upload-pack '" + "a" * 10_000)
def test_any_command_is_known_or_refused(text: str) -> None:
    try:
        known = parse(text)
    except BadName:
        return
    path = getattr(known, "path", None)
    assert path is None or parse_path(str(path)) == path


@given(NAMES, NAMES, st.sampled_from(["/{}/{}.git", "{}/{}", "/~/{}/{}", "~/{}/{}.git", "/{}/{}/"]))
def test_every_form_of_an_address_is_the_repository(owner: str, name: str, form: str) -> None:
    place = shlex.quote(form.format(owner, name))
    path = parse_path(f"{owner}/{name}")
    assert parse(f"git-receive-pack {place}") == Talk(Service.RECEIVE, path)
    assert parse(f"git-annex-shell 'configlist' {place} '--' 'autoinit=1' '--'") == ConfigList(path)
    assert parse(f"git-annex-shell 'p2pstdio' {place} 'me' '--uuid' 'it'") == P2pStdio(path, "it")
    assert parse(f"git-annex-shell 'p2pstdio' {place} 'me' --uuid=it") == P2pStdio(path, "it")


@given(st.binary(max_size=60), st.booleans())
def test_a_packed_value_is_what_was_packed(raw: bytes, padded: bool) -> None:
    packed = base64.urlsafe_b64encode(raw).decode()
    assert encode(word(f"[{packed if padded else packed.rstrip('=')}]")) == raw


@given(st.text(max_size=40))
def test_any_value_is_read_or_refused(text: str) -> None:
    if not (text.startswith("[") and text.endswith("]")):
        assert word(text) == text
    with pytest.raises(BadName):
        word(f"[{text}!]")
