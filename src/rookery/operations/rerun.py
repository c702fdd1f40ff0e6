"""`rerun`: run recorded commands again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from itertools import dropwhile
from pathlib import Path
from typing import Annotated, Any, Literal

from rookery.annex import identity
from rookery.core import files
from rookery.core.context import Context
from rookery.core.errors import CommandError
from rookery.core.results import result
from rookery.dataset import placeholders
from rookery.dataset.globs import Globs
from rookery.dataset.locate import absolute, require_dataset
from rookery.dataset.model import Dataset
from rookery.git import refs, runrecords
from rookery.git.worktree import is_clean
from rookery.opkit.declare import PathLikeText, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import Jobs
from rookery.steps.running.recorded import Step, differences, range_of, read_steps, written_by
from rookery.steps.running.replay import Replay, author_and_date
from rookery.steps.running.request import Again, Request

STANDARD = frozenset({"cmd", "chain", "inputs", "extra_inputs", "outputs", "pwd", "dsid", "exit"})


@operation(renderer="rerun", on_failure="stop")
def rerun(
    ctx: Context,
    revision: Annotated[
        str | None, Positional("REVISION", help="the commit with the command; without it, the last one")
    ] = None,
    *,
    since: Annotated[
        str | None,
        option(
            "--since",
            help="repeat the commands of all commits after SINCE up to REVISION; an empty value means all",
        ),
    ] = None,
    dataset: DatasetParameter = None,
    branch: Annotated[
        str | None, option("-b", "--branch", metavar="NAME", help="make this branch first and run on it")
    ] = None,
    message: Annotated[
        str | None,
        option("-m", "--message", metavar="MESSAGE", help="use this message instead of the recorded one"),
    ] = None,
    onto: Annotated[
        str | None,
        option(
            "--onto",
            metavar="BASE",
            help="begin at this commit instead of the current one; an empty value means before the first command",
        ),
    ] = None,
    script: Annotated[
        PathLikeText | None,
        option(
            "--script",
            metavar="FILE",
            help="write the commands to a shell script (`-`: to the output), run none",
        ),
    ] = None,
    report: Annotated[
        bool, option("--report", help="run nothing; tell what would be done about each commit")
    ] = False,
    assume_ready: Annotated[
        Literal["inputs", "outputs", "both"] | None,
        option(
            "--assume-ready",
            help="do not prepare inputs or outputs; with `inputs`, take them as they are although they are not saved",
        ),
    ] = None,
    explicit: Annotated[
        bool,
        option(
            "--explicit",
            help="save only recorded outputs, and run although other things are not saved; inputs must be saved",
        ),
    ] = False,
    on_cmd_failure: Annotated[
        Literal["error", "save", "all"] | None,
        option(
            "--on-cmd-failure",
            help="when a command fails as it did not before: report it and save nothing (error), save and report "
            "success (save), or save and report it (all)",
        ),
    ] = None,
    jobs: Jobs = None,
) -> Iterator[Record]:
    """Run recorded commands again.

    Inputs are fetched, outputs unlocked, and what changes is saved with a new
    record that names the old one; outputs that come out the same leave no
    commit.  A command that ends with the recorded exit code has not failed.
    """
    ds = require_dataset(ctx, dataset, purpose="rerun a command")
    refusal = _refusal(ds, onto, branch, clean=script is not None or report or explicit)
    if refusal is not None:
        yield refusal
        return
    try:
        steps, base = _plan(ds, revision, since, onto)
    except _Impossible as e:
        yield e.record
        return
    begin = base if base is not None else "HEAD" if branch else None
    start = refs.resolve(ds.repo, begin) if begin is not None else None
    if script is not None:
        yield from _script(ctx, ds, steps, os.fspath(script), since, revision)
    elif report:
        yield from _report(ds, steps, start, branch, message)
    else:
        how = Request(
            "", ds.path, assume_ready=assume_ready, explicit=explicit, on_cmd_failure=on_cmd_failure
        )
        how = how._replace(jobs=jobs, message=message)
        replay = Replay(ctx, ds, lambda step: _again(ctx, ds, step, how))
        if start is not None:
            replay.check_out(start, branch)
        yield from replay.run(steps)


class _Impossible(Exception):
    def __init__(self, record: Record) -> None:
        self.record = record


def _said(ds: Dataset, status: Any, message: Any, **more: Any) -> Record:
    return result("run", ds.path, status, type="dataset", message=message, **more)


def _refusal(ds: Dataset, onto: str | None, branch: str | None, *, clean: bool) -> Record | None:
    """Say why nothing can be repeated here as asked; None if it can."""
    from rookery.steps.running.execute import DIRTY  # start-up: --help needs none of it

    head = refs.head(ds.repo)
    if not clean and not is_clean(ds.repo):
        return _said(ds, "impossible", DIRTY)
    if head.commit is None:
        return _said(ds, "impossible", "cannot rerun command, nothing recorded")
    if (onto is not None or branch is not None) and identity.is_managed_branch(ds.repo):
        which = "branch" if onto is None else "onto"
        return _said(ds, "impossible", ("--%s is incompatible with adjusted branch", which))
    if branch and refs.resolve(ds.repo, refs.HEADS + branch) is not None:
        return _said(ds, "error", f"branch '{branch}' already exists")
    return None


def _plan(
    ds: Dataset, revision: str | None, since: str | None, onto: str | None
) -> tuple[list[Step], str | None]:
    """Read the commits that are meant, and where to begin.  Raises _Impossible."""
    revision = revision or identity.corresponding_branch(ds.repo) or "HEAD"
    revisions = range_of(ds, revision, since)
    try:
        steps = list(read_steps(ds, revisions))
    except runrecords.RunRecordError as e:
        raise _Impossible(_said(ds, "error", str(e), hints=e.hints or None, exception=e)) from e
    except CommandError as e:
        said = ("cannot read the history of %s: %s", revisions, e.stderr.strip())
        raise _Impossible(_said(ds, "impossible", said, exception=e, exit_code=e.code)) from e
    if since is None or not since.strip():
        steps = list(dropwhile(lambda step: step.run is None, steps))
    first = next((step for step in steps if step.run is not None), None)
    if first is None:
        raise _Impossible(_said(ds, "impossible", ("No run commits found in range %s", revisions)))
    if onto is not None and not onto.strip():
        onto = f"{first.commit.sha}^"
    if onto is not None and refs.resolve(ds.repo, onto) is None:
        why = ("Revision specified for --onto (%s) does not exist.", onto)
        raise _Impossible(_said(ds, "error", why))
    return steps, onto


def _again(ctx: Context, ds: Dataset, step: Step, how: Request) -> Iterator[Record]:
    """Repeat the command of one commit."""
    from rookery.steps.running.execute import run_command  # start-up: --help needs none of it

    assert step.run is not None
    info = {**step.run.info, "chain": [*(step.run.info.get("chain") or ()), step.commit.sha]}
    pwd = Path(os.path.normpath(ds.path / str(info.get("pwd") or ".")))
    request = how._replace(
        command=placeholders.normalized(info["cmd"]),
        pwd=pwd,
        inputs=info.get("inputs") or [],
        outputs=info.get("outputs") or [],
        extra_inputs=info.get("extra_inputs") or [],
        message=how.message or step.run.message,
        again=Again(info, written_by(ds, step.commit)),
    )
    yield from run_command(ctx, ds, request)


def _report(
    ds: Dataset, steps: Sequence[Step], start: str | None, branch: str | None, message: str | None
) -> Iterator[Record]:
    """Tell what would be done."""
    if start is not None:
        record = _said(ds, "ok", None, commit=start, rerun_action="checkout")
        yield {**record, "branch": branch}
    for step in steps:
        record = step.record(ds)
        if step.action == "run":
            before = step.commit.parents[0]
            record["diff"] = list(differences(ds, before, step.commit.sha, refds=ds.path))
            record["author"], record["date"] = author_and_date(step.commit)
            record["rerun_message"] = message
        yield record


def _script(
    ctx: Context, ds: Dataset, steps: Sequence[Step], target: str, since: str | None, revision: str | None
) -> Iterator[Record]:
    """Write the commands as a shell script, to be run in the dataset's root."""
    commit = refs.resolve(ds.repo, revision or "HEAD")
    lines = [
        "#!/bin/sh",
        "#",
        "# This file was generated by running (the equivalent of)",
        "#",
        f"#   rookery rerun --script={target}{'' if since is None else f' --since={since}'} {commit}",
        "#",
        f"# in {f'dataset {ds.id} at ' if ds.id else ''}{ds.path}",
    ]
    try:
        for step in steps:
            if step.action == "run":
                lines += _script_lines(ctx, ds, step)
    except (KeyError, placeholders.PlaceholderError) as e:
        yield _said(ds, "impossible", ("command has an unrecognized placeholder: %s", str(e)))
        return
    text = "\n".join(lines) + "\n"
    if target.strip() == "-":
        yield result("run", ds.path, type="dataset", script=text)
        return
    files.write(absolute(ctx, target), text.encode("utf-8", "surrogateescape"))
    yield result("run", target, type="dataset", message=("Script written to %s", target))


