"""Keys, links and pointers: what they are read as."""

from __future__ import annotations

import pytest

from rookery.annex.keys import Key, key_of_link, key_of_pointer, parse_key, pointer, size_of

MP3 = "SHA256E-s31390--f50d7ac4c6b9031379986bc362fcefb65f1e52621ce1708d537e740fefc59cc0.mp3"


def test_a_key_tells_backend_size_and_extension() -> None:
    key = parse_key(MP3)
    assert key is not None
    assert (key.backend, key.size, key.extension) == ("SHA256E", 31390, ".mp3")


def test_a_url_key_without_size_is_a_key() -> None:
    assert parse_key("URL--http://example.com/a") == Key("URL", "http://example.com/a")
    assert size_of("URL--http://example.com/a") is None


def test_a_chunk_key_keeps_its_chunk_fields() -> None:
    assert parse_key("SHA256-s10-S4-C2--ab") == Key("SHA256", "ab", 10, None, 4, 2)


@pytest.mark.parametrize("text", ["", "notes.txt", "SHA256E-s10-ab", "--x", "SHA256E-sX--ab", "SHA256E-s1--"])
def test_other_text_is_no_key(text: str) -> None:
    assert parse_key(text) is None


def test_links_of_work_trees_subfolders_and_windows_are_read() -> None:
    for target in (
        f".git/annex/objects/mK/4w/{MP3}/{MP3}",
        f"../../.git/annex/objects/mK/4w/{MP3}/{MP3}",
        f"..\\.git\\annex\\objects\\mK\\4w\\{MP3}\\{MP3}",
        f"/abs/repo.git/annex/objects/f50/d7a/{MP3}/{MP3}",
    ):
        assert key_of_link(target) == MP3


def test_other_links_are_no_annexed_files() -> None:
    assert key_of_link("notes.txt") is None
    assert key_of_link(f"myannex/objects/{MP3}") is None
    assert key_of_link(".git/annex/objects/mK/4w/README") is None


def test_a_pointer_is_one_line_and_may_end_in_a_carriage_return() -> None:
    assert key_of_pointer(pointer(MP3)) == MP3
    assert key_of_pointer(pointer(MP3).replace(b"\n", b"\r\n")) == MP3


def test_text_appended_to_a_pointer_makes_it_content() -> None:
    assert key_of_pointer(pointer(MP3) + b"more data\n") is None
    assert key_of_pointer(b"x" + pointer(MP3)) is None
