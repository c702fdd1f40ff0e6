"""`create`: make a new dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

from rookery.core.context import Context
from rookery.core.errors import RookeryError
from rookery.core.results import SUCCESS, result
from rookery.dataset import unfinished
from rookery.dataset.locate import absolute, find_dataset, require_dataset
from rookery.dataset.model import Dataset
from rookery.opkit.declare import PathLikeText, Positional, Record, Words, operation, option
from rookery.opkit.parameters import CfgProc, Description, Message
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.steps.obtaining.making import make_dataset, refusal


def _new(record: Record) -> bool:
    return record["action"] == "create" and record.get("type") == "dataset" and record["status"] in SUCCESS


@operation(result_xfm="datasets", result_filter=_new, return_type="item-or-list")
def create(
    ctx: Context,
    path: Annotated[
        PathLikeText | None, Positional("PATH", help="where; without it, the current folder")
    ] = None,
    initopts: Annotated[
        Words, Positional("INITOPTS", help="options for `git init`, after the path", unknown=True)
    ] = None,
    *,
    force: Annotated[
        bool,
        option("-f", "--force", help="make a dataset in a folder that is not empty, or of a Git repository"),
    ] = False,
    description: Description = None,
    dataset: DatasetParameter = None,
    annex: Annotated[bool, option("--no-annex", help="make a plain Git repository, without an annex")] = True,
    fake_dates: Annotated[
        bool,
        option("--fake-dates", help="use invented dates for all commits, so that they can be reproduced"),
    ] = False,
    cfg_proc: CfgProc = None,
    message: Message = None,
) -> Iterator[Record]:
    """Make a new dataset: a Git repository with an annex for file content.

    With -d the new dataset becomes a subdataset of DATASET, and that is saved;
    without a PATH, DATASET itself is made.  A folder that is not empty is
    refused without --force; files in it stay as they are, unsaved.
    """
    options = list(initopts or [])
    if not annex and description:
        raise RookeryError(
            "Incompatible arguments: cannot specify description for annex repo and declaring no annex repo."
        )
    if "--bare" in options:
        raise RookeryError(
            "Creation of bare repositories is not supported.",
            hints=["make one with `git init --bare`, and push an existing dataset to it"],
        )
    above, new = _places(ctx, dataset, path)
    refds = new.path if dataset is not None and above is None else None if above is None else above.path
    refused = refusal(new, above, force=force or unfinished.left_behind(new.path))
    if refused is not None:
        status, why = refused
        yield result("create", new.path, status, type="dataset", refds=refds, message=why)
        return
    yield from make_dataset(
        new,
        above,
        refds=refds,
        initopts=options,
        annex=annex,
        description=description,
        fake_dates=fake_dates,
        configure=_configuring(ctx, cfg_proc) if cfg_proc else None,
        message=message,
    )


def _configuring(ctx: Context, names: Sequence[str]) -> Callable[[Dataset], Iterator[Record]]:
    """Find procedures before anything is made, and give what runs them."""
    from rookery.steps.running import procedures  # start-up: most datasets are made without

    setups = [procedures.find_configuration(ctx, None, name) for name in names]

    def configure(made: Dataset) -> Iterator[Record]:
        for setup in setups:
            yield from procedures.run_procedure(ctx, made, setup)

    return configure


def _places(
    ctx: Context, dataset: PathLikeText | None, path: PathLikeText | None
) -> tuple[Dataset | None, Dataset]:
    """Give the superdataset, if there is to be one, and the place of the new dataset."""
    if dataset is None:
        return None, Dataset(absolute(ctx, path if path is not None else "."), ctx)
    named = find_dataset(ctx, dataset)
    new = named if path is None or named is None else Dataset(absolute(ctx, path), ctx)
    if new is not None and named is not None and new.path == named.path:
        return None, new
    return require_dataset(ctx, dataset, purpose="create a subdataset"), Dataset(
        absolute(ctx, path or "."), ctx
    )