def _script_lines(ctx: Context, ds: Dataset, step: Step) -> list[str]:
    assert step.run is not None
    info = step.run.info
    command = placeholders.normalized(info["cmd"])
    pwd = Path(os.path.normpath(ds.path / str(info.get("pwd") or ".")))
    substitutions = placeholders.Substitutions(ds.config)
    substitutions.refuse_if_unsafe(command, command=True)
    folder = os.path.join(ctx.env.get("TMPDIR") or "/tmp", f"datalad-run-{step.commit.sha[:12]}")
    values: dict[str, Any] = {
        **substitutions.values,
        "pwd": str(pwd),
        "dspath": str(ds.path),
        "tmpdir": folder,
    }
    for name in ("inputs", "outputs"):
        specs = placeholders.fill_specs(info.get(name) or [], {**substitutions.values, **info})
        values[name] = [placeholders.joined([path]) for path in Globs(specs, pwd).expanded(dot=False)]
    expanded = placeholders.fill(command, values)
    words = "" if step.run.message == runrecords.shortened(expanded) else step.run.message
    described = ds.repo.run("describe", step.commit.sha, ok=(0, 128)).text or step.commit.sha
    lines = ["", "\n".join(f"# {line}" for line in words.splitlines()), f"# (record: {described})"]
    if placeholders.uses(command, "tmpdir"):
        lines.append(f"mkdir -p {placeholders.joined([folder])}")
    if pwd != ds.path:
        below = placeholders.joined([os.path.relpath(pwd, ds.path)])
        expanded = f"(\ncd {below} || exit\n{expanded}\n)"
    return [*lines, expanded]
