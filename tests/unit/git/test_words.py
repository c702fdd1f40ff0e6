"""What Git said, short enough and clean enough to be shown."""

from __future__ import annotations

import pytest

from rookery.core.errors import CommandError
from rookery.git.words import on_one_line, without_credentials


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://me:secret@host/x", "https://host/x"),
        ("https://token@host/x", "https://host/x"),
        ("https://host/x@y", "https://host/x@y"),
        ("ssh://me:secret@host/x", "ssh://me@host/x"),
        ("ssh://me@host:22/x", "ssh://me@host:22/x"),
        ("me@host:x", "me@host:x"),
        ("/a/place", "/a/place"),
    ],
)
def test_no_secret_is_shown(url: str, shown: str) -> None:
    assert without_credentials(url) == shown


def test_the_reason_is_kept_and_what_follows_every_failure_is_not() -> None:
    advice = "Please make sure you have the correct access rights\nand more.\n"
    said = f"ssh: no such host\nfatal: Could not read.\n\n{advice}"
    assert on_one_line(CommandError("git", stderr=said)) == "ssh: no such host; fatal: Could not read."
    assert (
        on_one_line(CommandError("git", stderr="Updating a..b\nerror: x\n\tfile\nAborting\n"))
        == "error: x; file"
    )


def test_silence_is_told_by_the_exit_code() -> None:
    assert "failed with exitcode 9" in on_one_line(CommandError(["git", "x"], code=9))
