"""Which object lies where: the two legacy keys, their folders, and the constant tree of the export mode."""

from __future__ import annotations

from collections.abc import Mapping

from rookery.annex.keys import hashdirlower, key_file

REFS = "XDLRA--refs"
ARCHIVE = "XDLRA--repo-export"

# In export mode: a folder that an exported dataset does not have itself.
PLACES: Mapping[str, str] = {REFS: ".datalad/dotgit/refs", ARCHIVE: ".datalad/dotgit/repo.zip"}

# Keys of these backends are written again and again under one name; all others say what their content is.
MUTABLE = ("XDLRA--", "XDLRB--")


def mutable(name: str) -> bool:
    """Say whether an object may have another content tomorrow."""
    return name.startswith(MUTABLE)


def link_text(name: str) -> str:
    """Give the text of the symlink that stands for an object in an exported tree."""
    file = key_file(name)
    return f"../../.git/annex/objects/{hashdirlower(name)}/{file}/{file}"


def path_of(name: str, *, exported: bool) -> str:
    """Give the path of an object below the top of the deposit."""
    if exported and name in PLACES:
        return PLACES[name]
    file = key_file(name)
    top = ".git/annex/objects/" if exported else ""
    return f"{top}{hashdirlower(name)}/{file}/{file}"


def url_of(base: str, name: str, *, exported: bool) -> str:
    """Give the URL of an object of a deposit that a web server shows."""
    return f"{base.rstrip('/')}/{path_of(name, exported=exported)}"
