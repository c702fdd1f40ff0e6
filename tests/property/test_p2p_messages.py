"""The lines of git-annex's P2P protocol: what is built is read back, what is hostile is refused."""

from __future__ import annotations

import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.annex.keys import Key, format_key
from rookery.annex.p2p import messages as m

# What a name from the file system can hold, bytes that are no UTF-8 included; no line break, which ends a message.
names = st.text(st.characters(exclude_characters="\n", exclude_categories=("Cs",)), min_size=1, max_size=40)
raw_names = names | st.binary(min_size=1, max_size=20).map(
    lambda b: b.replace(b"\n", b"").decode("utf-8", "surrogateescape") or "x"
)
keys = st.builds(
    lambda backend, name, size: format_key(Key(backend, name, size)),
    st.sampled_from(["MD5E", "SHA256", "WORM", "URL"]),
    raw_names,
    st.none() | st.integers(0, 10**15),
)
uuids = st.uuids().map(str)
numbers = st.integers(0, 10**18 - 1)
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-/", min_size=1, max_size=50)
# Below the top; white space is lost on the way, and so is not in here.
files = st.lists(st.text("abc%_é.-", min_size=1, max_size=8), max_size=4).map("/".join)
files = files.filter(lambda f: ".." not in f.split("/"))

_PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    "uuid": uuids,
    "uuids": st.lists(uuids, max_size=4).map(tuple),
    "token": words,
    "number": numbers,
    "code": numbers,
    "offset": numbers,
    "size": numbers,
    "seconds": numbers,
    "timestamp": numbers,
    "service": st.sampled_from(["git-upload-pack", "git-receive-pack"]),
    "refs": st.lists(words, max_size=4).map(tuple),
    "key": keys,
    "file": files,
    "text": names,
}

KINDS = get_args(m.Message)
any_message = st.one_of(
    *(st.builds(kind, **{name: _PARAMETERS[name] for name in kind._fields}) for kind in KINDS)
)


@given(any_message)
def test_a_message_is_read_as_it_was_built(message: m.Message) -> None:
    line = m.build(message)
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    assert m.parse(line) == message
    assert m.parse(line[:-1]) == message


@given(
    st.binary(max_size=80) | any_message.map(m.build).flatmap(lambda b: st.binary(max_size=4).map(b.__add__))
)
def test_no_line_does_more_than_be_refused(line: bytes) -> None:
    try:
        message = m.parse(line)
    except m.BadMessage:
        return
    assert m.parse(m.build(message)) == message


@given(raw_names)
def test_a_file_name_is_one_word_whatever_is_in_it(name: str) -> None:
    assert not re.search(r"\s", m.file_word(name))


def test_a_file_name_reads_as_git_annex_shell_reads_it() -> None:
    # Seen in annex/transfer of a repository while `git-annex-shell p2pstdio` 10.20261026 sent it.
    assert m.word_file("a%%b%c_d") == "a%b_c_d"
    assert m.file_word("a%b c\td") == "a%%b%c%d"


def test_a_request_without_a_file_name_has_two_blanks() -> None:
    line = m.build(m.Get(3, "", "MD5-s1--x y"))
    assert line == b"GET 3  MD5-s1--x y\n"
    assert m.parse(line) == m.Get(3, "", "MD5-s1--x y")


@pytest.mark.parametrize("word", ["/etc/passwd", "../x", "a/../../x", ".."])
def test_a_file_name_from_outside_of_the_repository_is_none(word: str) -> None:
    message = m.parse(m.build(m.Put("", "MD5--x")).replace(b"PUT ", f"PUT {word}".encode()))
    assert message == m.Put("", "MD5--x")


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b" ",
        b"get 0 x MD5--a",
        b"HELLO",
        b"SUCCESS ",
        b"SUCCESS now",
        b"CHECKPRESENT",
        b"CHECKPRESENT ../../etc/passwd",
        b"CHECKPRESENT  MD5--a",
        b"DATA -1",
        b"DATA +1",
        b"DATA 0x10",
        b"DATA 1_000",
        b"DATA \xd9\xa1",  # a digit too, but an Arabic one
        b"DATA 9999999999999999999",
        b"DATA 1 2",
        b"DATA",
        b"GET 0 MD5--a",
        b"GET x y MD5--a",
        b"REMOVE-BEFORE MD5--a",
        b"AUTH-SUCCESS ",
        b"AUTH-SUCCESS ../x",
        b"AUTH-SUCCESS a b",
        b"AUTH u",
        b"BYPASS -x",
        b"CONNECT sh",
        b"SUCCESS\nSUCCESS\n",
        b"ERROR " + b"x" * m.LONGEST_LINE,
    ],
)
def test_what_is_no_message_is_refused(line: bytes) -> None:
    with pytest.raises(m.BadMessage):
        m.parse(line)


@pytest.mark.parametrize(
    "message",
    [
        m.CheckPresent("MD5--a\nREMOVE MD5--b"),
        m.CheckPresent("no key"),
        m.Error("two\nlines"),
        m.Data(-1),
        m.AuthSuccess("a b"),
        m.Auth("a", "two words"),
        m.Bypass(("a", "b c")),
    ],
)
def test_what_would_be_read_as_something_else_is_not_built(message: m.Message) -> None:
    with pytest.raises(m.BadMessage):
        m.build(message)


def test_each_message_knows_from_which_version_on_it_may_be_sent() -> None:
    assert set(m.VERSIONS) <= set(KINDS)
    assert all(0 < version <= m.NEWEST for version in m.VERSIONS.values())
