"""What `core.sharedRepository` makes of the permissions in an annex, as git-annex has it (10.20261026).

| setting | folders     | folder of an object       | bookkeeping | objects   |
|---------|-------------|---------------------------|-------------|-----------|
| umask   | as made     | a-w                       | as made     | a-w       |
| group   | g+rwx       | as other folders          | g+rw        | a-w, g+r  |
| all     | g+rwx, o+rx | as other folders          | g+rw, o+r   | a-w, a+r  |
| 0660    | 2770        | 2570: u-w                 | 0660        | 0440      |

Seen under two umasks, with files of many modes; `tests/interop/test_unusual_repositories.py` holds both to each other.
Of other words for yes Git makes `group`, and git-annex `umask`.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

SETTING = "core.sharedrepository"

_WRITABLE = 0o222
_READABLE = 0o444

# A folder can be gone through by whom it can be read by.
_PASSABLE_BY = 2

# By Git's words for it: what is added to the permissions of a file.
_ADDED = {
    **dict.fromkeys(("umask", "false", "no", "off", "0", ""), 0),
    **dict.fromkeys(("group", "true", "1"), 0o060),
    **dict.fromkeys(("all", "world", "everybody", "2"), 0o064),
}
_NUMBER = re.compile(r"06[0246]{2}")


class Permissions(NamedTuple):
    """How what is made is to be shared: bits that are `added`, or an `exact` number in place of the umask's."""

    added: int = 0
    exact: int | None = None

    @property
    def usual(self) -> bool:
        """Whether the umask alone decides."""
        return not self.added and self.exact is None

    def folder(self, mode: int) -> int:
        """Give the permissions of a folder that was made with these."""
        if self.exact is None:
            return mode | self.added | _passable(self.added)
        by_group = stat.S_ISGID if self.exact & stat.S_IRWXG else 0
        return mode & stat.S_ISGID | by_group | self.exact | _passable(self.exact)

    def frozen(self, mode: int) -> int:
        """Give the permissions of an object's folder in which nothing is to change any more."""
        if self.exact is not None:
            return mode & ~stat.S_IWUSR
        return mode if self.added else mode & ~_WRITABLE

    def file(self, mode: int) -> int:
        """Give the permissions of a file of git-annex's own that was made with these."""
        return mode | self.added if self.exact is None else self.exact

    def content(self, mode: int) -> int:
        """Give the permissions of an object whose content came with these."""
        base = mode | self.added & _READABLE if self.exact is None else self.exact
        return base & ~_WRITABLE

    def share_folder(self, path: str) -> None:
        """Give a folder that was just made its permissions."""
        if not self.usual:
            os.chmod(path, self.folder(stat.S_IMODE(os.stat(path).st_mode)))

    def share_file(self, file: int | str) -> None:
        """Give a file of git-annex's own (open, or by path) its permissions, unless it is somebody else's to share."""
        if self.usual:
            return
        mode = stat.S_IMODE(os.stat(file).st_mode)
        if mode != self.file(mode):
            with suppress(PermissionError):
                os.chmod(file, self.file(mode))

    def share_locks(self, annex: str) -> None:
        """Share what git-annex had before the repository was shared, as it does whenever it uses one of them."""
        if self.usual:
            return
        with os.scandir(annex) as found:
            for entry in found:
                if entry.name.endswith(".lck") or entry.name in ("index", "mergedrefs"):
                    with suppress(FileNotFoundError):  # replaced just now, by somebody who shares it
                        self.share_file(entry.path)

    def make_folder(self, path: str) -> None:
        """Make a folder of git-annex's, and those above that are lacking."""
        try:
            os.mkdir(path)
        except FileExistsError:
            if not os.path.isdir(path):
                raise
        except FileNotFoundError:
            self.make_folder(os.path.dirname(path))
            self.make_folder(path)
        else:
            self.share_folder(path)


USUAL = Permissions()


def permissions(settings: Mapping[str, str]) -> Permissions:
    """Read how a repository is shared.  Raises ValueError where Git and git-annex might not read the setting alike."""
    told = settings.get(SETTING, "umask")
    if told in _ADDED:
        return Permissions(_ADDED[told])
    if not _NUMBER.fullmatch(told):
        raise ValueError(f"{SETTING} is {told!r}")
    return Permissions(exact=int(told, 8))


def _passable(bits: int) -> int:
    return (bits & _READABLE) >> _PASSABLE_BY
