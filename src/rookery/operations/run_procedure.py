"""`run-procedure`: run a configured procedure on a dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from rookery.core.context import Context
from rookery.dataset.locate import find_dataset, require_dataset
from rookery.opkit.declare import Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.steps.running import procedures


@operation(renderer="run_procedure", summary="never")
def run_procedure(
    ctx: Context,
    spec: Annotated[
        Any,
        Positional("NAME", help="the procedure, and arguments for it; options come before it", rest=True),
    ] = None,
    *,
    dataset: DatasetParameter = None,
    discover: Annotated[
        bool, option("--discover", help="run nothing; list the procedures that can be found")
    ] = False,
    help_proc: Annotated[
        bool,
        option("--help-proc", help="run nothing; show the help text (datalad.procedures.NAME.help) of one"),
    ] = False,
) -> Iterator[Record]:
    """Run a configured procedure on a dataset.

    A procedure is a script that gets the dataset's path: a Python or shell
    script, or any program. It is searched by name in the folders that the
    settings datalad.locations.{user,system,extra}-procedures name, in the
    dataset's and its subdatasets' .datalad/procedures, and among the shipped
    ones: cfg_text2git, cfg_yoda and cfg_noannex. The setting
    datalad.procedures.NAME.call-format says how to call it, with {script}, {ds}
    and {args}; a dataset's committed configuration is not asked.
    """
    ds = find_dataset(ctx, dataset)
    if discover:
        yield from procedures.records_of_all(ctx, ds)
        return
    found = _from_discovery(spec)
    words = procedures.words_of(spec) if found is None else []
    if found is None:
        name = procedures.require_name(words)
        if help_proc:
            yield procedures.record_of_help(ctx, ds, name)
            return
    ds = require_dataset(ctx, dataset, purpose="track command outcomes")
    yield from procedures.run_procedure(ctx, ds, found or words)


def _from_discovery(spec: Any) -> procedures.Procedure | None:
    """Take a record of `--discover` for what it describes, as DataLad's Python face does."""
    given = spec[0] if isinstance(spec, (list, tuple)) and len(spec) == 1 else spec
    if not isinstance(given, dict):
        return None
    return procedures.Procedure(
        given["procedure_name"],
        Path(given["path"]),
        given["procedure_type"],
        given["procedure_callfmt"],
        given["state"],
        given.get("procedure_help"),
    )
