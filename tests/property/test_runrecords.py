"""Run records survive their way through a commit message, whatever people write into them."""

from __future__ import annotations

import json
import lzma
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.git import runrecords
from rookery.git.commits import clean_message
from rookery.git.runrecords import RunRecordError

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=60)
paths = st.lists(text, max_size=3)
records = st.fixed_dictionaries(
    {
        "cmd": text,
        "chain": st.lists(st.from_regex(r"[0-9a-f]{40}", fullmatch=True), max_size=2),
        "inputs": paths,
        "outputs": paths,
        "extra_inputs": paths,
        "pwd": text,
        "exit": st.integers(-64, 255),
    },
    optional={"dsid": st.uuids().map(str), "container_image": text, "nested": st.dictionaries(text, paths)},
)
words = st.one_of(
    text,
    st.sampled_from(
        [
            runrecords.OPENING + "\n{}\n" + runrecords.CLOSING,
            "\n\n" + runrecords.PREFIX,
            "trailing   \n\n\n",
            "line\n" + runrecords.CLOSING,
        ]
    ),
)

# How DataLad 1.7.1 finds a record, as seen from outside: anchored, greedy, between the two markers.
THEIRS = re.compile(
    r"\[DATALAD RUNCMD\] (.*)=== Do not change lines below ===\n(.*)\n\^\^\^ Do not change lines above \^\^\^",
    re.DOTALL,
)


def no_sidecar(name: str) -> bytes:
    raise AssertionError(f"a sidecar {name} was asked for")


@given(words, records)
def test_a_record_comes_back_from_its_message(said: str, info: dict[str, Any]) -> None:
    message = clean_message(runrecords.build_message(said, runrecords.to_json(info)))
    found = runrecords.parse_message(message, no_sidecar)
    assert found is not None
    assert found.info == info
    assert found.sidecar is None
    assert runrecords.holds_record(message)


@given(words, records)
def test_datalad_finds_the_same_record(said: str, info: dict[str, Any]) -> None:
    message = clean_message(runrecords.build_message(said, runrecords.to_json(info)))
    found = THEIRS.match(message)
    assert found is not None
    assert json.loads(found[2]) == info


@given(text, records)
def test_a_sidecar_comes_back(said: str, info: dict[str, Any]) -> None:
    identity = runrecords.identity_of(runrecords.to_json(info))
    files = {identity: runrecords.pack_sidecar(info)}
    message = clean_message(runrecords.build_message(said, runrecords.quoted(identity)))
    found = runrecords.parse_message(message, files.__getitem__)
    assert found is not None
    assert found.info == info
    assert found.sidecar == identity


@given(st.text(max_size=200))
def test_other_messages_hold_no_record(message: str) -> None:
    assert runrecords.parse_message(message, no_sidecar) is None


@given(st.binary(max_size=100))
def test_any_sidecar_is_read_or_refused(content: bytes) -> None:
    try:
        runrecords.unpack_sidecar(content)
    except RunRecordError:
        pass


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ("{broken", "not valid JSON"),
        ("{}", "does not have a command"),
        ("[]", "does not have a command"),
        ("7", "does not have a command"),
        ('{"cmd": 7}', "does not have a command"),
        ('"../../etc/passwd"', "not the name of a run record"),
        ('".."', "not the name of a run record"),
    ],
)
def test_a_message_that_claims_a_record_must_have_one(payload: str, why: str) -> None:
    with pytest.raises(RunRecordError, match=why):
        runrecords.parse_message(runrecords.build_message("x", payload), no_sidecar)


@pytest.mark.parametrize("folder", ["../out", "/tmp", "a/../../b", ".git/x"])
def test_a_sidecar_stays_in_the_dataset(folder: str) -> None:
    with pytest.raises(RunRecordError):
        runrecords.sidecar_path(folder, "0" * 32)


def test_a_sidecar_that_unpacks_to_too_much_is_refused() -> None:
    packed = lzma.compress(b'{"cmd": "' + b"x" * (runrecords.LARGEST_SIDECAR + 1) + b'"}\n')
    assert len(packed) < 10_000
    with pytest.raises(RunRecordError, match="larger than a run record"):
        runrecords.unpack_sidecar(packed)


def test_a_record_too_deep_to_be_read_is_refused() -> None:
    deep = '{"cmd": ' + "[" * 100_000 + "]" * 100_000 + "}"
    with pytest.raises(RunRecordError):
        runrecords.parse_message(runrecords.build_message("x", deep), no_sidecar)
    with pytest.raises(RunRecordError):
        runrecords.unpack_sidecar(deep.encode())
