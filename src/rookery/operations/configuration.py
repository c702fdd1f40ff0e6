"""`configuration`: read and write settings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from rookery.core.config import BRANCH_FILE, LAYERS, PROTECTED, Config, SettingError, canonical
from rookery.core.context import Context
from rookery.core.errors import CommandError, NoDatasetFound
from rookery.core.log import get_log
from rookery.core.registry import SETTINGS, known
from rookery.core.results import result
from rookery.dataset.hierarchy import datasets_below
from rookery.dataset.locate import require_dataset
from rookery.dataset.model import Dataset
from rookery.opkit.declare import Many, Positional, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter
from rookery.opkit.parameters import RecursionLimit, Recursive

log = get_log("rookery.configuration")

Action = Literal["dump", "get", "set", "unset"]
Scope = Literal["global", "local", "branch"]

NOT_SET = 5  # git-config's exit code for unsetting what is not there


@operation(renderer="configuration", summary="never")
def configuration(
    ctx: Context,
    action: Annotated[
        Action, Positional("{dump,get,set,unset}", help="what to do; without it, show all settings")
    ] = "dump",
    spec: Annotated[Many, Positional("NAME[=VALUE]", help="settings; for set, with their values")] = None,
    *,
    scope: Annotated[
        Scope | None,
        option(
            "--scope",
            help="where settings are written (without it: local) or read (without it: everywhere): "
            "branch is the committed .datalad/config of a dataset, local this clone only, global the user's",
        ),
    ] = None,
    dataset: DatasetParameter = None,
    recursive: Recursive = False,
    recursion_limit: RecursionLimit = None,
) -> Iterator[Record]:
    """Read and write settings.

    What is told by dump and get is what holds, whichever source it comes from.
    Changes with --scope branch are not committed; use `save`.
    """
    specs = [_split(one) for one in spec or ()]  # type: ignore[union-attr]  # a list: see Many
    _check(action, scope, specs)
    top = _dataset(ctx, action, dataset) if scope != "global" or recursive else None
    if top is None:
        yield from _configure(ctx, None, action, scope, specs)
        return
    for ds in datasets_below(top, recursive=recursive, limit=recursion_limit):
        for record in _configure(ctx, ds, action, scope, specs):
            record["refds"] = str(top.path)
            if recursive:
                record["recursive"] = True  # tells the renderer to name the dataset
            yield record


def _split(spec: Any) -> tuple[str, str | None]:
    """Read `name=value`, `name`, or a pair (Python)."""
    if isinstance(spec, tuple):
        return str(spec[0]), str(spec[1])
    name, equals, value = str(spec).partition("=")
    return name, value if equals else None


def _check(action: str, scope: str | None, specs: Sequence[tuple[str, str | None]]) -> None:
    if action == "dump" and scope is not None:
        raise SettingError("Scope selection is not supported for dumping")
    if action != "set":
        return
    missing = [name for name, value in specs if value is None]
    if missing:
        raise SettingError(f"Values must be provided for all configuration settings. Missing: {missing}")
    invalid = [name for name, _ in specs if "." not in name]
    if invalid:
        raise SettingError(f'Name must contain a section (i.e. "section.name"). Invalid: {invalid}')


def _dataset(ctx: Context, action: str, typed: Any) -> Dataset | None:
    try:
        return require_dataset(ctx, typed, purpose="configure")
    except NoDatasetFound:
        if action != "dump" or typed is not None:
            raise
        return None


def _configure(
    ctx: Context,
    ds: Dataset | None,
    action: str,
    scope: str | None,
    specs: Sequence[tuple[str, str | None]],
) -> Iterator[Record]:
    """Do it in one place, yielding a record for each setting."""
    config = ctx.settings.at(ctx.cwd) if ds is None else ds.config
    if action == "dump" and not specs:
        named = (name for name in SETTINGS if name[-1] not in ".-")
        specs = [(name, None) for name in sorted({*config.keys(), *named})]
    for name, value in specs:
        if "." not in name:
            record = _record(ds, "configuration", "error", type="dataset")
            record["message"] = ("Configuration key without a section: '%s'", name)
        elif action in ("dump", "get"):
            record = _read(ds, config, action, scope, name)
        else:
            record = _write(ctx, ds, action, scope, name, value)
        yield record
    if action in ("set", "unset"):
        ctx.settings.forget()


def _record(ds: Dataset | None, action: str, status: Any = "ok", **more: Any) -> Record:
    record = result(action, "" if ds is None else ds.path, status, **more)
    if ds is None:
        del record["path"]  # as in DataLad: settings of the user are nowhere
    return record


def _read(ds: Dataset | None, config: Config, action: str, scope: str | None, name: str) -> Record:
    about = known(name)
    default = about.default if about else None
    record = _record(ds, f"{action}_configuration", name=name)
    # there also when it is nothing
    record["value"] = config.get(name, default) if scope is None else _from_scope(config, scope, name)
    if action == "dump" and about is not None:
        record["purpose"] = about.purpose
    return record


def _from_scope(config: Config, scope: str, name: str) -> str | None:
    """Read from one source; as in DataLad, `local` includes what Git reads with it."""
    wanted = {"branch": ("branch",), "global": ("system", "global")}.get(
        scope, ("system", "global", "local", "worktree")
    )
    for layer in reversed(LAYERS):
        if layer in wanted and (values := config.layers[layer].get(canonical(name))):
            return values[-1]
    return None


def _write(
    ctx: Context, ds: Dataset | None, action: str, scope: str | None, name: str, value: str | None
) -> Record:
    argv: list[Any] = ["git", "config"]
    if scope == "global":
        argv.append("--global")
    elif scope == "branch":
        assert ds is not None
        (ds.path / BRANCH_FILE).parent.mkdir(exist_ok=True)
        argv += ["-f", ds.path / BRANCH_FILE]
        if PROTECTED.match(canonical(name)):
            log.warning(
                "%s is not heard from a committed configuration, as a stranger may have written it", name
            )
    else:
        argv.append("--local")
    argv += ["--unset-all", name] if value is None or action == "unset" else ["--replace-all", name, value]
    done = f"{action}_configuration"
    try:
        ctx.runner.run(argv, cwd=ctx.cwd if ds is None else ds.path)
    except CommandError as e:
        why = f"configuration '{name}' does not exist ({e})" if e.code == NOT_SET else str(e)
        return _record(ds, done, "error", name=name, message=why, exception=e)
    return _record(ds, done, name=name, value=value if action == "set" else None)
