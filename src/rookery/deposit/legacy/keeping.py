"""Keeping the legacy pair current, for peers that read nothing else, and the archival copy with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import mkdtemp

from rookery.core.errors import RookeryError
from rookery.core.process import decode, encode
from rookery.deposit.legacy import archival, stamp
from rookery.deposit.legacy.pair import LegacyDeposit
from rookery.deposit.legacy.policy import LegacyWish, PairFacts, rewrite_is_due
from rookery.deposit.protocol import packs, records, state
from rookery.deposit.protocol.records import Record
from rookery.deposit.protocol.state import State
from rookery.deposit.terms import bare, layout, refsfile, url
from rookery.deposit.terms.refsfile import Malformed, RefList
from rookery.deposit.terms.store import Damaged, Store
from rookery.deposit.terms.url import Address
from rookery.git.repo import Repo


class PairKeeper:
    """Writes the pair as the URL wishes; `folder` is for files that pass through."""

    def __init__(self, store: Store, legacy: LegacyDeposit, address: Address, folder: Path) -> None:
        self._store = store
        self._legacy = legacy
        self._folder = folder
        self._wish = LegacyWish(address.ours.get(url.LEGACY, "auto"))
        self._archival = url.ARCHIVE in address.ours
        self._header = address.ours.get(url.REFS_HEADER) == "yes"

    def is_due(self, record: Record, now: State) -> bool:
        """Say whether the pair should show this record, the newest of the deposit."""
        known = now.pairs.get(now.legacy or "")
        whole = state.size_of_parts(record.parts)
        size = None if now.legacy is None else known.size if known else whole
        facts = PairFacts(size, max(0, whole - (size or 0)), current=now.legacy == state.refs_digest(record))
        return rewrite_is_due(self._wish, facts, whole=whole)

    def write(self, record: Record, repo: Repo) -> None:
        """Replace the pair by one that shows a record; `repo` has its objects, and takes in what the old one needs.

        Raises RookeryError; the old pair is whole then.
        """
        refs = state.refs_of(record)
        name = records.content_name(records.build_record(record))
        text = encode(refsfile.build(refs))
        header = f"rookery deposit of record {name}" if self._header else ""
        self._legacy.upload(
            refs,
            self._before(repo),
            repo,
            stamp=stamp.build(record.identity, name, text),
            header=header,
        )
        if self._archival:
            self._write_archival(repo)

    def _before(self, repo: Repo) -> RefList:
        """Give what the pair shows now, its objects brought; nothing if it is broken already."""
        raw = self._store.read([layout.REFS])[layout.REFS]
        try:
            before = refsfile.parse(decode(raw)) if raw is not None else refsfile.EMPTY
        except Malformed:
            return refsfile.EMPTY
        if not packs.lacking(repo, before.refs.values()):
            return before
        draft = Path(mkdtemp(prefix="before-", dir=self._folder))
        try:
            self._legacy.bring_objects(before, draft)
            bare.take_objects(repo.gitdir, draft)
        except Damaged:
            return refsfile.EMPTY
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return refsfile.EMPTY if packs.lacking(repo, before.refs.values()) else before

    def _write_archival(self, repo: Repo) -> None:
        """Store the copy under its hash, then the text that names it; the one before goes."""
        folder = Path(mkdtemp(prefix="archival-", dir=self._folder))
        try:
            file = folder / "repo.fe.gz"
            archival.write(repo, file)
            text = archival.statement(archival.check(repo, file))
            name = packs.file_name(file)
            old = archival.named_by(self._store.read([archival.NAME])[archival.NAME])
            self._store.write(name, file)
            self._store.write(archival.NAME, records.seal(f"{name}\n{text}"))
            if old not in (None, name):
                self._store.remove([str(old)])
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def explain(trouble: RookeryError) -> str:
    """Say to the person who pushed what it means that the pair was not written."""
    return (
        "pushed; but what DataLad reads of the deposit still shows an older state "
        f"({trouble.message}). The next push writes it again."
    )
