"""`run`: run a command and record how its results came to be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from rookery.core.config import parse_bool
from rookery.core.context import Context
from rookery.core.errors import UsageError
from rookery.core.log import get_log
from rookery.dataset.locate import require_dataset
from rookery.dataset.placeholders import normalized
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import Jobs, Message
from rookery.steps.running.request import Request, Which

log = get_log("rookery.run")


@operation(renderer="run", on_failure="stop", summary="never")
def run(
    ctx: Context,
    cmd: Annotated[
        Many, Positional("COMMAND", help="the command, after the options; `--` may part them", rest=True)
    ] = None,
    *,
    dataset: DatasetParameter = None,
    inputs: Annotated[
        Many,
        option(
            "-i",
            "--input",
            metavar="PATH",
            append=True,
            help="what the command reads: a file, folder or pattern (`**` for any depth); its content is fetched "
            "first. May be given several times",
        ),
    ] = None,
    outputs: Annotated[
        Many,
        option(
            "-o",
            "--output",
            metavar="PATH",
            append=True,
            help="what the command writes: unlocked first, or removed if its content is not here. "
            "May be given several times",
        ),
    ] = None,
    expand: Annotated[
        Which | None, option("--expand", help="record the files that patterns match, not the patterns")
    ] = None,
    assume_ready: Annotated[
        Which | None,
        option("--assume-ready", help="do not prepare inputs or outputs: they are known to be ready"),
    ] = None,
    explicit: Annotated[
        bool,
        option(
            "--explicit", help="save only what --output names, and run although other things are not saved"
        ),
    ] = False,
    message: Message = None,
    sidecar: Annotated[
        str | bool | None,
        option(
            "--sidecar",
            metavar="{yes|no}",
            help="put the record into a file of its own (.datalad/runinfo), not into the commit message",
        ),
    ] = None,
    dry_run: Annotated[
        Literal["basic", "command"] | None,
        option("--dry-run", help="run nothing; show what would be run (basic), or the command alone"),
    ] = None,
    on_cmd_failure: Annotated[
        Literal["error", "save", "all"] | None,
        option(
            "--on-cmd-failure",
            help="when the command fails: report it and save nothing (error), save and report success (save), "
            "or save and report it (all)",
        ),
    ] = None,
    jobs: Jobs = None,
) -> Iterator[Record]:
    """Run a command and record how its results came to be.

    What the command changes is saved with a record of the command, what it
    read and what it wrote, so that `rerun` can repeat it.  The dataset must
    have no unsaved changes, unless --explicit says what to save.  A command
    that changes nothing leaves no record.  When it fails nothing is saved, and
    its exit code becomes ours.

    In the command, {inputs} and {outputs} stand for what -i and -o name
    ({inputs[0]} for the first), {pwd} for the current folder, {dspath} for the
    dataset, {tmpdir} for a new temporary folder, and {NAME} for the setting
    datalad.run.substitutions.NAME.  Write other braces twice: {{ and }}.
    """
    if not cmd:
        log.warning("No command given")
        return
    from rookery.steps.running.execute import run_command  # start-up: --help needs none of it

    ds = require_dataset(ctx, dataset, purpose="track command outcomes")
    request = Request(
        normalized([str(word) for word in cmd] if isinstance(cmd, (list, tuple)) else str(cmd)),
        ctx.cwd,
        inputs=_texts(inputs),
        outputs=_texts(outputs),
        expand=expand,
        assume_ready=assume_ready,
        explicit=explicit,
        message=message,
        sidecar=_yes_or_no(sidecar),
        on_cmd_failure=on_cmd_failure,
        jobs=jobs,
    )
    yield from run_command(ctx, ds, request, dry_run=dry_run)


def _texts(values: Many) -> list[str]:
    return [str(value) for value in values] if isinstance(values, (list, tuple)) else []


def _yes_or_no(value: str | bool | None) -> bool | None:
    try:
        return parse_bool(value) if isinstance(value, str) else value
    except ValueError:
        raise UsageError(f"--sidecar takes yes or no, not {value!r}") from None
