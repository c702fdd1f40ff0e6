"""Procedures: scripts that set up a dataset, found by name.

Searched, in DataLad's order: the person's folder, the system's, further ones
that are configured, the dataset's `.datalad/procedures`, its subdatasets'
likewise, the shipped ones, and those of installed DataLad extensions.  Where to
look and how to call (`datalad.locations.*`, `datalad.procedures.*`) is never
heard from a dataset's committed configuration.  A script in a dataset runs only
if a person asks for it by name.
"""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rookery.core.config import Config
from rookery.core.context import Context
from rookery.core.errors import CommandError, InsufficientArgumentsError, RookeryError
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset import hierarchy
from rookery.dataset.model import Dataset
from rookery.dataset.placeholders import joined
from rookery.git import runrecords
from rookery.steps.running.request import Record, Request, about
from rookery.steps.running.shipped import SHIPPED

log = get_log("rookery.run")

SHIPPED_FOLDER = Path(__file__).parents[2] / "resources" / "procedures"
IN_DATASET = ".datalad/procedures"


class ProcedureNotFound(RookeryError):
    """No procedure has this name."""


class Procedure(NamedTuple):
    """One procedure: where it is, how it is called; `state` is executable, absent (no content here) or None."""

    name: str
    file: Path
    type: str | None
    template: str | None
    state: str | None
    help: str | None = None

    def as_record(self, refds: Path | None) -> Record:
        """Give the keys that tell of it."""
        return {
            "procedure_name": self.name,
            "procedure_type": self.type,
            "procedure_callfmt": self.template,
            "state": self.state,
            "refds": None if refds is None else str(refds),
        }


def discover(ctx: Context, ds: Dataset | None) -> Iterator[Procedure]:
    """Yield all procedures, the ones that win before those of the same name that they hide; each file once."""
    seen: set[Path] = set()
    for folder in _folders(ctx, ds):
        for file in _scripts(folder):
            if file not in seen:
                seen.add(file)
                yield _described(file, _settings(ctx, ds))


def find(ctx: Context, ds: Dataset | None, name: str) -> Procedure:
    """Find the procedure of a name.  Raises ProcedureNotFound."""
    for folder in _folders(ctx, ds):
        for file in _scripts(folder):
            if file.name == name or (file.name.startswith(f"{name}.") and file.suffix in (".py", ".sh")):
                return _described(file, _settings(ctx, ds), name)
    raise ProcedureNotFound(
        f"Cannot find procedure with name '{name}'", hints=["`rookery run-procedure --discover` lists them"]
    )


def find_configuration(ctx: Context, ds: Dataset | None, name: str) -> Procedure:
    """Find what `-c NAME` means: the procedure cfg_NAME.  Raises ProcedureNotFound, naming what was asked for."""
    try:
        return find(ctx, ds, f"cfg_{name}")
    except ProcedureNotFound as e:
        raise ProcedureNotFound(f"Cannot find procedure with name '{name}'", hints=e.hints) from e


def configuring(names: Sequence[str] | None) -> Callable[[Dataset], Iterator[Record]] | None:
    """Give what `-c NAME` adds to the set-up of a dataset that was obtained; None if nothing.

    The person's own and the shipped procedures come first: what was cloned may
    be a stranger's, and must not put itself in the place of a known name.
    """
    if not names:
        return None

    def configure(ds: Dataset) -> Iterator[Record]:
        for name in names:
            try:
                found = find_configuration(ds.ctx, None, name)
            except ProcedureNotFound:
                found = find_configuration(ds.ctx, ds, name)
            yield from run_procedure(ds.ctx, ds, found)

    return configure


def run_procedure(ctx: Context, ds: Dataset, spec: str | Sequence[str] | Procedure) -> Iterator[Record]:
    """Run a procedure on a dataset: a found one, or a name with arguments (a string is split as a shell would).

    Yields one `run` record.  A procedure saves by itself what it wants saved.
    """
    arguments: list[str] = []
    if not isinstance(spec, Procedure):
        name, *arguments = words_of(spec)
        spec = find(ctx, ds, name)
    if spec.state == "absent":
        raise RookeryError(
            f"procedure {spec.file} has no content here", hints=[f"get it: rookery get {spec.file}"]
        )
    if not spec.template:
        raise RookeryError(f"No idea how to execute procedure {spec.file}. Missing 'execute' permissions?")
    try:
        command = spec.template.format(
            script=shlex.quote(str(spec.file)), ds=shlex.quote(str(ds.path)), args=joined(arguments)
        )
    except (KeyError, IndexError, ValueError) as e:
        raise RookeryError(
            f"datalad.procedures.{spec.name}.call-format cannot be understood: {e}",
            hints=["it may use {script}, {ds} and {args}; other braces are written twice"],
        ) from e
    log.info("Running procedure %s", spec.name)
    inside = SHIPPED.get(spec.name) if spec.file.parent == SHIPPED_FOLDER else None
    if inside is not None and not arguments and spec.template == _python():
        yield from _in_process(ds, spec, command)
    else:
        literal = command.replace("{", "{{").replace("}", "}}")
        from rookery.steps.running.execute import run_command  # start-up: most procedures are shipped

        yield from run_command(ctx, ds, Request(literal, ds.path, explicit=True))
    ds.forget()


