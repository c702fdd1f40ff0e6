"""Formats of git-annex: what is written is read back, and our folders are git-annex's."""

from __future__ import annotations

import os
import subprocess

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rookery.annex import logs
from rookery.annex.keys import (
    Key,
    file_key,
    format_key,
    hashdirlower,
    hashdirmixed,
    key_file,
    key_of_link,
    key_of_pointer,
    parse_key,
    pointer,
)
from rookery.annex.store import link_target
from rookery.core.environment import program_environment

# What a key's name can hold where it comes from a URL; no line break, which no program takes.
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=40
)
numbers = st.none() | st.integers(0, 10**12)
backends = st.sampled_from(["MD5E", "SHA256E", "SHA256", "WORM", "URL", "XDLRA", "BLAKE2B256E"])
keys = st.builds(Key, backends, names, numbers, numbers, numbers, numbers)
uuids = st.uuids().map(str)
stamps = st.builds(
    lambda whole, rest: logs.Stamp(f"{whole}.{rest}" if rest else str(whole)),
    st.integers(0, 2**40),
    st.text("0123456789", max_size=9),
)


@given(keys)
def test_a_key_is_read_as_it_was_written(key: Key) -> None:
    assert parse_key(format_key(key)) == key


@given(names)
def test_a_key_name_is_filed_without_slash_and_found_again(name: str) -> None:
    assert "/" not in key_file(name)
    assert file_key(key_file(name)) == name


@given(keys, st.integers(0, 5))
def test_links_and_pointers_lead_back_to_their_key(key: Key, depth: int) -> None:
    text = format_key(key)
    path = "/".join(["folder"] * depth + ["file"])
    assert key_of_link(link_target(text, path)) == text
    assert key_of_pointer(pointer(text)) == text


# Chunks are only ever made of keys named by a hash.
hashes = st.text("0123456789abcdef", min_size=32, max_size=32)
# What comes behind a space is the name of a file to examinekey's batch mode.
unspaced = names.filter(lambda name: " " not in name)
examined = st.builds(Key, backends, unspaced, numbers, numbers, st.none(), st.none()) | st.builds(
    Key, backends, hashes, numbers, numbers, numbers, numbers
)


@settings(max_examples=3, phases=[Phase.generate])  # no shrinking: each example starts programs
@given(many=st.lists(examined, min_size=30, max_size=60))
def test_folders_are_those_of_git_annex(tmp_path_factory: pytest.TempPathFactory, many: list[Key]) -> None:
    folder = tmp_path_factory.mktemp("repository")
    env = program_environment(os.environ)
    subprocess.run(["git", "init", "-q", folder], env=env, check=True)
    texts = [format_key(key) for key in many]
    told = subprocess.run(
        ["git-annex", "examinekey", "--batch", "--format=${hashdirlower} ${hashdirmixed}\\n"],
        input="".join(f"{text}\n" for text in texts).encode(),
        cwd=folder,
        env=env,
        capture_output=True,
        check=True,
    ).stdout.decode()
    assert told.splitlines() == [f"{hashdirlower(text)}/ {hashdirmixed(text)}/" for text in texts]


presence_logs = st.dictionaries(uuids, st.tuples(st.sampled_from(["0", "1", "X"]), stamps), max_size=6).map(
    lambda d: [logs.Presence(u, s == "1", at, s == "X") for u, (s, at) in sorted(d.items())]
)


@given(presence_logs)
def test_presence_logs_are_read_as_they_were_written(lines: list[logs.Presence]) -> None:
    found, unknown = logs.parse_presence(logs.build_presence(lines))
    assert list(found.values()) == lines
    assert unknown == []


values = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=30)


@given(st.dictionaries(uuids, st.builds(logs.Valued, values, stamps), max_size=6))
def test_logs_by_uuid_are_read_as_they_were_written(facts: dict[str, logs.Valued]) -> None:
    assert logs.parse_by_uuid(logs.build_by_uuid(facts)) == (facts, [])


@given(st.dictionaries(st.sampled_from(["name", "type", "url", "x"]), st.text(max_size=20), max_size=4))
def test_settings_of_special_remotes_survive(settings_: dict[str, str]) -> None:
    assert logs.parse_settings(logs.build_settings(settings_)) == settings_


@given(st.text(max_size=200))
def test_no_text_breaks_the_readers(text: str) -> None:
    logs.parse_presence(text)
    logs.parse_by_uuid(text)
    logs.parse_single(text)
    logs.parse_by_name(text)
    logs.parse_settings(text)
    parse_key(text)
    key_of_link(text)
    key_of_pointer(text.encode())
