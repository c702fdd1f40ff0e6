"""`foreach-dataset`: run a command in a dataset and each of its subdatasets."""

from __future__ import annotations

import contextlib
import inspect
import io
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from rookery.core.context import Context
from rookery.core.environment import command_environment
from rookery.core.errors import CommandError, InsufficientArgumentsError, RookeryError, UsageError
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset import hierarchy
from rookery.dataset.locate import given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.dataset.placeholders import PlaceholderError, fill, normalized
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import Jobs, RecursionLimit, Recursive
from rookery.steps.together import Order, together

log = get_log("rookery.foreach")

# A message shows this much of what was captured.
SHOWN = 100


class Seen(NamedTuple):
    """A dataset as commands and expressions see it: `{ds.path}`, `ds.id`."""

    path: str
    id: str | None
    pathobj: Path
    repo: Any
    config: Any

    def __str__(self) -> str:
        return f"Dataset({self.path})"


class Task(NamedTuple):
    """What is to be done in each dataset."""

    ctx: Context
    command: Any
    kind: Literal["external", "exec", "eval"]
    streams: Literal["capture", "pass-through", "relpath"]
    there: bool
    reference: Dataset
    seen_from: Path


@operation(renderer="foreach_dataset", summary="never")
def foreach_dataset(
    ctx: Context,
    cmd: Annotated[
        Any,
        Positional("COMMAND", help="the command, after the options; `--` may part them", rest=True),
    ] = None,
    *,
    cmd_type: Annotated[
        Literal["auto", "external", "exec", "eval"],
        option(
            "--cmd-type",
            help="what the command is: a program (external, the default), Python statements (exec) or a Python "
            "expression, whose value the result tells (eval)",
        ),
    ] = "auto",
    dataset: DatasetParameter = None,
    state: Annotated[
        Literal["present", "absent", "any"],
        option("--state", help="which subdatasets: those that are installed, those that are not, or all"),
    ] = "present",
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    contains: Annotated[
        Many,
        option(
            "--contains",
            metavar="PATH",
            append=True,
            help="only the subdatasets that PATH is in, or is; may be given several times",
        ),
    ] = None,
    bottomup: Annotated[
        bool, option("--bottomup", help="begin with the deepest subdatasets, end with the top")
    ] = False,
    subdatasets_only: Annotated[
        bool, option("-s", "--subdatasets-only", help="leave the dataset itself out")
    ] = False,
    output_streams: Annotated[
        Literal["capture", "pass-through", "relpath"],
        option(
            "--output-streams",
            "--o-s",
            help="what the command prints: put it into the result (capture), let it through (pass-through), or show "
            "it with the subdataset's path before each line (relpath)",
        ),
    ] = "pass-through",
    chpwd: Annotated[
        Literal["ds", "pwd"],
        option("--chpwd", help="where to run: in each dataset (ds), or in the current folder (pwd)"),
    ] = "ds",
    safe_to_consume: Annotated[
        Literal["auto", "all-subds-done", "superds-done", "always"],
        option(
            "--safe-to-consume",
            help="with several jobs, when a dataset's turn comes: after all below it, after the one above it, or "
            "at any time; auto follows the direction",
        ),
    ] = "auto",
    jobs: Jobs = None,
) -> Iterator[Record]:
    """Run a command in a dataset and each of its subdatasets.

    Without -r that is the dataset and those directly below it. In the command,
    {ds} and {refds} stand for the current dataset and the one at the top
    ({ds.path}, {ds.id}), {dspath} for the current one's path, {pwd} for the
    current folder and {tmpdir} for a new temporary folder.
    """
    if not cmd:
        raise InsufficientArgumentsError("No command given")
    top = require_dataset(ctx, dataset, purpose="foreach-dataset execution")
    kind = _kind(cmd, cmd_type)
    seen_from = ctx.cwd if dataset is None else top.path
    code = cmd if kind == "external" else _code(cmd)
    task = Task(ctx, code, kind, output_streams, chpwd == "ds", top, seen_from)
    limits = [one.path for one in given_paths(ctx, contains)]
    found = hierarchy.walk(
        top, recursive=recursive, limit=recursion_limit, containing=limits, state=state, bottomup=bottomup
    )
    places = [one.path for one in found]
    if not (subdatasets_only or contains):
        places = [*places, top.path] if bottomup else [top.path, *places]
    order: Order = {"all-subds-done": "below first", "superds-done": "above first", "always": "any"}.get(
        safe_to_consume, "below first" if bottomup else "above first"
    )  # type: ignore[assignment] # the table's values are the words of the type
    workers = _workers(top, jobs, kind, task)
    yield from together(places, lambda place: [_one(task, place)], order=order, workers=workers)


