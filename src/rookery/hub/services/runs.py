"""Run records of a history: which command made a commit, from what, as `run` and DataLad left it in the message.

A record comes from whoever pushed it.  Nothing of it is trusted to be of the
kind that it should be; what cannot be read is said as such, and the commit is shown all the same.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from rookery.annex.keys import POINTER_LIMIT, key_of_link, key_of_pointer
from rookery.core.process import decode
from rookery.git import commits, configfile, objects
from rookery.git.commits import Commit
from rookery.git.repo import Repo
from rookery.git.runrecords import (
    DEFAULT_SIDECAR_FOLDER,
    LARGEST_SIDECAR,
    PREFIX,
    SIDECAR_FOLDER,
    RunRecordError,
    holds_record,
    parse_message,
    sidecar_path,
)
from rookery.hub.services.browsing import Place
from rookery.hub.services.own_contents import OwnContents

_CONFIG = ".datalad/config"
_KNOWN = frozenset({"chain", "cmd", "dsid", "exit", "extra_inputs", "inputs", "outputs", "pwd"})


class Run(NamedTuple):
    """A commit that a command made.  With `problem`, its record cannot be read and the rest is empty.

    `inputs` and `outputs` are as the record names them: paths below the dataset, or patterns.
    `folder` is where the command ran, "." for the top.  `extra` has what other programs
    added (containers' images among it), `info` the record as it is.
    """

    commit: Commit
    words: str = ""
    command: str = ""
    inputs: tuple[str, ...] = ()
    extra_inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    folder: str = "."
    exit: int | None = None
    chain: tuple[str, ...] = ()
    extra: dict[str, Any] = {}  # noqa: RUF012 - a default of a tuple's field, never changed
    info: dict[str, Any] = {}  # noqa: RUF012 - the same
    sidecar: str | None = None
    problem: str = ""


class _Wanted(Exception):
    """A record is in a sidecar, which was not read yet."""


class RunService:
    """Reads records at a `Place`, which the gate has let through."""

    def __init__(self, contents: OwnContents) -> None:
        self._contents = contents

    def runs(self, place: Place, *, skip: int = 0, limit: int = 50, path: str = "") -> list[Run]:
        """Give the runs of a history, newest first; with `path`, those that changed it or what is below it."""
        options = ["--fixed-strings", f"--grep={PREFIX}"]
        found: list[Commit] = []
        for commit in commits.log(place.repo, place.commit, options=options, paths=[path] if path else []):
            if holds_record(commit.message):
                if skip:
                    skip -= 1
                    continue
                found.append(commit)
                if len(found) >= limit:
                    break
        return list(self.of(place, found).values())

    def of(self, place: Place, found: Sequence[Commit]) -> dict[str, Run]:
        """Read the records of commits, by the commits' names; those that hold none are left out.

        Three processes more where records are in sidecars, however many.
        """
        claiming = [commit for commit in found if holds_record(commit.message)]
        wanted = {c.sha: identity for c in claiming if (identity := _identity_of(c)) is not None}
        sidecars = self._sidecars(place, wanted) if wanted else {}
        runs = (_read(commit, sidecars) for commit in claiming)
        return {run.commit.sha: run for run in runs if run is not None}

    def _sidecars(self, place: Place, wanted: dict[str, str]) -> dict[str, bytes]:
        """Give what sidecars hold, by the names of the commits; those that cannot be had are left out."""
        folders = _read_small(place.repo, {sha: f"{sha}:{_CONFIG}" for sha in wanted}, LARGEST_SIDECAR)
        names = {}
        for sha, identity in wanted.items():
            try:
                names[sha] = f"{sha}:{sidecar_path(_folder_in(folders.get(sha, b'')), identity)}"
            except RunRecordError:
                continue
        found = _read_small(place.repo, names, LARGEST_SIDECAR)
        for sha, content in found.items():
            key = key_of_pointer(content)
            if key is None and len(content) < POINTER_LIMIT:
                key = key_of_link(decode(content))
            if key is not None:
                found[sha] = self._contents.read(place.repository.id, key, most=LARGEST_SIDECAR) or b""
        return found


def _identity_of(commit: Commit) -> str | None:
    """Give the name of the sidecar that holds a commit's record; None if it is in the message, or none at all."""
    asked: list[str] = []

    def load(identity: str) -> bytes:
        asked.append(identity)
        raise _Wanted

    try:
        parse_message(commit.message, load)
    except (_Wanted, RunRecordError):
        pass  # the second reading says what is wrong
    return asked[0] if asked else None


def _read(commit: Commit, sidecars: dict[str, bytes]) -> Run | None:
    def load(_: str) -> bytes:
        content = sidecars.get(commit.sha)
        if not content:
            raise RunRecordError("the file that holds the record is not here")
        return content

    try:
        told = parse_message(commit.message, load)
    except RunRecordError as e:
        return Run(commit, problem=e.message)
    if told is None:
        return None
    info = told.info
    exit_code = info.get("exit")
    return Run(
        commit,
        told.message,
        info["cmd"] if isinstance(info["cmd"], str) else shlex.join(map(str, info["cmd"])),
        _texts(info.get("inputs")),
        _texts(info.get("extra_inputs")),
        _texts(info.get("outputs")),
        info["pwd"] if isinstance(info.get("pwd"), str) else ".",
        exit_code if isinstance(exit_code, int) else None,
        _texts(info.get("chain")),
        {name: value for name, value in info.items() if name not in _KNOWN},
        info,
        told.sidecar,
    )


def _texts(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _folder_in(config: bytes) -> str:
    try:
        told = dict(configfile.parse(decode(config)))
    except ValueError:
        told = {}
    return told.get(SIDECAR_FOLDER, DEFAULT_SIDECAR_FOLDER)


def _read_small(repo: Repo, names: dict[str, str], most: int) -> dict[str, bytes]:
    """Read blobs of at most so many bytes, two processes for any number; those that are not there are left out."""
    asked = {sha: name for sha, name in names.items() if "\n" not in name}
    stats = zip(asked.items(), objects.stat_many(repo, asked.values()), strict=True)
    fit: Iterable[tuple[str, str]] = [
        (sha, stat.sha) for (sha, _), stat in stats if stat and stat.kind == "blob" and stat.size <= most
    ]
    blobs = objects.read_many(repo, (blob for _, blob in fit))
    return {sha: blob.content for (sha, _), blob in zip(fit, blobs, strict=True) if blob is not None}
