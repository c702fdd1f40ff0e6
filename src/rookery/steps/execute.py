"""Running a command with a record of it: prepare, run, look what changed, save, tell.

The one way by which `run`, `rerun` and procedures execute.  What changed becomes
one commit whose message is the run record (dataset.runrecords), in every dataset
of the hierarchy that was touched.  Where the command made commits of its own,
these are kept and wrapped into a merge that carries the record.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from rookery.core import files
from rookery.core.context import Context
from rookery.core.errors import CommandError
from rookery.core.results import result, text_of
from rookery.dataset import runrecords
from rookery.dataset.globs import Globs
from rookery.dataset.locate import GivenPath
from rookery.dataset.model import Dataset
from rookery.dataset.placeholders import PlaceholderError, Substitutions, fill, fill_specs, uses
from rookery.git.worktree import is_clean
from rookery.steps import guard
from rookery.steps.history import Before
from rookery.steps.preparation import fetch_inputs, make_outputs_writable
from rookery.steps.save import How, save_datasets

log = logging.getLogger("rookery.run")

Record = dict[str, Any]
Which = Literal["inputs", "outputs", "both"]
OnCommandFailure = Literal["error", "save", "all"]

DIRTY = (
    "clean dataset required to detect changes from command; use `rookery status` to inspect unsaved changes"
)
LEFT_BEHIND = "Remaining changes after command execution"


class Again(NamedTuple):
    """What a repeated run goes by: the record, with its chain, and the files that its commit wrote (absolute)."""

    info: Mapping[str, Any]
    outputs: Sequence[Path] = ()

    @property
    def exit_code(self) -> int:
        """How the command ended when it was recorded."""
        return int(self.info.get("exit") or 0)


class Request(NamedTuple):
    """What is to be run, and how.

    `command` and the specifications may have placeholders; `pwd` is the folder
    that it runs in and that specifications are relative to.
    """

    command: str
    pwd: Path
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    extra_inputs: Sequence[str] = ()
    expand: Which | None = None
    assume_ready: Which | None = None
    explicit: bool = False
    message: str | None = None
    sidecar: bool | None = None
    on_cmd_failure: OnCommandFailure | None = None
    jobs: int | str | None = None
    again: Again | None = None

    @property
    def specs(self) -> dict[str, list[str]]:
        """The specifications by their names in a record."""
        return {
            "inputs": list(self.inputs),
            "extra_inputs": list(self.extra_inputs),
            "outputs": list(self.outputs),
        }

    def expands(self, which: str) -> bool:
        """Say whether the record is to name what specifications match."""
        return self.expand == "both" or self.expand == ("outputs" if which == "outputs" else "inputs")

    def assumes(self, which: Which) -> bool:
        """Say whether inputs or outputs need no preparation."""
        return self.assume_ready in (which, "both")


def run_command(
    ctx: Context, ds: Dataset, request: Request, *, dry_run: str | None = None
) -> Iterator[Record]:
    """Run a command and record it; with `dry_run` only tell how it would be run.

    The record of the run itself says `error` if the command failed and that was
    not expected.  A caller who goes on after that gets the changes saved all
    the same; one who stops is told how to save them.
    """
    if request.again is None and not request.explicit and not is_clean(ds.repo):
        yield _about(ds, "run", "impossible", message=DIRTY)
        return
    try:
        running = _Running(ctx, ds, request)
        running.check_command()
    except PlaceholderError as e:
        yield _about(ds, "run", "impossible", message=e.message, hints=e.hints or None)
        return
    except _Unknown as e:
        yield _about(ds, "run", "impossible", message=(f"{e.where}: %s", e.name))
        return
    if dry_run:
        yield {**running.foreseen(), "dry_run_mode": dry_run}
        return
    yield from running.prepared()
    yield from running.run()


def _about(ds: Dataset, action: str, status: Any, **more: Any) -> Record:
    return result(action, ds.path, status, type="dataset", **more)


class _Unknown(Exception):
    """A placeholder that is not there; `where` begins the message."""

    def __init__(self, where: str, error: KeyError) -> None:
        self.where = where
        self.name = str(error)


class _Running:
    """One run, from its request to its records."""

    def __init__(self, ctx: Context, ds: Dataset, request: Request) -> None:
        self.ctx = ctx
        self.ds = ds
        self.request = request
        self.substitutions = Substitutions(ds.config)
        self.tmpdir = ""
        specs = request.specs
        for spec in (spec for group in specs.values() for spec in group):
            self.substitutions.refuse_if_unsafe(spec)
        values = {**self.substitutions.values, **{name: group for name, group in specs.items() if group}}
        try:
            self.specs = {name: fill_specs(group, values) for name, group in specs.items()}
        except KeyError as e:
            raise _Unknown("input/output specification has an unrecognized placeholder", e) from e
        self.globs = {
            name: Globs(group, request.pwd, expand=request.expands(name))
            for name, group in self.specs.items()
        }

    # --- the command ---------------------------------------------------------------------------

    def check_command(self) -> None:
        """Raise what `command` would, before anything is prepared."""
        self.substitutions.refuse_if_unsafe(self.request.command, command=True)
        self.command()

    def command(self) -> str:
        """Give the command with its placeholders filled in, as things are now."""
        import shlex  # start-up: loaded by everybody who runs something

        values: dict[str, Any] = {**self.substitutions.values}
        values.update(pwd=str(self.request.pwd), dspath=str(self.ds.path), tmpdir=self.tmpdir)
        for name in ("inputs", "outputs"):
            values[name] = [shlex.quote(path) for path in self.globs[name].expanded(dot=False)]
        try:
            return fill(self.request.command, values)
        except KeyError as e:
            raise _Unknown("command has an unrecognized placeholder", e) from e

    def info(self) -> dict[str, Any]:
        """Give the record, without the exit code."""
        request = self.request
        info: dict[str, Any] = {
            "cmd": request.command,
            "chain": list(request.again.info.get("chain") or ()) if request.again else [],
            **{
                name: self.globs[name].specs if request.expands(name) else specs
                for name, specs in self.specs.items()
            },
            "pwd": os.path.relpath(request.pwd, self.ds.path),
        }
        if self.ds.id:
            info["dsid"] = self.ds.id
        return info

    def foreseen(self) -> Record:
        """Tell how the command would be run."""
        told = {name: self.globs[name].expanded() for name in ("inputs", "outputs")}
        details = {"cmd_expanded": self.command(), "pwd_full": str(self.request.pwd), **told}
        return _about(
            self.ds, "run [dry-run]", "ok", message="Dry run", run_info=self.info(), dry_run_info=details
        )

    # --- before it -----------------------------------------------------------------------------

    def prepared(self) -> Iterator[Record]:
        """Fetch inputs and make outputs writable."""
        request = self.request
        wanted = [self.globs["extra_inputs"]] + ([] if request.assumes("inputs") else [self.globs["inputs"]])
        if any(wanted):
            log.info("Making sure inputs are available (this may take some time)")
        for globs in wanted:
            if globs:
                yield from fetch_inputs(self.ds, globs, jobs=request.jobs)
        if not request.assumes("outputs"):
            outputs = self.globs["outputs"].absolute()
            yield from make_outputs_writable(self.ds, outputs)
            again = request.again.outputs if request.again else ()
            named = set(outputs)
            yield from make_outputs_writable(self.ds, [path for path in again if path not in named])
        for globs in self.globs.values():
            globs.forget()

    # --- the run, and after it -----------------------------------------------------------------

    def run(self) -> Iterator[Record]:
        """Run the command, save what it changed, and tell."""
        if uses(self.request.command, "tmpdir"):
            import tempfile  # start-up: few commands ask for it

            self.tmpdir = tempfile.mkdtemp(prefix="datalad-run-", dir=self.ctx.env.get("TMPDIR"))
        command = self.command()
        info = self.info()
        before = Before(self.ds, explicit=self.request.explicit)
        had = set(self.globs["outputs"].absolute())
        code, healed = self._execute(command, before)
        info["exit"] = code
        self.globs["outputs"].forget()
        if self.request.expands("outputs"):
            info["outputs"] = self.globs["outputs"].specs
        outcome = _Outcome(self, command, info, code, healed)
        yield from outcome.told(before, had)

    def _execute(self, command: str, before: Before) -> tuple[int, list[Record]]:
        """Run the command on the user's own terminal; give its exit code, and what the guard had to heal."""
        watch = guard.Watch(self.ds)
        runner = self.ctx.runner.with_env({"PWD": str(self.request.pwd), **before.environment})
        log.info("== Command start (output follows) =====")
        code = None
        try:
            code = runner.call(["/bin/sh", "-c", command], cwd=self.request.pwd)
        finally:
            outputs = {str(path) for path in self.globs["outputs"].absolute()}
            healed = list(guard.heal(self.ds, watch.touched(), by="the command", outputs=outputs))
            for record in healed if code is None else healed[1:]:  # nobody else will tell these
                log.error("%s: %s", record["path"], text_of(record["message"]))
        log.info("== Command exit (modification check follows) =====")
        self.ds.forget()
        return code, healed


