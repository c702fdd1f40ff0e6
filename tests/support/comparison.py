"""Compare what two programs say: take out what must differ (places, hashes, identities, times)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rookery.core.results import text_of
from support.programs import Answer

UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")
SHA = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40})\b")
SHORT_SHA = re.compile(r"\b[0-9a-f]{7,12}\b(?=\.\.|\)|\]|$|;)|(?<=\.\.)[0-9a-f]{7,12}\b")
RANGE = re.compile(r"\b[0-9a-f]{7,12}(\.\.\.?)[0-9a-f]{7,12}\b")
WELL_KNOWN = frozenset(
    {
        "00000000-0000-0000-0000-000000000001",  # web
        "00000000-0000-0000-0000-000000000002",  # bittorrent
        "cf13d535-b47c-5df6-8590-0793cb08a90a",  # datalad
        "c04eb54b-4b4e-5755-8436-866b043170fa",  # datalad-archives
    }
)
# About the moment and the program, never about the dataset.
VOLATILE = frozenset(
    {"exception", "exception_traceback", "mtime", "available_local_disk_space", "date", "logger"}
)


def normalised(value: Any, places: Mapping[str, str]) -> Any:
    """Replace places by their names, and hashes and identities by what they are; keep everything else."""
    if isinstance(value, str):
        return _text(value, places)
    if isinstance(value, Mapping):
        return {k: normalised(_filled_in(k, v), places) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list | tuple):
        return [normalised(v, places) for v in value]
    return value


def _filled_in(key: str, value: Any) -> Any:
    """Give a message as its reader sees it, whether it came as a text or as a format with its values."""
    return text_of(tuple(value)) if key == "message" and isinstance(value, list) and value else value


def _text(text: str, places: Mapping[str, str]) -> str:
    for place in sorted(places, key=len, reverse=True):
        text = text.replace(place, places[place])
    text = UUID.sub(lambda m: m[0] if m[0] in WELL_KNOWN else "<uuid>", text)
    text = SHA.sub("<sha>", text)
    text = RANGE.sub(r"<sha>\1<sha>", text)  # a name may happen to be all digits; between dots it is one
    return SHORT_SHA.sub(lambda m: m[0] if m[0].isdigit() else "<sha>", text)


def same_lines(ours: Answer, theirs: Answer, places: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Give both standard outputs, normalised, ready for one `assert`."""
    return (
        [_text(line.rstrip(), places) for line in ours.lines],
        [_text(line.rstrip(), places) for line in theirs.lines],
    )


def missing_from(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which records of theirs none of ours includes, and what the nearest of ours has instead.

    Ours may carry more keys, and more records.  A key whose value is None says
    nothing, so it may be absent.
    """
    left = list(ours)
    missing = []
    for record in theirs:
        match = next((o for o in left if not _differences(o, record)), None)
        if match is not None:
            left.remove(match)
            continue
        near = [o for o in ours if all(o.get(k) == record.get(k) for k in ("action", "path"))]
        instead = min(
            (_differences(o, record) for o in near), key=len, default=["no record of this action and path"]
        )
        missing.append(f"{record.get('action')} {record.get('path')}: {'; '.join(instead)}")
    return missing


def _differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    return [
        f"{key} is {ours.get(key)!r}, not {value!r}"
        for key, value in theirs.items()
        if value is not None and ours.get(key) != value
    ]


class SideBySide:
    """One folder twice, one command on both sides: ours in `ours/`, DataLad's in `theirs/`."""

    def __init__(self, root: Path, ours: Any, theirs: Any) -> None:
        self.root = root
        self._ours = ours
        self._theirs = theirs
        self.places = {
            str(root / "ours"): "<here>",
            str(root / "theirs"): "<here>",
            "datalad": "rookery",  # messages that advise a command name the program
        }

    def run(self, *arguments: str, at: str = ".", code: int | None = None) -> tuple[Answer, Answer]:
        """Run one command line with both tools; `at` is the folder below both sides."""
        return (
            self._ours(*arguments, cwd=self.root / "ours" / at, code=code),
            self._theirs(*arguments, cwd=self.root / "theirs" / at, code=code),
        )

    def lines(self, *arguments: str, at: str = ".") -> tuple[list[str], list[str]]:
        """Run with both and give both exit codes and standard outputs, comparable."""
        ours, theirs = self.run(*arguments, at=at)
        mine, other = same_lines(ours, theirs, self.places)
        return [f"exit {ours.code}", *mine], [f"exit {theirs.code}", *other]

    def records(self, *arguments: str, at: str = ".") -> tuple[list[Any], list[Any]]:
        """Run with both as JSON and give both lists of records, normalised."""
        ours, theirs = self.run("-f", "json", *arguments, at=at)
        return normalised(ours.records, self.places), normalised(theirs.records, self.places)