def _in_process(ds: Dataset, procedure: Procedure, command: str) -> Iterator[Record]:
    """Do what a shipped script would do, and tell of it as if it had been started."""
    info: dict[str, Any] = {"chain": [], "cmd": command, "extra_inputs": [], "inputs": [], "outputs": []}
    info |= {"pwd": ".", "exit": 0, **({"dsid": ds.id} if ds.id else {})}
    problem: RookeryError | None = None
    log.info("== Command start (output follows) =====")
    try:
        SHIPPED[procedure.name](ds)
    except RookeryError as e:
        problem = e
        info["exit"] = 1
    log.info("== Command exit (modification check follows) =====")
    record = about(
        ds,
        "run",
        "ok" if problem is None else "error",
        message=runrecords.shortened(command),
        run_info=info,
        exit_code=info["exit"],
        error_message=None if problem is None else problem.message,
        exception=None if problem is None else CommandError(command, problem.message, 1, cwd=str(ds.path)),
        hints=None if problem is None else problem.hints or None,
    )
    record["msg_path"] = None
    yield record


# --- where they are ------------------------------------------------------------------------------


def _settings(ctx: Context, ds: Dataset | None) -> Config:
    return ctx.settings.at(ctx.cwd) if ds is None else ds.config


def _folders(ctx: Context, ds: Dataset | None) -> Iterator[Path]:
    settings = _settings(ctx, ds)
    home = Path(ctx.env.get("HOME") or os.path.expanduser("~"))
    user = ctx.env.get("XDG_CONFIG_HOME") or home / ".config"
    system = (ctx.env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(os.pathsep)[0]
    for kind, default in (("user", user), ("system", system), ("extra", None)):
        values = settings.values(f"datalad.locations.{kind}-procedures")
        if not values and default is not None:
            values = (str(Path(default) / "datalad" / "procedures"),)
        yield from (Path(os.path.expanduser(value)) for value in values)
    if ds is not None and ds.is_installed():
        below = settings.values("datalad.locations.dataset-procedures") or (IN_DATASET,)
        for one in hierarchy.datasets_below(ds, recursive=True):
            yield from (one.path / folder for folder in below)
    yield SHIPPED_FOLDER
    yield from _extension_folders()


def _extension_folders() -> Iterator[Path]:
    """Yield the procedure folders of DataLad extensions, without loading their code."""
    import importlib.metadata  # start-up: only for names that nobody else has
    import importlib.util

    for point in importlib.metadata.entry_points(group="datalad.extensions"):
        top = point.value.partition(":")[0].partition(".")[0]
        spec = importlib.util.find_spec(top)
        for place in (spec and spec.submodule_search_locations) or ():
            yield Path(place) / "resources" / "procedures"


def _scripts(folder: Path) -> list[Path]:
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []  # most places have none
    return [folder / name for name in names if not name.startswith(("_", "."))]


def _described(file: Path, settings: Config, name: str | None = None) -> Procedure:
    name = name or (file.stem if file.suffix in (".py", ".sh") else file.name)
    kind, template, state = _kind(file)
    template = settings.get(f"datalad.procedures.{name}.call-format") or template
    return Procedure(name, file, kind, template, state, settings.get(f"datalad.procedures.{name}.help"))


def _python() -> str:
    return f"{shlex.quote(sys.executable).replace('{', '{{').replace('}', '}}')} {{script}} {{ds}} {{args}}"


def _kind(file: Path) -> tuple[str | None, str | None, str | None]:
    """Say what a script is, how it is called, and whether it can be."""
    if file.is_symlink() and not file.exists():
        return None, None, "absent"
    if file.is_dir():
        return None, None, None
    if file.suffix == ".sh":
        return "bash_script", "bash {script} {ds} {args}", "executable"
    if file.suffix == ".py":
        return "python_script", _python(), "executable"
    if os.access(file, os.X_OK):
        return "executable", "{script} {ds} {args}", "executable"
    return None, None, None


def records_of_all(ctx: Context, ds: Dataset | None) -> Iterator[Record]:
    """Yield a record for each procedure; those hidden by another of the same name say so."""
    active: set[str] = set()
    refds = None if ds is None else ds.path
    for one in discover(ctx, ds):
        if one.state is None:
            continue
        state = "overridden" if one.name in active else one.state
        message = (one.type or "unknown type") + ("" if state == "executable" else f" ({state})")
        told = result("discover_procedure", one.file, type="file", message=message)
        told.update(one._replace(state=state).as_record(refds), procedure_help=one.help)
        if state == "executable":
            active.add(one.name)
        yield told


def record_of_help(ctx: Context, ds: Dataset | None, name: str) -> Record:
    """Give the record with the help text of a procedure.  Raises ProcedureNotFound."""
    found = find(ctx, ds, name)
    status: Any = "ok" if found.help else "impossible"
    message = found.help or f"No help available for '{name}'"
    told = result("procedure_help", found.file, status, type="file", message=message)
    told.update(found.as_record(None if ds is None else ds.path))
    return told


def words_of(spec: Any) -> list[str]:
    """Give a procedure's name and arguments: of a list, or of a string as a shell would split it."""
    if spec is None:
        return []
    return shlex.split(spec) if isinstance(spec, str) else [str(word) for word in spec]


def require_name(spec: Sequence[str] | None) -> str:
    """Give the name that a person typed.  Raises InsufficientArgumentsError."""
    if not spec:
        raise InsufficientArgumentsError("requires at least a procedure name")
    return spec[0]
