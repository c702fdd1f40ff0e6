"""What a clone remembers of a deposit: its own pushes, records it has read, parts it has taken in.

All of it can be lost together with the writer id; then the clone is a new writer.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Collection, Iterable
from pathlib import Path

from rookery.core import files
from rookery.deposit.protocol import records
from rookery.deposit.protocol.look import Memory
from rookery.deposit.protocol.records import TooNew
from rookery.deposit.terms.store import Damaged


def writer_of(folder: Path, place: str) -> str:
    """Give the id under which a clone writes, made at its first use.

    `place` says where the clone is (machine and path): a copy of the folder
    elsewhere is another writer, or two would write one register.
    """
    file = folder / "writer"
    try:
        seed = file.read_text()
    except FileNotFoundError:
        seed = os.urandom(16).hex()
        files.write(file, seed, durable=True)
    return hashlib.sha256(f"{seed}\0{place}".encode("utf-8", "surrogateescape")).hexdigest()[:16]


class Ledger:
    """The files of one folder; one process at a time."""

    def __init__(self, folder: Path, writer: str) -> None:
        self.folder = folder
        self._writer = writer
        self._memory = folder / f"memory-{writer}"
        self._records = folder / "records"
        self._parts = folder / "parts"
        self._stored = folder / "stored"
        self._arriving = folder / "arriving"

    @property
    def spool(self) -> Path:
        """Where packs wait until they are stored."""
        return self.folder / "spool"

    def memory(self) -> Memory:
        """Read the writer's memory; one that is damaged counts as lost."""
        try:
            fields = json.loads(self._memory.read_bytes())
            raw = fields["register"]
            return Memory(
                writers=frozenset(w for w in fields["writers"] if records.is_writer(w)),
                used=int(fields["used"]),
                void=None if fields["void"] is None else frozenset(map(str, fields["void"])),
                register=None if raw is None else records.parse_register(raw.encode(), self._writer),
            )
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, Damaged, TooNew):
            return Memory()

    def remember(self, memory: Memory) -> None:
        """Write the memory, on the disk before it is relied on."""
        fields = {
            "writers": sorted(memory.writers),
            "used": memory.used,
            "void": None if memory.void is None else sorted(memory.void),
            "register": memory.register and records.build_register(memory.register).decode(),
        }
        files.write(self._memory, json.dumps(fields, sort_keys=True) + "\n", durable=True)

    def record(self, name: str) -> bytes | None:
        """Give a record that was read before; None if it was not, or if the copy here is damaged."""
        try:
            return records.check_content(name, (self._records / name).read_bytes())
        except (FileNotFoundError, Damaged):
            return None

    def keep_record(self, name: str, raw: bytes) -> None:
        """Keep a record, if it is what its name says."""
        if records.content_name(raw) == name:
            files.write(self._records / name, raw)

    def keep_only(self, names: Collection[str]) -> None:
        """Forget all records but these."""
        if self._records.exists():
            for file in self._records.iterdir():
                if file.name not in names:
                    file.unlink(missing_ok=True)

    def parts(self) -> frozenset[str]:
        """Give the parts whose objects have been here."""
        try:
            return frozenset(self._parts.read_text().split())
        except FileNotFoundError:
            return frozenset()

    def keep_parts(self, names: Iterable[str]) -> None:
        """Say which parts' objects have been here; others are forgotten."""
        files.write(self._parts, "".join(f"{name}\n" for name in sorted(set(names))))

    def all_records(self) -> dict[str, bytes]:
        """Give all records that are kept."""
        names = [file.name for file in self._records.iterdir()] if self._records.exists() else []
        return {name: raw for name in names if (raw := self.record(name)) is not None}

    def stored(self) -> frozenset[str]:
        """Give the parts that a push that did not end has stored whole."""
        try:
            return frozenset(self._stored.read_text().split())
        except FileNotFoundError:
            return frozenset()

    def keep_stored(self, name: str) -> None:
        """Say that a part is stored, and was verified."""
        files.write(self._stored, "".join(f"{part}\n" for part in sorted(self.stored() | {name})))

    def forget_stored(self) -> None:
        """Begin anew: the push is through, and its packs are not needed any more."""
        self._stored.unlink(missing_ok=True)
        shutil.rmtree(self.spool, ignore_errors=True)

    def arriving(self, name: str) -> Path:
        """Give the file that a part comes into."""
        self._arriving.mkdir(exist_ok=True)
        return self._arriving / name

    def forget_arrived(self) -> None:
        """Remove what came, when it is where it belongs."""
        shutil.rmtree(self._arriving, ignore_errors=True)
