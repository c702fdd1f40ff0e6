"""Running a command with a record of it: prepare, run, look what changed, save, tell.

The one way by which `run`, `rerun` and procedures execute.  What changed becomes
one commit whose message is the run record (git.runrecords), in every dataset
of the hierarchy that was touched.  Where the command made commits of its own,
these are kept and wrapped into a merge that carries the record.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from rookery.core.context import Context
from rookery.core.environment import command_environment
from rookery.core.log import get_log
from rookery.core.results import text_of
from rookery.dataset.globs import Globs
from rookery.dataset.model import Dataset
from rookery.dataset.placeholders import PlaceholderError, Substitutions, fill, fill_specs, uses
from rookery.git.worktree import is_clean
from rookery.steps.running.history import Before
from rookery.steps.running.outcome import Outcome
from rookery.steps.running.preparation import (
    fetch_inputs,
    install_on_the_way,
    make_outputs_writable,
    unsaved,
)
from rookery.steps.running.request import Record, Request, about
from rookery.steps.saving import guard

log = get_log("rookery.run")

DIRTY = (
    "clean dataset required to detect changes from command; use `rookery status` to inspect unsaved changes"
)


def run_command(
    ctx: Context, ds: Dataset, request: Request, *, dry_run: str | None = None
) -> Iterator[Record]:
    """Run a command and record it; with `dry_run` only tell how it would be run.

    The record of the run itself says `error` if the command failed and that was
    not expected.  A caller who goes on after that gets the changes saved all
    the same; one who stops is told how to save them.
    """
    if request.again is None and not request.explicit and not is_clean(ds.repo):
        yield about(ds, "run", "impossible", message=DIRTY)
        return
    try:
        running = _Running(ctx, ds, request)
        running.check_command()
    except PlaceholderError as e:
        yield about(ds, "run", "impossible", message=e.message, hints=e.hints or None)
        return
    except _Unknown as e:
        yield about(ds, "run", "impossible", message=(f"{e.where}: %s", e.name))
        return
    refusal = running.refusal()
    if refusal is not None:
        yield refusal
        return
    if dry_run:
        yield {**running.foreseen(), "dry_run_mode": dry_run}
        return
    yield from running.prepared()
    yield from running.run()


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
        known = request.again.info if request.again else {}
        info: dict[str, Any] = {
            **{key: value for key, value in known.items() if key not in ("exit", "dsid")},
            "cmd": request.command,
            "chain": list(known.get("chain") or ()),
            **{
                name: self.globs[name].specs if request.expands(name) else specs
                for name, specs in self.specs.items()
            },
            "pwd": os.path.relpath(request.pwd, self.ds.path),
        }
        if self.ds.id:
            info["dsid"] = self.ds.id
        return info

    def refusal(self) -> Record | None:
        """Refuse to repeat a command on inputs that are not saved; whoever runs one anew is warned."""
        request = self.request
        if not request.explicit or request.assumes("inputs"):
            return None
        changed = unsaved(self.ds, [*self.globs["inputs"].absolute(dot=False)])
        if not changed:
            return None
        if request.again is None:
            log.warning(
                "inputs have unsaved changes, the record will not tell their content: %s", ", ".join(changed)
            )
            return None
        return about(
            self.ds,
            "run",
            "impossible",
            message=("inputs have unsaved changes, so the result could not be traced to them: %s", changed),
            hints=["save them first, or use --assume-ready inputs to run on them as they are"],
        )

    def foreseen(self) -> Record:
        """Tell how the command would be run."""
        told = {name: self.globs[name].expanded() for name in ("inputs", "outputs")}
        details = {"cmd_expanded": self.command(), "pwd_full": str(self.request.pwd), **told}
        return about(
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
            yield from install_on_the_way(self.ds, self.globs["outputs"])
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
        outcome = Outcome(self.ds, self.request, self.globs["outputs"], command, info, code, healed)
        yield from outcome.told(before, had)

    def _execute(self, command: str, before: Before) -> tuple[int, list[Record]]:
        """Run the command on the user's own terminal; give its exit code, and what the guard had to heal."""
        watch = guard.Watch(self.ds)
        runner = self.ctx.runner.with_env(
            {**command_environment(self.ctx.env), "PWD": str(self.request.pwd), **before.environment}
        )
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
        self.ds.ctx.settings.forget()  # also those of subdatasets
        return code, healed
