"""The tools for a deposit with all that is in it: what `upkeep` does, and the same for the legacy pair."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from rookery.core.errors import RookeryError
from rookery.core.process import decode, encode
from rookery.deposit import upkeep
from rookery.deposit.legacy import stamp
from rookery.deposit.protocol import packs, records
from rookery.deposit.terms import layout, refsfile
from rookery.deposit.terms.refsfile import Malformed, RefList
from rookery.deposit.terms.store import Damaged, Store, Unreadable
from rookery.deposit.upkeep import Fact, Finding, Verdict
from rookery.deposit.whole import View, WholeDeposit
from rookery.git.repo import Repo


def status(whole: WholeDeposit, store: Store) -> Iterator[Fact]:
    """Say what is in the deposit; costs no more than a look.  Raises Unreadable, Damaged."""
    if whole.look() is None:
        yield Fact("refs", 0)
        return
    yield from upkeep.status(whole.v2)
    yield Fact("what peers read", "there" if store.present([layout.ARCHIVE])[layout.ARCHIVE] else "not there")


def verify(whole: WholeDeposit, store: Store) -> Iterator[Finding]:
    """Read everything and look whether it is whole; what peers read too."""
    yield from _verified_pair(whole, store)
    try:
        view = whole.look()
    except (Unreadable, Damaged) as e:
        yield Finding("records", Verdict.BAD, e.message)
        return
    if view is not None and view.seen is not None and view.seen.lost:
        for trouble in view.seen.lost.values():
            yield Finding("records", Verdict.BAD, trouble.message)
        return
    if view is not None and view.seen is not None and view.seen.state.heads:
        if (kind := view.refs.object_format) is not None:
            whole.mirror.of_kind(kind)
        yield from upkeep.verify(whole.v2)


def _verified_pair(whole: WholeDeposit, store: Store) -> Iterator[Finding]:
    raw = store.read([layout.REFS])[layout.REFS]
    if raw is None and not store.present([layout.ARCHIVE])[layout.ARCHIVE]:
        return
    try:
        refs = refsfile.parse(decode(raw)) if raw is not None else None
        yield Finding(
            layout.REFS,
            Verdict.GOOD if refs is not None else Verdict.BAD,
            "" if refs is not None else "it is not there",
        )
    except Malformed as e:
        yield Finding(layout.REFS, Verdict.BAD, e.message)
        return
    draft = whole.mirror.draft()
    try:
        whole.legacy.bring_objects(refs or whole.legacy.archived() or refsfile.EMPTY, draft)
        yield Finding(layout.ARCHIVE, Verdict.GOOD, _stamped(whole, raw or b""))
    except (Damaged, Unreadable) as e:
        yield Finding(layout.ARCHIVE, Verdict.BAD, e.message)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _stamped(whole: WholeDeposit, raw: bytes) -> str:
    found = stamp.parse(whole.legacy.stamp() or b"")
    if found is None or not found.holds_for(raw):
        return "made or changed by a tool that puts no stamp in it"
    return f"shows the record {found.record}"


def repair(whole: WholeDeposit, store: Store, source: Repo) -> Iterator[Finding]:
    """Make the deposit whole again out of a repository that has the history.  Raises RookeryError."""
    bad = [finding for finding in _verified_pair(whole, store) if finding.verdict is Verdict.BAD]
    yield from bad
    if any(finding.name == layout.REFS for finding in bad):
        _mend_refs(whole, store)
        yield Finding(layout.REFS, Verdict.MENDED, "written anew")
    directory = whole.v2.store.read([records.DIRECTORY])[records.DIRECTORY]
    if directory is not None or whole.v2.ledger.memory().writers:
        _ = whole.mirror.repo
        yield from upkeep.repair(whole.v2, source)
    view = whole.synchronise()
    if view is None:
        raise RookeryError("there is no deposit to repair", hints=["a push makes a new one"])
    if bad or not _is_there(store):
        _mend_pair(whole, view)
        yield Finding(layout.ARCHIVE, Verdict.MENDED, f"made anew from {source.root}")


def _is_there(store: Store) -> bool:
    return all(store.present(list(layout.PLACES)).values())


def _mend_refs(whole: WholeDeposit, store: Store) -> None:
    """Put a list of refs there that can be read: the archive's own, or none, where records say more."""
    try:
        held = whole.legacy.archived()
    except Damaged:
        held = None
    if held is not None:
        store.write(layout.REFS, encode(refsfile.build(held)))
    elif store.read([records.DIRECTORY])[records.DIRECTORY] is not None:
        store.remove([layout.REFS])
    else:
        raise RookeryError(
            "neither the list of refs nor the archive can be read, and there are no records: nobody knows the refs",
            hints=["empty the place, and push to it from a clone that has all branches"],
        )


def _mend_pair(whole: WholeDeposit, view: View) -> None:
    repo = whole.mirror.repo
    if view.seen is not None and len(view.seen.state.heads) == 1:
        whole.keeper.write(view.seen.records[view.seen.state.heads[0]], repo)
        return
    if packs.lacking(repo, view.refs.refs.values()):
        raise RookeryError(
            "not all of the history is in this clone, nor in the deposit", hints=["repair from another clone"]
        )
    whole.legacy.upload(RefList(view.refs.refs, view.refs.head), refsfile.EMPTY, repo)


def compact(whole: WholeDeposit) -> Iterator[Finding]:
    """Pack all anew into as few parts as can be, and remove what nothing has named for a while."""
    if whole.synchronise() is None:
        raise RookeryError("there is no deposit to compact", hints=["look at the URL"])
    yield from upkeep.compact(whole.v2)
