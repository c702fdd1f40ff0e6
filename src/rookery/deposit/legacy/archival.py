"""The archival copy: the history as one text stream that programs of any time can read.

`git fast-export` writes it, with the names that the objects have; gzip packs it.
The format does not promise the same names after reading (signatures, unusual
modes, tags of trees), so the copy is read back, and each ref says whether it is exact.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from rookery.core.errors import CommandError, RookeryError
from rookery.core.process import CHUNK, decode
from rookery.deposit.protocol import records
from rookery.deposit.terms.store import Damaged
from rookery.git.repo import Repo

# The text that names the newest copy, and says of each ref whether it is exact.
NAME = "XDLRB--fast-export"


class Exactness(NamedTuple):
    """One ref after the copy was read back: what it should be, what it became (None: it is not in the copy)."""

    ref: str
    wanted: str
    became: str | None

    @property
    def exact(self) -> bool:
        """Whether the copy gives the same history."""
        return self.wanted == self.became


def write(repo: Repo, file: Path) -> None:
    """Write all refs of a repository as a packed stream: the same bytes for the same history."""
    argv = (
        "fast-export",
        "--all",
        "--show-original-ids",
        "--signed-tags=verbatim",
        "--tag-of-filtered-object=drop",
    )
    more = ("--use-done-feature", "--reencode=no")
    with open(file, "wb") as raw:
        # No file name and no time in the header, or two copies of one history would differ.
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as out:
            with repo.stream(*argv, *more) as stream:
                for piece in stream.chunks():
                    out.write(piece)


def check(repo: Repo, file: Path) -> Iterator[Exactness]:
    """Read a copy into an empty repository and compare; yields each ref of `repo`.

    Raises RookeryError if the copy cannot be read.
    """
    wanted = dict(_refs(repo))
    object_format = repo.text("rev-parse", "--show-object-format")
    with TemporaryDirectory(prefix="rookery-archival-") as folder:
        place = Path(folder)
        repo.runner.run(
            ["git", "init", "-q", "--bare", "--template=", f"--object-format={object_format}", place],
            cwd=place,
        )
        copy = Repo(place, place, repo.runner, bare=True)
        try:
            with (
                gzip.open(file) as packed,
                copy.stream("fast-import", "--quiet", "--done", stdin=_pieces(packed)),
            ):
                pass
        except (CommandError, OSError, EOFError) as e:
            raise RookeryError(f"the archival copy {file} cannot be read back: {e}") from e
        became = dict(_refs(copy))
    for ref, sha in wanted.items():
        yield Exactness(ref, sha, became.get(ref))


def _pieces(packed: gzip.GzipFile) -> Iterator[bytes]:
    while piece := packed.read(CHUNK):
        yield piece


def _refs(repo: Repo) -> Iterator[tuple[str, str]]:
    for line in repo.records("for-each-ref", "--format=%(objectname) %(refname)", end=b"\n"):
        sha, _, name = decode(line).partition(" ")
        yield name, sha


def named_by(raw: bytes | None) -> str | None:
    """Give the copy that the text names; None if there is no text, or it is torn."""
    if raw is None:
        return None
    try:
        return records.unseal(raw, "the text about the archival copy").partition("\n")[0]
    except Damaged:
        return None


def statement(found: Iterable[Exactness]) -> str:
    """Write what is to be kept beside the copy: a line for each ref, `exact` or not."""
    lines = [f"{item.wanted} {item.ref} exact: {'yes' if item.exact else 'no'}\n" for item in found]
    return "".join(lines)
