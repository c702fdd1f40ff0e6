"""`clone`: obtain a dataset from a path or URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Annotated

from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.dataset.locate import require_dataset
from rookery.opkit.declare import PathLikeText, Positional, Record, Words, operation
from rookery.opkit.parameters import CfgProc, CloneMode, Description, Message
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.steps.obtaining.cloning import clone_into
from rookery.steps.obtaining.settle import Setup, check_reckless


def _obtained(record: Record) -> bool:
    return record["action"] == "install" and record.get("type") == "dataset"


@operation(result_xfm="successdatasets-or-none", result_filter=_obtained, return_type="item-or-list")
def clone(
    ctx: Context,
    source: Annotated[
        PathLikeText,
        Positional(
            "SOURCE", help="a URL, a path, a RIA address (ria+ssh://store#ID), or ///NAME", required=True
        ),
    ],
    path: Annotated[
        PathLikeText | None, Positional("PATH", help="where to; without it, a folder named like the source")
    ] = None,
    git_clone_opts: Annotated[
        Words, Positional("GIT CLONE OPTIONS", help="options for `git clone`, after the path", unknown=True)
    ] = None,
    *,
    dataset: DatasetParameter = None,
    description: Description = None,
    reckless: CloneMode = None,
    message: Message = None,
    cfg_proc: CfgProc = None,
) -> Iterator[Record]:
    """Obtain a dataset: its history and file names now, file content with `get` later.

    With -d the clone becomes a subdataset of DATASET, and that is saved.  What
    cannot be cloned leaves nothing behind; cloning again from the same source
    to the same place does nothing.
    """
    text = os.fspath(source)
    mode = "auto" if reckless in (True, "true") else reckless  # True: DataLad's older spelling
    check_reckless(mode)
    if path is not None and text == os.fspath(path):
        raise RookeryError(
            f"clone `source` and destination `path` are identical [{text}]",
            hints=["to make a folder that is there a subdataset, use `rookery save`"],
        )
    above = None if dataset is None else require_dataset(ctx, dataset, purpose="clone")
    from rookery.steps.running.procedures import configuring  # start-up: --help needs none

    yield from clone_into(
        ctx,
        text,
        path,
        above=above,
        setup=Setup(description, mode, tuple(git_clone_opts or ())),
        message=message,
        after=configuring(cfg_proc),
    )
