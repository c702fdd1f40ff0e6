"""Records, registers and the directory of writers survive their round trip, and hostile ones are refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.deposit.protocol import records
from rookery.deposit.protocol.records import Dot, Entry, Identity, Pair, Record, Register, Seen, TooNew
from rookery.deposit.terms.store import Damaged

shas = st.one_of(
    st.from_regex(r"[0-9a-f]{40}", fullmatch=True), st.binary(min_size=32, max_size=32).map(bytes.hex)
)
writers = st.from_regex(r"[a-z0-9]{4,40}", fullmatch=True)
counts = st.integers(0, 10**12 - 1)
refs = st.from_regex(r"refs/(heads|tags)/[a-zA-Z0-9äλ-]{1,12}(/[a-z0-9-]{1,5})?", fullmatch=True)
hashes = st.binary(min_size=32, max_size=32).map(bytes.hex)
names = st.builds(records.hashed_name, hashes, st.integers(0, 10**9 - 1))
dots = st.builds(Dot, counts, writers)
identities = st.builds(
    Identity,
    st.frozensets(shas, max_size=3),
    st.sampled_from(["sha1", "sha256"]),
    st.none() | st.uuids().map(str),
    st.just(False),
)
some_records = st.builds(
    Record,
    writer=writers,
    generation=counts,
    identity=identities,
    refs=st.dictionaries(refs, st.builds(Entry, shas, dots), max_size=4),
    head=st.none() | st.builds(Entry, refs, dots),
    parts=st.lists(names, max_size=4).map(tuple),
    seen=st.dictionaries(writers, st.builds(Seen, counts, names), max_size=3),
    legacy=st.none() | hashes,
    time=counts,
    tool=st.text(max_size=20),
    pairs=st.dictionaries(hashes, st.builds(Pair, counts, counts), max_size=2),
    more=st.dictionaries(
        st.from_regex(r"x-[a-z]{1,8}", fullmatch=True), st.integers() | st.text(max_size=5), max_size=2
    ),
)
registers = st.builds(Register, writers, st.none() | names, counts, counts)


@given(some_records)
def test_a_record_is_read_as_it_was_written(record: Record) -> None:
    raw = records.build_record(record)
    assert records.parse_record(raw, records.content_name(raw)) == record
    assert records.build_record(records.parse_record(raw, records.content_name(raw))) == raw


@given(registers)
def test_a_register_is_small_and_is_read_as_it_was_written(register: Register) -> None:
    raw = records.build_register(register)
    assert len(raw) <= 200
    assert records.parse_register(raw, register.writer) == register


@given(st.frozensets(writers, max_size=8))
def test_the_directory_is_read_as_it_was_written(known: frozenset[str]) -> None:
    assert records.parse_writers(records.build_writers(known)) == known


REGISTER = records.build_register(Register("anna", records.content_name(b"x"), 7, 9))


def test_every_truncation_of_a_register_is_found() -> None:
    for length in range(len(REGISTER)):
        with pytest.raises(Damaged):
            records.parse_register(REGISTER[:length], "anna")


def test_every_flipped_bit_of_a_register_is_found() -> None:
    for place in range(len(REGISTER) * 8):
        broken = bytearray(REGISTER)
        broken[place // 8] ^= 1 << place % 8
        with pytest.raises(Damaged):
            records.parse_register(bytes(broken), "anna")


@given(st.binary(max_size=300))
def test_what_is_no_object_of_a_deposit_is_refused_as_damaged(raw: bytes) -> None:
    for read in (
        lambda: records.parse_register(raw, "anna"),
        lambda: records.parse_writers(raw),
        lambda: records.parse_record(raw, records.content_name(raw)),
    ):
        with pytest.raises(Damaged):
            read()


def with_field(name: str, value: object) -> bytes:
    plain = Record("anna", 1, Identity(), {}, None, (), {})
    return json.dumps({**json.loads(records.build_record(plain)), name: value}).encode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("refs", {"refs/heads/../../../etc/passwd": ["1" * 40, 1, "anna"]}),
        ("refs", {"HEAD": ["1" * 40, 1, "anna"]}),
        ("refs", {"refs/heads/a\nb": ["1" * 40, 1, "anna"]}),
        ("refs", {"refs/heads/a.lock": ["1" * 40, 1, "anna"]}),
        ("refs", {"refs/heads/a": ["--exec=x", 1, "anna"]}),
        ("refs", {"refs/heads/a": ["1" * 40, -1, "anna"]}),
        ("refs", []),
        ("head", ["HEAD", 1, "anna"]),
        ("parts", ["../../x"]),
        ("parts", ["MD5-s1--" + "0" * 64]),
        ("writer", "../x"),
        ("seen", {"anna": [True, records.content_name(b"")]}),
        ("object_format", "md5"),
        ("generation", 10**30),
        ("format", "something else"),
        ("version", None),
    ],
)
def test_a_record_with_a_hostile_field_is_refused(field: str, value: object) -> None:
    raw = with_field(field, value)
    with pytest.raises(Damaged):
        records.parse_record(raw, records.content_name(raw))


def test_a_record_under_another_name_is_refused() -> None:
    with pytest.raises(Damaged, match="another content"):
        records.parse_record(with_field("time", 1), records.content_name(b"else"))


def test_a_newer_minor_version_is_read_and_its_fields_are_kept() -> None:
    raw = with_field("mood", "good").replace(b'"version": [1, 0]', b'"version": [1, 7]')
    record = records.parse_record(raw, records.content_name(raw))
    assert b'"mood":"good"' in records.build_record(record)


def test_a_newer_major_version_is_refused_with_the_advice_to_update() -> None:
    raw = with_field("version", [2, 0])
    with pytest.raises(TooNew, match="format 2") as refused:
        records.parse_record(raw, records.content_name(raw))
    assert "update Rookery" in refused.value.hints[0]
    with pytest.raises(TooNew):
        records.parse_register(records.seal("rookery register 2\nwhatever\n"), "anna")
    with pytest.raises(TooNew):
        records.parse_writers(records.seal("rookery writers 3\n"))
