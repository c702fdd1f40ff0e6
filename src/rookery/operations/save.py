"""`save`: record changes in a dataset's history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from rookery.core.context import Context
from rookery.core.errors import UsageError
from rookery.dataset.locate import absolute, given_paths, require_dataset
from rookery.opkit.declare import Many, PathLikeText, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import DryRun, Jobs, Message, RecursionLimit, Recursive


@operation()
def save(
    ctx: Context,
    path: Annotated[
        Many, Positional("PATH", help="what to save; without it, everything that changed in the dataset")
    ] = None,
    *,
    message: Message = None,
    dataset: DatasetParameter = None,
    version_tag: Annotated[
        str | None,
        option("-t", "--version-tag", metavar="ID", help="tag the saved state of each dataset as well"),
    ] = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    updated: Annotated[
        bool, option("-u", "--updated", help="save only what is tracked already, no new files")
    ] = False,
    message_file: Annotated[
        PathLikeText | None,
        option("-F", "--message-file", metavar="FILE", help="take the description of the change from a file"),
    ] = None,
    to_git: Annotated[
        bool | None,
        option(
            "--to-git",
            help="put content into Git itself instead of the annex; it travels with every clone from then on",
        ),
    ] = None,
    jobs: Jobs = None,
    amend: Annotated[
        bool, option("--amend", help="make the changes part of the last commit, which is replaced")
    ] = False,
    since: Annotated[
        str | None,
        option(
            "--since",
            metavar="COMMIT",
            help="wrap what was committed after COMMIT, and what is saved now, into one merge commit",
        ),
    ] = None,
    dry_run: DryRun = False,
) -> Iterator[Record]:
    """Record changes in a dataset's history.

    New files go to the annex or to Git as the dataset's rules say; deletions,
    renames and changed subdatasets are recorded as well.  Each save makes one
    commit that holds exactly the named paths, whatever else is changed or
    staged, and however many saves run at the same time.  With -d every dataset
    between the path and DATASET is saved too.
    """
    if message is not None and message_file is not None:
        raise UsageError("Both a message and message file were specified for save()")
    if amend and recursive:
        raise UsageError("Cannot amend a commit recursively.")
    if amend and since is not None:
        raise UsageError("Cannot amend when using --since; --since creates a merge commit.")
    if message_file is not None:
        message = absolute(ctx, message_file).read_text("utf-8", "surrogateescape")
    top = require_dataset(ctx, dataset, purpose="save")
    given = given_paths(ctx, path)
    upward = dataset is not None
    if dry_run:
        from rookery.steps.saving.preview import preview_save  # start-up

        yield from preview_save(
            top,
            given,
            upward=upward,
            recursive=recursive,
            limit=recursion_limit,
            updated=updated,
            to_git=to_git,
        )
        return
    from rookery.steps.saving.save import How, save_datasets  # start-up: --help needs none of it

    how = How(
        message=message,
        updated=updated,
        to_git=to_git,
        amend=amend,
        jobs=jobs,
        version_tag=version_tag,
        since=since,
    )
    yield from save_datasets(top, given, upward=upward, recursive=recursive, limit=recursion_limit, how=how)
