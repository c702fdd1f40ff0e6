"""Publishing one dataset to one sibling: content, then branches.

In this order: ask the sibling what a push would do (nothing is sent if it would
be refused), make its annex known, send content, merge its git-annex branch,
push all branches in one go, note what is now there.  Killed at any point, the
same call finishes the job; nothing is announced before it is there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.annex import branch as annex_branch
from rookery.annex import identity, program
from rookery.annex import remotes as annex_remotes
from rookery.annex.files import AnnexedFile
from rookery.annex.nearby.knowledge import Owed
from rookery.annex.remotes import Remote
from rookery.core.errors import CommandError
from rookery.core.results import failed, result
from rookery.dataset import exchanged
from rookery.dataset.exchanged import Exchanged
from rookery.dataset.model import Dataset
from rookery.git import refs
from rookery.git.remotes import PushReport, RefReport
from rookery.git.repo import Repo
from rookery.git.words import on_one_line, without_credentials
from rookery.steps.sharing import remembered, transfer
from rookery.steps.sharing.branches import Branches
from rookery.steps.sharing.export import export, holds_trees
from rookery.steps.sharing.targets import in_order, meant, siblings_of
from rookery.steps.sharing.transfer import Absence, Plan, Record, Selection
from rookery.steps.sharing.verdicts import advice, operations_of

Data = Literal["anything", "nothing", "auto", "auto-if-wanted"]


class Wish(NamedTuple):
    """What a push is asked to do, the same for every dataset and sibling."""

    refds: Path
    data: Data = "auto-if-wanted"
    force_refs: bool = False
    ask_for_content: bool = False
    set_upstream: bool = False
    jobs: int | str | None = None
    dry_run: bool = False

    def action(self, name: str) -> str:
        """Name the action of a record."""
        return f"{name} [dry-run]" if self.dry_run else name


def publish(dataset: Dataset, target: str, selection: Selection, wish: Wish) -> Iterator[Record]:
    """Publish a dataset to a sibling and to all that it depends on, dependencies first."""
    said: dict[str, Any] = {"refds": wish.refds, "type": "dataset"}
    order, circle = in_order(dataset, target)
    if circle:
        yield result(
            wish.action("publish"),
            dataset.path,
            "error",
            message=("Publication dependencies go in a circle: %s", " -> ".join(circle)),
            hints=f"Break it: git config --unset-all remote.{circle[0]}.datalad-publish-depends",
            **said,
        )
        return
    for name in order:
        sibling = siblings_of(dataset).get(name)
        if sibling is None:
            message = ("Unknown target sibling '%s'.", name)
            yield result(wish.action("publish"), dataset.path, "error", message=message, **said)
        else:
            yield from Publication(dataset, sibling, selection, wish, first=name == order[0]).run()


class Publication:
    """One dataset on its way to one sibling.  `first`: nothing it depends on has taken the content before."""

    def __init__(
        self, dataset: Dataset, sibling: Remote, selection: Selection, wish: Wish, *, first: bool
    ) -> None:
        self.dataset = dataset
        self.repo: Repo = dataset.repo
        self.sibling = sibling
        self.selection = selection
        self.wish = wish
        self.first = first
        self.annexed = identity.is_annex(self.repo)
        self.unsent: Absence | None = None
        self.complete = True
        self.owed = Owed()
        self.branches = Branches(dataset, sibling, annexed=self.annexed, forced=wish.force_refs)
        self.head = ""

    def run(self) -> Iterator[Record]:
        """Do it all and yield what became of it."""
        head = refs.head(self.repo)
        if head.commit is None:
            yield self._record(
                "impossible", "Nothing is saved in this dataset yet", hints="Save first: rookery save"
            )
        elif self.sibling.url is None:
            yield from self._to_special_remote(head.commit)
        elif head.branch is None:
            yield self._record("impossible", "There is no active branch, cannot determine remote branch")
        else:
            try:
                yield from self._exchange(self._settled(head.branch))
            except CommandError as e:
                yield self._broken(e)
            finally:
                self.owed.pay(clock=self.dataset.ctx.clock)

    def _record(self, status: Any, message: Any, **more: Any) -> Record:
        said = {"refds": self.wish.refds, "type": "dataset", "target": self.sibling.name, **more}
        return result(self.wish.action("publish"), self.dataset.path, status, message=message, **said)

    def _broken(self, error: CommandError) -> Record:
        self.complete = False
        place = self.sibling.settings.get("pushurl") or self.sibling.url or self.sibling.name
        return self._record(
            "error",
            ("Push to %s failed: %s", self.sibling.name, on_one_line(error)),
            hints=error.hints[0]
            if error.hints
            else f"Check that {without_credentials(place)} can be reached, then push again.",
            exception=error,
            exit_code=error.code,
        )

    # special remotes: content only

    def _to_special_remote(self, head: str) -> Iterator[Record]:
        self.head = head
        if self._known_to_be_complete(refs.resolve(self.repo, annex_branch.LOCAL) or ""):
            yield from self._noted_absence()
            return
        try:
            if holds_trees(self.repo, self.sibling.uuid):
                yield from self._tree()
            else:
                yield from self._content(None)
        except CommandError as e:
            yield self._broken(e)
        self._note()

    def _tree(self) -> Iterator[Record]:
        """Send all files as they are in HEAD; single ones cannot be chosen."""
        wish, uuid = self.wish, self.sibling.uuid
        if wish.data == "nothing" or self.sibling.ignored or uuid is None:
            self.complete = False
            return
        for record in export(self.dataset, self.sibling.name, uuid, refds=wish.refds, dry_run=wish.dry_run):
            self.complete = self.complete and not failed(record)
            yield record

    # Git remotes

    def _settled(self, branch: str) -> str:
        """Give the branch to push; commits on an adjusted one are carried over to it first."""
        original = meant(branch)
        if original != branch and not self.wish.dry_run:
            identity.propagate_adjusted(self.repo, original)
        return original

    def _exchange(self, branch: str) -> Iterator[Record]:
        if self.annexed and not self.wish.dry_run and annex_branch.is_behind(self.repo):
            program.commit_journal(self.repo)  # else the sibling would not get to know of it
        specs = self.branches.specs(branch)
        foreseen = (
            self.branches.push(specs, "--dry-run") if self.wish.dry_run else self.branches.foresee(specs)
        )
        refused = [ref for ref in foreseen.refs if not ref.ok and ref.source != annex_branch.LOCAL]
        if refused:  # known before anything was sent, so nothing is
            yield from self._published(foreseen._replace(refs=refused), branch)
            return
        self.head = self._commit_of(branch)
        if self._up_to_date(foreseen) and self._known_to_be_complete(self._annex_commit()):
            yield from self._noted_absence()
            yield from self._published(foreseen, branch)
            return
        if not (self.wish.dry_run or all(ref.ok for ref in foreseen.refs)):
            self.branches.merge_annex_branch()  # what is at the sibling is decided by its latest news
        moved = yield from self._content(foreseen)
        if self.wish.dry_run:
            yield from self._published(foreseen, branch)
            return
        yield from self._published(
            self.branches.push_all(specs, self.owed, merge=moved and not self.owed.any), branch
        )
        self._note()

    # content

    def _content(self, foreseen: PushReport | None) -> Generator[Record, None, bool]:
        """Send content; gives whether the sibling's git-annex branch may have moved."""
        if not self.annexed or self.wish.data == "nothing":
            self.complete = False
            return False
        if self.sibling.ignored:
            yield from self._only_here()
            return False
        found = self._files()
        introduced = False
        if self.sibling.uuid is None and any(file.present for file in found) and not self.wish.dry_run:
            self._introduce(foreseen)
            introduced = True
        uuid = self.sibling.uuid
        if uuid is None and introduced:
            yield self._no_annex()
            return True
        there = transfer.keys_at(self.repo, (f.key for f in found), uuid) if uuid else frozenset()
        todo = transfer.plan(found, there, believe_log=not self.wish.ask_for_content)
        sent = yield from self._send(todo, uuid)
        return sent or introduced

    def _files(self) -> list[AnnexedFile]:
        """Give the files that have to be looked at: those that changed since the last push, if that is known."""
        if self.selection.whole and not self.wish.ask_for_content and self.sibling.uuid is not None:
            note = exchanged.read(self.repo, self.sibling.name)
            changed = note and remembered.changed_files(self.repo, note, self._state(self._annex_commit()))
            if changed is not None:
                return changed
        return list(transfer.files_of(self.repo, self.selection))

    def _send(self, todo: Plan, uuid: str | None) -> Generator[Record, None, bool]:
        wish, name = self.wish, self.sibling.name
        ds = self.dataset
        if self.selection.named:
            yield from transfer.refused(ds, todo, refds=wish.refds, target=name)
        some = wish.data != "anything" and uuid is not None and transfer.wants_some_only(self.repo, uuid)
        some = some or wish.data == "auto"
        sent = False
        if wish.dry_run:
            yield from transfer.foretold(ds, todo, refds=wish.refds, target=name)
        elif todo.send or todo.twins:
            for record in transfer.send(
                ds,
                todo,
                refds=wish.refds,
                target=name,
                jobs=wish.jobs,
                wanted_by=uuid if some else None,
                ask=wish.ask_for_content,
                owed=self.owed,
            ):
                sent = sent or record["status"] == "ok"
                self.complete = self.complete and not failed(record)
                yield record
        if not self.selection.named and not some:
            self.unsent = transfer.absence_of(todo.absent)
            yield from self._noted_absence()
        return sent

    def _introduce(self, foreseen: PushReport | None) -> None:
        """Make the sibling's annex known; git-annex makes one where a git-annex branch was pushed to."""
        if foreseen is not None and any(
            ref.source == annex_branch.LOCAL and ref.flag == "*" for ref in foreseen.refs
        ):
            self.branches.push([f"{annex_branch.LOCAL}:{annex_branch.LOCAL}"])
        annex_remotes.probe(self.repo, self.sibling.name)
        self.dataset.forget()
        self.sibling = siblings_of(self.dataset)[self.sibling.name]

    def _no_annex(self) -> Record:
        self.complete = False
        name = self.sibling.name
        return result(
            "copy",
            self.dataset.path,
            "impossible",
            type="dataset",
            refds=self.wish.refds,
            target=name,
            message=("Target '%s' does not appear to be an annex remote", name),
            hints=f"No content was sent. If {name} can hold content, run `git annex init` there and push again; "
            f"if it cannot, say so: git config remote.{name}.annex-ignore true",
        )

    def _only_here(self) -> Iterator[Record]:
        """Say which content nobody else has, when the sibling takes none (annex-ignore)."""
        self.complete = False
        if not self.first:
            return  # what it depends on was to take the content, and has said what became of it
        found = list(transfer.files_of(self.repo, self.selection))
        lonely = transfer.known_nowhere_else(self.repo, found)
        asked = self.wish.data != "auto-if-wanted" and bool(found)
        if lonely or asked:
            yield transfer.ignored_record(
                self.dataset, lonely, refds=self.wish.refds, target=self.sibling.name, asked=asked
            )

    def _noted_absence(self) -> Iterator[Record]:
        if self.unsent is not None:
            yield transfer.unsent_record(
                self.dataset, self.unsent, refds=self.wish.refds, target=self.sibling.name
            )

    # what is known of the sibling

    def _commit_of(self, branch: str) -> str:
        """Give the commit of a branch, for nothing if it is the current one."""
        head = refs.head(self.repo)
        found = head.commit if head.branch == branch else refs.resolve(self.repo, refs.HEADS + branch)
        return found or ""

    def _state(self, annex: str) -> Exchanged:
        """Give how things stand now, with nothing said of absent files."""
        return Exchanged(self.head, annex, self.sibling.uuid or "", self.wish.data)

    def _annex_commit(self) -> str:
        return refs.resolve(self.repo, annex_branch.LOCAL) or ""

    def _up_to_date(self, foreseen: PushReport) -> bool:
        return bool(foreseen.refs) and all(ref.flag == "=" for ref in foreseen.refs)

    def _known_to_be_complete(self, annex: str) -> bool:
        """Say whether the last push left nothing to do, and nothing has changed since."""
        if not self.annexed:
            return True
        if self.selection.named or self.wish.ask_for_content or self.wish.dry_run:
            return False
        if self.wish.data == "nothing":
            return True
        note = exchanged.read(self.repo, self.sibling.name)
        if note is None or not remembered.nothing_new(self.repo, note, self._state(annex)):
            return False
        self.unsent = Absence(len(note.absent), note.absent_bytes, note.absent) if note.absent else None
        return True

    def _note(self) -> None:
        """Note what the sibling has now, if everything went there."""
        whole = self.selection.whole and self.complete and not self.wish.dry_run
        if not (whole and self.annexed and self.sibling.uuid):
            return
        absent = self.unsent or Absence(0, 0, ())
        note = self._state(self._annex_commit())._replace(absent=absent.names, absent_bytes=absent.size)
        exchanged.write(self.repo, self.sibling.name, note)

    # the outcome

    def _published(self, report: PushReport, branch: str) -> Iterator[Record]:
        for ref in report.refs:
            record = self._published_one(ref, report.said)
            self.complete = self.complete and not failed(record)
            if (
                self.wish.set_upstream
                and not self.wish.dry_run
                and ref.ok
                and ref.source == refs.HEADS + branch
            ):
                self.repo.run("config", f"branch.{branch}.remote", self.sibling.name)
                self.repo.run("config", f"branch.{branch}.merge", ref.target)
            yield record

    def _published_one(self, ref: RefReport, said: str) -> Record:
        name = self.sibling.name
        note = f"{ref.summary} ({ref.reason})" if ref.reason else ref.summary
        status = "ok" if ref.ok else "error"
        record = self._record(
            "notneeded" if ref.flag == "=" else status,
            f"{ref.source}->{name}:{ref.target} {note}",
            refspec=f"{ref.source}:{ref.target}",
            operations=operations_of(ref),
        )
        record["hints"] = None if ref.ok else advice(ref, said, name)
        return record
