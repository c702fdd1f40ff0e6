"""Replacing a file of the legacy pair in an exported tree, without a time in which it is missing.

`git annex export` uploads no file that is there already, and removes the old one
before it uploads a new one.  So the new content is exported beside the old one, and in a second
export takes its name: what it renames it does not upload.  Where the type of the
special remote can rename, the file is missing for one request only.

Each export is made by an annex that remembers none (else git-annex would skip what
it once did), and its trees hold a README, so that git-annex never finds the folder
empty and removes it, with all that others have there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

from rookery.annex import program
from rookery.deposit.terms import layout
from rookery.deposit.transport import annexfolder, transit
from rookery.deposit.transport.annexfolder import REMOTE
from rookery.git.repo import Repo

README_PLACE = ".datalad/dotgit/README"
README = (
    b"This folder holds a Git repository: its branches and tags (refs), and all its objects (repo.zip).\n"
    b"Clone it with Rookery, or with DataLad and its extension datalad-next: git clone 'datalad-annex::...'\n"
)


def replace(repo: Repo, name: str, content: bytes | Path, *, there: bool) -> None:
    """Put a content at the place of a legacy object; `there` says whether there is one now.

    Raises CommandError.
    """
    key, readme = key_of(content), key_of(README)
    place = layout.PLACES[name]
    with _without_memory(repo) as passing:
        transit.put(passing, key, content)
        transit.put(passing, readme, README)
        if there:
            # Named after its content: what a killed process has left is never taken for another one.
            beside = f"{place}.{key[-16:]}"
            _export(passing, {README_PLACE: readme, place: name, beside: key})
        _export(passing, {README_PLACE: readme, place: key})


def key_of(content: bytes | Path) -> str:
    """Give the key that names a content by its hash."""
    if isinstance(content, bytes):
        return f"SHA256-s{len(content)}--{hashlib.sha256(content).hexdigest()}"
    with open(content, "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return f"SHA256-s{content.stat().st_size}--{digest}"


def _export(repo: Repo, keys: dict[str, str]) -> None:
    program.run(repo, "export", annexfolder.export_tree(repo, keys), "--to", REMOTE)


@contextmanager
def _without_memory(repo: Repo) -> Iterator[Repo]:
    folder = Path(mkdtemp(prefix="export-", dir=repo.gitdir.parent))
    try:
        yield annexfolder.twin(repo, folder)
    finally:
        annexfolder.remove(folder)
