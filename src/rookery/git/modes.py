"""The modes of tree and index entries, and what they mean to a person."""

from __future__ import annotations

TREE = 0o040000
FILE = 0o100644
EXECUTABLE = 0o100755
SYMLINK = 0o120000
GITLINK = 0o160000

# The empty tree is known to Git without being stored; its name by the length of names.
_EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


def type_of(mode: int) -> str | None:
    """Name what an entry is: "file", "symlink", "dataset" (a commit of another repository), "directory"."""
    return {0o100: "file", 0o120: "symlink", 0o160: "dataset", 0o040: "directory"}.get(mode >> 9)


def null_sha(like: str) -> str:
    """Give the name that stands for "nothing", as long as `like`."""
    return "0" * len(like)


def is_null(sha: str) -> bool:
    """Say whether a name stands for "nothing" or "not known yet"."""
    return not sha.strip("0")


def empty_tree(like: str) -> str:
    """Give the name of the empty tree under the hash function that made `like`."""
    return _EMPTY_TREES[len(like)]
