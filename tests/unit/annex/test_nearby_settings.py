"""What is read from settings before content is moved by us."""

from __future__ import annotations

import pytest

from rookery.annex.branch_writing import NotForUs
from rookery.annex.engine import understood
from rookery.annex.nearby.placing import checkable
from rookery.annex.nearby.plain import RESERVE, reserve


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("100", 100),
        ("5 MB", 5_000_000),
        ("1.5gb", 1_500_000_000),
        ("2 KiB", 2048),
        ("3 megabytes", 3_000_000),
        ("900000TB", 900_000 * 10**12),
    ],
)
def test_a_reserve_is_read_as_git_annex_reads_it(text: str, size: int) -> None:
    assert reserve({"annex.diskreserve": text}) == size


@pytest.mark.parametrize("text", ["", "much", "10 parsec", "GB", "1..5 GB"])
def test_a_reserve_that_is_not_understood_is_for_git_annex(text: str) -> None:
    with pytest.raises(NotForUs):
        reserve({"annex.diskreserve": text})


def test_there_is_a_reserve_without_a_setting() -> None:
    assert reserve({}) == RESERVE


@pytest.mark.parametrize(
    ("key", "ours"),
    [
        ("MD5E-s3--900150983cd24fb0d6963f7d28e17f72.dat", True),
        ("SHA256-s3--ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", True),
        ("WORM-s3-m1--a b", True),
        ("URL-s3--http&c%%example.org%a", True),
        ("URL--http&c%%example.org%a", False),
        ("VURL-s3--http&c%%example.org%a", False),
        ("XDLRA--refs", False),
        ("SHA256E-s3-S2-C1--ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", False),
        ("no key", False),
    ],
)
def test_only_keys_that_can_be_checked_are_ours(key: str, ours: bool) -> None:
    assert checkable(key) is ours


def test_options_that_are_not_known_are_left_to_git_annex() -> None:
    assert understood(["-c", "annex.retry=3", "--fast"]) == {"--fast"}
    for options in (["--auto"], ["--numcopies=2"], ["-c", "annex.bwlimit=1"], ["-c"]):
        assert understood(options) is None