class _Outcome:
    """What became of a command that ended: what to save, and the records."""

    def __init__(
        self, running: _Running, command: str, info: dict[str, Any], code: int, healed: list[Record]
    ) -> None:
        self.running = running
        self.ds = running.ds
        self.request = running.request
        self.command = command
        self.info = info
        self.code = code
        self.healed = healed
        again = self.request.again
        self.failed = bool(code) and (again is None or again.exit_code != code)

    def told(self, before: Before, had: set[Path]) -> Iterator[Record]:
        """Save, and yield all records in DataLad's order."""
        payload, sidecar = self._recorded()
        message = runrecords.build_message(
            self.request.message or runrecords.shortened(self.command), payload
        )
        problem = before.problem(self._declared(), self.ds.config)
        if problem is not None:
            place = self._leave_message(message)
            hint = f"the run record is in {place}: rookery save -d {self.ds.path} -F {place}"
            yield _about(self.ds, "run", "error", message=problem, run_info=self.info, hints=[hint])
            yield from self.healed
            return
        paths = self._to_save(had, sidecar, before)
        wanted = paths is None or bool(paths)
        save_first = self.failed and self.request.on_cmd_failure in ("save", "all")
        if wanted and save_first:
            yield from self._saved(paths, message, before)
        yield from self._told(payload if sidecar else None, message if wanted and not save_first else None)
        if wanted and not save_first:
            yield from self._saved(paths, message, before)
        yield from self.healed

    def _told(self, identity: str | None, message: str | None) -> Iterator[Record]:
        """Yield the record of the run itself; leave the message behind for who stops at a failure."""
        failed = self.failed and self.request.on_cmd_failure != "save"
        place = None
        if self.failed and self.request.again is None and message is not None:
            place = self._leave_message(message)
        record = _about(
            self.ds,
            "run",
            "error" if failed else "ok",
            message=runrecords.shortened(self.command),
            run_info=self.info,
            exit_code=self.code,
            exception=self._exception(),
            record_id=identity.strip('"') if identity else None,
            hints=[f"{r['path']}: {text_of(r['message'])}" for r in self.healed] or None if failed else None,
        )
        record["msg_path"] = None if place is None else str(place)
        try:
            yield record
        except GeneratorExit:
            if place is not None:
                shown = place.relative_to(self.ds.path) if self.ds.path in place.parents else place
                log.info(
                    "The command had a non-zero exit code. If this is expected, you can save the changes with "
                    "'rookery save -d . -r -F %s'",
                    shown,
                )
            raise

    def _exception(self) -> CommandError | None:
        if not self.code:
            return None
        return CommandError(self.command, code=self.code, cwd=str(self.request.pwd))

    def _leave_message(self, message: str) -> Path:
        place = self.ds.repo.gitdir / "COMMIT_EDITMSG"
        files.write(place, message.encode("utf-8", "surrogateescape"))
        return place

    def _recorded(self) -> tuple[str, Path | None]:
        """Give what the message holds, and the sidecar file that was written if there is to be one."""
        config = self.ds.config
        text = runrecords.to_json(self.info)
        wanted = self.request.sidecar
        if not (config.getbool(runrecords.SIDECAR_SWITCH) if wanted is None else wanted):
            return text, None
        folder = str(config.get(runrecords.SIDECAR_FOLDER, runrecords.DEFAULT_SIDECAR_FOLDER))
        identity = runrecords.identity_of(text)
        place = self.ds.path / runrecords.sidecar_path(folder, identity)
        if not os.path.lexists(place):
            files.write(place, runrecords.pack_sidecar(self.info))
        return runrecords.quoted(identity), place

    def _declared(self) -> list[Path]:
        return self.running.globs["outputs"].absolute()

    def _to_save(self, had: set[Path], sidecar: Path | None, before: Before) -> list[Path] | None:
        """Give the paths to save, None for everything: with `explicit` what was declared, and what of it is gone."""
        if not self.request.explicit:
            return None
        there = self._declared()
        paths = [*there, *sorted(path for path in had.difference(there) if not os.path.lexists(path))]
        if not paths and self.request.outputs and before.commits_were_made():
            return None  # all that was declared was committed by the command itself, perhaps further down
        return [*paths, *([sidecar] if sidecar else [])]

    def _saved(self, paths: Sequence[Path] | None, message: str, before: Before) -> Iterator[Record]:
        given = [GivenPath(str(path), path, False) for path in paths or ()]
        how = How(
            message=message,
            inner_message=LEFT_BEHIND,
            jobs=self.request.jobs,
            since=before.commit if before.commits_were_made() else None,
        )
        yield from save_datasets(self.ds, given, upward=bool(given), recursive=True, how=how)
