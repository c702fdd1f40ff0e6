"""Which store an address gets: plain files where git-annex would do no more, else git-annex."""

from __future__ import annotations

from pathlib import Path

from rookery.core.process import Runner
from rookery.deposit.terms.store import Store
from rookery.deposit.terms.url import Address
from rookery.deposit.transport import rsyncread, webread
from rookery.deposit.transport.annexstore import AnnexStore
from rookery.deposit.transport.folderstore import FolderStore, is_plain


def annex_store(address: Address, folder: Path, runner: Runner, *, helped: bool) -> AnnexStore:
    """Give the store over git-annex; `folder` is where the annex of ours for it lives.

    `helped` says that only Git's helpers hand out the login that is wanted.
    """
    reader = webread.reader_for(address, runner.env, helped=helped)
    return AnnexStore(
        address, folder, runner, reader=reader or rsyncread.reader_for(address, folder.parent, runner)
    )


def store_for(address: Address, annex: AnnexStore) -> Store:
    """Give the store of an address."""
    return FolderStore(address) if is_plain(address) else annex
