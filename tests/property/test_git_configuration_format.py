"""What Git writes and reads as configuration, we read the same."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.git import configfile

values = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12) | st.text(
    st.sampled_from(' \t"\\#;\nabn='), max_size=12
)
names = st.text(st.characters(codec="utf-8", exclude_characters="\0\n\r"), min_size=1, max_size=8)


def as_git_reads(text: str, folder: Path) -> list[tuple[str, str]] | None:
    file = folder / "config"
    file.write_bytes(text.encode())
    done = subprocess.run(["git", "config", "-f", file, "-z", "--list"], capture_output=True, check=False)
    if done.returncode:
        return None
    items = [item.decode().partition("\n") for item in done.stdout.split(b"\0") if item]
    return [(key, value if bar else "true") for key, bar, value in items]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(names, st.dictionaries(st.sampled_from(["path", "url", "datalad-id"]), values, min_size=1))
def test_what_we_write_git_and_we_read_back(tmp_path: Path, name: str, pairs: dict[str, str]) -> None:
    text = configfile.section("submodule", name, pairs)
    expected = [(f"submodule.{name}.{key}", value) for key, value in pairs.items()]
    assert as_git_reads(text, tmp_path) == expected
    assert list(configfile.parse(text)) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    st.lists(
        st.sampled_from(
            [
                '[a "b"]',
                "[a]",
                "[A.b]",
                "\n",
                " ",
                "\t",
                "key",
                "K-2",
                "=",
                "value",
                '"',
                "\\",
                "#",
                ";",
                "n",
                "x y",
            ]
        ),
        max_size=12,
    )
)
def test_any_text_is_read_as_git_reads_it_or_refused(tmp_path: Path, pieces: list[str]) -> None:
    text = "".join(pieces)
    try:
        ours = list(configfile.parse(text))
    except ValueError:
        return  # Git is asked then, and has the last word
    assert ours == as_git_reads(text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        '[a "b"] key = x # note\n',
        "[a]\nkey\n",
        "[a]\n\tk = a  b \\\n c\n",
        '[a]k="  x" y\n',
        "[a]\r\nk=v\r\n",
        "\ufeff[a]\nk=v",
    ],
)
def test_the_odd_corners(tmp_path: Path, text: str) -> None:
    assert list(configfile.parse(text)) == as_git_reads(text, tmp_path)
