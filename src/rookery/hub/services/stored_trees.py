"""Folders as Git stores them: found by their path, whatever letters are in it, in one conversation with one process."""

from __future__ import annotations

from rookery.core.process import encode
from rookery.git.objects import ObjectReader
from rookery.git.trees import Stored, parse_tree

FOLDER = b"40000"
SUBDATASET = b"160000"


def tree_at(reader: ObjectReader, commit: str, path: str) -> list[Stored] | None:
    """Give what is in a folder of a commit, in Git's order; None if there is no such folder."""
    found = reader.read(f"{commit}^{{tree}}")
    tidy = path.strip("/")
    for part in tidy.split("/") if tidy else ():
        inside = () if found is None else parse_tree(found.content, len(commit))
        name = encode(part)
        sha = next((sha for mode, called, sha in inside if called == name and mode == FOLDER), None)
        if sha is None:
            return None
        found = reader.read(sha.hex())
    return None if found is None else parse_tree(found.content, len(commit))
