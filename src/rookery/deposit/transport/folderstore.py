"""The store in a plain folder (`type=directory`, nothing encrypted or cut): git-annex's layout, by plain files.

git-annex would be started for each object, and takes a key away before it puts
the new one; here a new content takes the place of the old one in one step.  What
is written has git-annex's places and permissions, so both can use the same folder.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from rookery.annex.keys import hashdirmixed, key_file
from rookery.deposit.terms import layout
from rookery.deposit.terms.store import Overwritten, Unreadable, Unwritable
from rookery.deposit.terms.url import Address
from rookery.deposit.transport.export import README, README_PLACE

Taken = TypeVar("Taken")

SMALL = 1 << 20  # read back whole after writing
DRAFT = "rookery-draft-"
OLD = 24 * 3600  # seconds after which a draft was left by somebody who was killed

# Parameters under which git-annex stores something else than the content, or looks at more than the folder.
NOT_PLAIN = ("chunk", "chunksize", "importtree", "sameas", "remote")


def is_plain(address: Address) -> bool:
    """Say whether the far side is a folder in which each object is one file."""
    settings = address.settings
    is_folder = address.type == "directory" and os.path.isabs(settings.get("directory", ""))
    return is_folder and not address.encrypted and not any(name in settings for name in NOT_PLAIN)


class FolderStore:
    """A Store (see the port) in the folder of an address."""

    def __init__(self, address: Address) -> None:
        self._root = Path(address.settings["directory"])
        self._exported = address.exported

    def read(self, names: Sequence[str]) -> Mapping[str, bytes | None]:
        """Give the content of small objects; None: certainly absent.  Raises Unreadable."""
        return {name: self._taken(name, Path.read_bytes) for name in names}

    def fetch(self, name: str, into: Path) -> bool:
        """Bring a large object into a file; False: certainly absent.  Raises Unreadable."""
        return self._taken(name, lambda path: shutil.copyfile(path, into)) is not None

    def present(self, names: Sequence[str]) -> Mapping[str, bool]:
        """Say which objects are there.  Raises Unreadable."""
        found = {name: self._present(name) for name in names}
        self._check_root()
        return found

    def write(self, name: str, content: bytes | Path) -> None:
        """Create an object or replace it in one step, on the disk before it counts.  Raises Unwritable."""
        target = self._root / layout.path_of(name, exported=self._exported)
        try:
            self._check_root()
            if self._exported and name in layout.PLACES:
                self._explain()
            self._put(target, content)
            right = (
                target.read_bytes() == content if isinstance(content, bytes) else _same_size(target, content)
            )
        except Unreadable as e:
            raise Unwritable(e.message, hints=e.hints) from e
        except OSError as e:
            raise Unwritable(
                f"{name} could not be written to the deposit: {e}",
                hints=["look whether the folder is yours to write, and has room; then push again"],
            ) from e
        if not right:
            raise Overwritten(
                f"{name} was stored, but the folder does not give it back as it was",
                hints=["push again; if that stays so, another program may be writing to the same place"],
            )

    def remove(self, names: Sequence[str]) -> None:
        """Remove objects, and the folders that were there for them.  Raises Unwritable, Unreadable."""
        self._check_root()
        for path in (path for name in names for path in self._candidates(name)):
            try:
                if not path.exists():
                    continue
                os.chmod(path.parent, 0o755)
                path.unlink()
                for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
                    folder.rmdir()
            except OSError as e:
                if path.exists():
                    raise Unwritable(f"{path} could not be removed: {e}") from e
                # a folder that holds other things stays

    # --- one object ------------------------------------------------------------------------------

    def _candidates(self, name: str) -> list[Path]:
        """Give where an object can be: git-annex looks in its older folders too."""
        first = self._root / layout.path_of(name, exported=self._exported)
        if self._exported:
            return [first]
        file = key_file(name)
        return [first, self._root / hashdirmixed(name) / file / file]

    def _taken(self, name: str, take: Callable[[Path], Taken]) -> Taken | None:
        """Take an object from the first place that has it; None: certainly absent."""
        for path in self._candidates(name):
            try:
                return take(path)
            except FileNotFoundError:
                continue
            except OSError as e:
                raise self._unreadable(name, e) from e
        self._check_root()
        return None

    def _present(self, name: str) -> bool:
        try:
            return any(path.stat() for path in self._candidates(name) if path.exists())
        except OSError as e:
            raise self._unreadable(name, e) from e

    def _put(self, target: Path, content: bytes | Path) -> None:
        drafts = self._root / (".git/annex/tmp" if self._exported else "tmp")
        drafts.mkdir(parents=True, exist_ok=True)
        draft = drafts / f"{DRAFT}{os.getpid()}-{os.urandom(6).hex()}"
        try:
            with open(draft, "xb") as out:
                if isinstance(content, bytes):
                    out.write(content)
                else:
                    with open(content, "rb") as source:
                        shutil.copyfileobj(source, out, 1 << 20)
                out.flush()
                os.fsync(out.fileno())
            os.chmod(draft, 0o444)
            _forget_older(drafts, draft)
            self._move(draft, target)
        finally:
            draft.unlink(missing_ok=True)

    def _move(self, draft: Path, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        is_key = not self._exported
        if is_key:
            os.chmod(target.parent, 0o755)
        try:
            os.replace(draft, target)
        finally:
            if is_key:
                os.chmod(target.parent, 0o555)
        handle = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def _explain(self) -> None:
        """Leave a word for people beside the pair, which also keeps git-annex from removing the folder."""
        place = self._root / README_PLACE
        if not place.exists():
            self._put(place, README)

    def _check_root(self) -> None:
        """Tell an empty folder from one that is not there.  Raises Unreadable."""
        if not self._root.is_dir():
            raise Unreadable(
                f"the folder of the deposit is not accessible: {self._root}",
                hints=["look whether the disk is mounted; a new deposit needs a folder that is there"],
            )

    def _unreadable(self, name: str, why: OSError) -> Unreadable:
        return Unreadable(
            f"{name} could not be read from the deposit: {why}",
            hints=["try again when the place can be reached; nothing was changed"],
        )


def _same_size(target: Path, content: Path) -> bool:
    return target.stat().st_size == content.stat().st_size


def _forget_older(drafts: Path, mine: Path) -> None:
    now = mine.stat().st_mtime
    for other in drafts.glob(f"{DRAFT}*"):
        try:
            if now - other.stat().st_mtime > OLD:
                other.unlink()
        except FileNotFoundError:
            continue
