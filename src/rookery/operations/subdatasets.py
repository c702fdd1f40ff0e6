"""`subdatasets`: list registered subdatasets and edit what `.gitmodules` says of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from rookery.core.context import Context
from rookery.core.errors import CommandError, RookeryError
from rookery.core.results import result
from rookery.dataset.hierarchy import Subdataset, walk
from rookery.dataset.locate import given_paths, require_dataset
from rookery.dataset.model import Dataset
from rookery.git import modules
from rookery.opkit.declare import Many, Positional, Record, Words, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import RecursionLimit, Recursive
from rookery.steps.saving.commit import commit_changes

PROPERTY = re.compile(r"[A-Za-z][-A-Za-z0-9]*")
MESSAGE = "[DATALAD] modified subdataset properties"


@operation(summary="never")
def subdatasets(
    ctx: Context,
    path: Annotated[Many, Positional("PATH", help="only those at or below here")] = None,
    *,
    dataset: DatasetParameter = None,
    state: Annotated[
        Literal["present", "absent", "any"],
        option("--state", help="only those that are installed here, or only those that are not"),
    ] = "any",
    fulfilled: Annotated[
        str | bool | None,
        option("--fulfilled", metavar="BOOL", choices=("true", "false"), help="older spelling of --state"),
    ] = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
    contains: Annotated[
        Many,
        option(
            "--contains",
            metavar="PATH",
            append=True,
            help="only those that this path is in (it need not exist); may be given several times",
        ),
    ] = None,
    bottomup: Annotated[
        bool, option("--bottomup", help="tell subdatasets before the ones that hold them")
    ] = False,
    set_property: Annotated[
        list[tuple[str, str]] | None,
        option(
            "--set-property",
            metavar=("NAME", "VALUE"),
            append=True,
            help="set a property in .gitmodules and save; a value in '<...>' is a template with {gitmodule_name}, "
            "{refds_relpath}, {refds_relname} and all that a record has; may be given several times",
        ),
    ] = None,
    delete_property: Annotated[
        Words,
        option("--delete-property", metavar="NAME", append=True, help="remove a property, and save"),
    ] = None,
) -> Iterator[Record]:
    """List registered subdatasets, installed or not.

    Without PATH and -d, those below the current folder are listed.
    """
    wanted = _state(state, fulfilled)
    _check_names(set_property or [])
    ds = require_dataset(ctx, dataset, purpose="report on subdataset(s)")
    given = given_paths(ctx, path)
    under = [one.path for one in given] or None
    if under is None and dataset is None and ctx.cwd != ds.path:
        under = [ctx.cwd]
    sought = [one.path for one in given_paths(ctx, contains)]
    hit: set[Path] = set()
    missed = set(under or []) if given else set()
    walked = walk(
        ds,
        recursive=recursive,
        limit=recursion_limit,
        under=under,
        containing=sought,
        state=wanted,
        bottomup=bottomup,
    )
    edits = bool(set_property or delete_property)
    for one in list(walked) if edits else walked:
        missed -= {p for p in missed if p == one.path or p in one.path.parents}
        inside = [p for p in sought if p == one.path or one.path in p.parents]
        hit.update(inside)
        properties = dict(one.properties)
        if edits:
            yield from _edit(
                Dataset(one.parent, ctx), one, ds, properties, set_property or [], delete_property or []
            )
        yield _record(one._replace(properties=properties), ds, inside)
    for lost in (p for p in sought if p not in hit):
        why = "path not contained in any matching subdataset"
        yield result("subdataset", lost, "impossible", refds=ds.path, message=why)
    for lost in sorted(missed):
        if not lost.exists():
            why = "path does not exist, and no subdataset is registered there"
            yield result("subdataset", lost, "impossible", refds=ds.path, message=why)


def _check_names(properties: Sequence[tuple[str, str]]) -> None:
    for name, _ in properties:
        if not PROPERTY.fullmatch(name):
            raise RookeryError(
                f"key '{name}' is invalid (alphanumeric plus '-' only, must start with a letter)"
            )


def _state(state: Any, fulfilled: Any) -> Any:
    if fulfilled is None:
        return state
    if state != "any":
        raise RookeryError("Do not specify both 'fulfilled' and 'state', use 'state'")
    return "present" if fulfilled in (True, "true") else "absent"


def _record(one: Subdataset, ds: Dataset, inside: list[Path]) -> Record:
    record = result("subdataset", one.path, type="dataset", refds=ds.path, **one.as_record())
    if inside:
        record["contains"] = [str(p) for p in inside]
    return record


def _edit(
    above: Dataset,
    one: Subdataset,
    ds: Dataset,
    properties: dict[str, str],
    wanted: list[tuple[str, str]],
    unwanted: Words,
) -> Iterator[Record]:
    """Change an entry of `.gitmodules` and save that file; `properties` follow."""
    if one.name is None:
        why = f"there is no entry in {above.path / modules.FILE} for this subdataset"
        hints = ["`rookery save` the subdataset again to have it listed"]
        yield result(
            "subdataset", one.path, "impossible", type="dataset", refds=ds.path, message=why, hints=hints
        )
        return
    for name in unwanted or []:
        if properties.pop(name.lower(), None) is None:
            why = "Deleting subdataset property '%s' failed for subdataset '%s', possibly did not exist"
            yield {
                **_record(one, ds, []),
                "status": "impossible",
                "message": (why, name, one.name),
            }
            continue
        modules.edit_module(above.repo, one.name, None, **{name.replace("-", "_"): None})
    for name, template in wanted:
        try:
            value = _value(template, _record(one, ds, []), one, ds)
            modules.edit_module(above.repo, one.name, None, **{name.replace("-", "_"): value})
        except (CommandError, KeyError) as e:
            yield {
                **_record(one, ds, []),
                "status": "error",
                "message": ("Failed to set property '%s': %s", name, _why(e)),
                "exception": e,
            }
            continue
        properties[name.lower()] = value
    for record in commit_changes(above, [modules.FILE], message=MESSAGE, refds=ds.path, to_git=True):
        yield {**record, "refds": str(ds.path)}


def _why(error: Exception) -> str:
    return f"the template names {error}, which is not known" if isinstance(error, KeyError) else str(error)


def _value(template: str, record: Mapping[str, Any], one: Subdataset, ds: Dataset) -> str:
    """Fill in a template, which is a value in angle brackets; other values stay as they are."""
    if not (template.startswith("<") and template.endswith(">") and "{" in template):
        return template
    place = str(one.path.relative_to(ds.path))
    values = {**record, "refds_relpath": place, "refds_relname": place.replace("/", "-")}
    return template[1:-1].format(**values)