def _kind(cmd: Any, asked: str) -> Literal["external", "exec", "eval"]:
    code = _function(cmd) is not None
    if asked == "auto":
        return "eval" if code else "external"
    if code and asked != "eval":
        raise UsageError(f"a function can only be run as cmd_type 'eval', not {asked!r}")
    return asked  # type: ignore[return-value] # the words of the option are these and `auto`


def _function(cmd: Any) -> Callable[..., Any] | None:
    return cmd if inspect.isfunction(cmd) or inspect.isbuiltin(cmd) else None


def _code(cmd: Any) -> Any:
    """Give the one expression, or the function.  Raises RookeryError for several."""
    if _function(cmd) is not None or isinstance(cmd, str):
        return cmd
    words = [word for word in cmd if word != "--"]
    if len(words) != 1:
        raise RookeryError(f"Please provide a single Python expression. Got {len(words)}: {words!r}")
    return words[0]


def _workers(top: Dataset, jobs: int | str | None, kind: str, task: Task) -> int:
    if jobs in (None, "auto"):
        jobs = top.config.getint("datalad.runtime.max-jobs", 1)
    workers = int(jobs or 1)
    if workers > 1 and kind != "external" and (task.there or task.streams != "pass-through"):
        log.warning(
            "Python commands cannot change the folder or be captured in parallel, so they run one by one"
        )
        return 1
    return workers


def _one(task: Task, place: Path) -> Record:
    """Do it in one dataset."""
    ds = Dataset(place, task.ctx)
    told = result("foreach-dataset", place, type="dataset", command=task.command)
    if task.streams == "relpath":
        told["relpath"] = (
            "" if place == task.seen_from else os.path.join(os.path.relpath(place, task.seen_from), "")
        )
    if not ds.is_installed():
        return {**told, "status": "impossible", "message": "not installed"}
    values = {
        "pwd": str(task.ctx.cwd),
        "ds": _seen(ds),
        "dspath": str(place),
        "refds": _seen(task.reference),
        "tmpdir": tempfile.mkdtemp(prefix="datalad-run-") if "tmpdir" in str(task.command) else "",
    }
    try:
        more = _external(task, ds, values) if task.kind == "external" else _python(task, ds, values)
    except KeyError as e:
        if task.kind == "external":
            message = ("command has an unrecognized placeholder: %s", str(e))
            return {**told, "status": "impossible", "message": message}
        return _failed(told, e)
    except PlaceholderError as e:
        return {**told, "status": "impossible", "message": e.message}
    except Exception as e:  # noqa: BLE001 # the person's own code may raise anything
        return _failed(told, e)
    captured = {name: more[name] for name in ("stdout", "stderr") if name in more}
    if any(captured.values()):
        shown = repr(captured)
        more["message"] = (
            shown if len(shown) <= SHOWN else f"{shown[: SHOWN // 2]}<...>{shown[-SHOWN // 2 :]}"
        )
    return {**told, **more}


def _failed(told: Record, error: Exception) -> Record:
    record = {**told, "status": "error", "message": str(error), "exception": error}
    if isinstance(error, CommandError):
        record["exit_code"] = error.code
    return record


def _seen(ds: Dataset) -> Seen:
    return Seen(str(ds.path), ds.id, ds.path, ds.repo, ds.config)


def _external(task: Task, ds: Dataset, values: dict[str, Any]) -> Record:
    """Run a program; a string, or a list of one word, is a shell command."""
    command = fill(normalized(task.command), values, attributes=True)
    folder = ds.path if task.there else task.ctx.cwd
    runner = task.ctx.runner.with_env({**command_environment(task.ctx.env), "PWD": str(folder)})
    argv: Sequence[str] = ["/bin/sh", "-c", command]
    if task.streams == "pass-through":
        code = runner.call(argv, cwd=folder)
        if code:
            raise CommandError(command, code=code, cwd=str(folder))
        return {}
    done = runner.run(argv, cwd=folder, ok=None)
    out, err = (raw.decode("utf-8", "replace") for raw in (done.stdout, done.stderr))
    if done.code:
        raise CommandError(command, code=done.code, stdout=out, stderr=err, cwd=str(folder))
    return {"stdout": out, "stderr": err}


def _python(task: Task, ds: Dataset, values: dict[str, Any]) -> Record:
    """Run the person's own Python code, with the placeholders as its names."""
    more: Record = {}
    with contextlib.ExitStack() as stack:
        if task.there:
            stack.enter_context(contextlib.chdir(ds.path))
        out, err = io.StringIO(), io.StringIO()
        if task.streams != "pass-through":
            stack.enter_context(contextlib.redirect_stdout(out))
            stack.enter_context(contextlib.redirect_stderr(err))
        if _function(task.command) is not None:
            more["result"] = task.command(**values)
        elif task.kind == "eval":
            more["result"] = eval(task.command, values)
        else:
            exec(task.command, values)
        if task.streams != "pass-through":
            more.update(stdout=out.getvalue(), stderr=err.getvalue())
    return more
