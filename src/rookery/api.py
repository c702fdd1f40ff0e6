"""The Python face: the functions, parameters and records of `datalad.api`.

    from rookery.api import Dataset, clone
    ds = clone("https://example.org/data.git", "data")
    ds.get("raw/scan-01.nii.gz")

Every command is a function here (`download-url` is `download_url`) and a method
of `Dataset`, with the dataset filled in and relative paths taken from its root.
All take `return_type`, `result_filter`, `result_xfm`, `result_renderer` and
`on_failure` too.  Failures raise IncompleteResultsError at the end, its `.failed`
holding the records.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rookery.core.config import Config
from rookery.core.context import Context, make_context
from rookery.core.errors import (
    CommandError,
    IncompleteResultsError,
    InsufficientArgumentsError,
    NoDatasetArgumentFound,
    NoDatasetFound,
)
from rookery.core.results import SUCCESS
from rookery.dataset.hierarchy import superdataset_of
from rookery.dataset.locate import find_dataset
from rookery.dataset.model import Dataset as Model
from rookery.git.repo import find_root
from rookery.operations.table import TABLE, load
from rookery.opkit.declare import REQUIRED, Operation, Record, bind
from rookery.opkit.drive import drive
from rookery.opkit.hooks import caller, configured, runner_of
from rookery.render.choose import renderer_for

if TYPE_CHECKING:
    # Functions and methods are made when they are first used; type checkers read what they will be.
    from rookery.signatures import (
        Methods,
        clone,
        configuration,
        copy_file,
        create,
        create_sibling_gin,
        create_sibling_gitea,
        create_sibling_gogs,
        create_sibling_hub,
        create_sibling_webdav,
        credentials,
        deposit,
        diff,
        download_url,
        drop,
        export_archive,
        foreach_dataset,
        get,
        install,
        push,
        remove,
        rerun,
        run,
        run_procedure,
        save,
        shell_completion,
        siblings,
        status,
        subdatasets,
        unlock,
        update,
        whereis,
        wtf,
    )
else:
    Methods = object

__all__ = [
    "CommandError",
    "Dataset",
    "IncompleteResultsError",
    "InsufficientArgumentsError",
    "NoDatasetArgumentFound",
    "NoDatasetFound",
    "addurls",
    "clone",
    "configuration",
    "copy_file",
    "create",
    "create_sibling_gin",
    "create_sibling_gitea",
    "create_sibling_gogs",
    "create_sibling_hub",
    "create_sibling_webdav",
    "credentials",
    "deposit",
    "diff",
    "download_url",
    "drop",
    "export_archive",
    "foreach_dataset",
    "get",
    "hub",
    "install",
    "push",
    "remove",
    "rerun",
    "run",
    "run_procedure",
    "save",
    "shell_completion",
    "siblings",
    "status",
    "subdatasets",
    "unlock",
    "update",
    "whereis",
    "wtf",
]

COMMON = ("return_type", "result_filter", "result_xfm", "result_renderer", "on_failure")


def _context(folder: Path | None = None) -> Context:
    if folder is None:
        said = os.environ.get("PWD", "")
        here = os.getcwd()
        folder = Path(said) if os.path.isabs(said) and _same(said, here) else Path(here)
    ctx = make_context(cwd=folder, env=dict(os.environ))
    return ctx._replace(read_input=lambda: sys.stdin.buffer.read())


def _same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return False


class Dataset(Methods):
    """A dataset at a path, whether it exists yet or not; two are equal when they are the same place."""

    def __init__(self, path: str | os.PathLike[str] | Dataset) -> None:
        text = path.path if isinstance(path, Dataset) else os.fspath(path)
        ctx = _context()
        found = find_dataset(ctx, text)
        self._path = found.path if found is not None else Path(os.path.abspath(text))

    @property
    def path(self) -> str:
        """The absolute path, as text."""
        return str(self._path)

    @property
    def pathobj(self) -> Path:
        """The absolute path."""
        return self._path

    @property
    def _model(self) -> Model:
        return Model(self._path, _context(self._path if self._path.is_dir() else None))

    @property
    def id(self) -> str | None:
        """The dataset's identity; None if it has none."""
        return self._model.id

    @property
    def config(self) -> Config:
        """The settings that hold in this dataset, as they are now."""
        return self._model.config

    @property
    def repo(self) -> Any:
        """The repository, None if there is none here."""
        from rookery.dataset.repository import Repository  # start-up: many scripts never ask

        model = self._model
        return Repository(model, self._act) if model.is_installed() else None

    def _act(self, name: str, **named: Any) -> list[Record]:
        """Run an operation silently and give all its records, failed ones too."""
        silent = {
            "result_renderer": "disabled",
            "on_failure": "ignore",
            "return_type": "list",
            "result_xfm": None,
        }
        found: list[Record] = _call(load(name), (), {"dataset": self, **silent, **named})
        return found

    def is_installed(self) -> bool:
        """Say whether a repository is here."""
        return find_root(self._path) == self._path

    def get_superdataset(
        self, datalad_only: bool = False, topmost: bool = False, registered_only: bool = True
    ) -> Dataset | None:
        """Give the dataset above (or the topmost), None if there is none.

        `registered_only` asks that each step up is a registered subdataset,
        `datalad_only` that it has a dataset id.
        """
        found = superdataset_of(
            self._model, topmost=topmost, registered=registered_only, with_id=datalad_only
        )
        return None if found is None else Dataset(found.path)

    def close(self) -> None:
        """Do nothing: no program is kept running between calls."""

    def __fspath__(self) -> str:
        return self.path

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dataset) and (self._path == other._path or _same(self.path, other.path))

    def __hash__(self) -> int:
        return hash(os.path.realpath(self.path))

    def __repr__(self) -> str:
        return f"Dataset({self.path!r})"

    def __str__(self) -> str:
        return f"Dataset({self.path})"

    if not TYPE_CHECKING:  # they read `Methods`, and tell of a mistyped name

        def __getattr__(self, name: str) -> Callable[..., Any]:
            command = name.replace("_", "-")
            if command not in TABLE:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

            def method(*places: Any, **named: Any) -> Any:
                return _call(load(command), places, {"dataset": self, **named})

            return _dressed(method, load(command), without=("dataset",))

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name.replace("-", "_") for name in TABLE)]


def _dressed(function: Any, op: Operation, *, without: Sequence[str] = ()) -> Any:
    """Give a function the name, documentation and signature of its operation, for people who ask for help."""
    from inspect import Parameter, Signature  # start-up

    kinds = {True: Parameter.POSITIONAL_OR_KEYWORD, False: Parameter.KEYWORD_ONLY}
    named = [
        Parameter(p.name, kinds[p.by_place], default=Parameter.empty if p.default is REQUIRED else p.default)
        for p in op.parameters
        if p.name not in without
    ]
    named += [Parameter(name, Parameter.KEYWORD_ONLY, default=None) for name in COMMON]
    function.__name__ = function.__qualname__ = op.name
    function.__doc__ = op.function.__doc__
    function.__signature__ = Signature(named)
    return function


def _call(op: Operation, places: tuple[Any, ...], named: dict[str, Any]) -> Any:
    common = {key: named.pop(key) for key in COMMON if key in named}
    if "dataset" in named and "dataset" not in {p.name for p in op.parameters}:
        place = named.pop("dataset")
        named.setdefault("path", place)
    within = named.get("dataset")
    folder = within.pathobj if isinstance(within, Dataset) and within.pathobj.is_dir() else None
    arguments = {name: _plain(value) for name, value in bind(op, places, named).items()}
    outcome = _records(op, _context(folder), arguments, common)
    kind = common.get("return_type") or op.return_type
    if kind == "generator":
        return outcome
    results = list(outcome)
    if kind == "item-or-list":
        return results[0] if len(results) == 1 else results or None
    return results


def _plain(value: Any) -> Any:
    """Turn datasets among the arguments into their paths."""
    if isinstance(value, Dataset):
        return value.path
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return value


def _records(
    op: Operation, ctx: Context, arguments: Mapping[str, Any], common: Mapping[str, Any]
) -> Iterator[Any]:
    root = find_root(ctx.cwd)
    settings = ctx.settings.at(ctx.cwd, dataset=root)
    renderer = renderer_for(
        common.get("result_renderer", "tailored"),
        tailored=op.renderer,
        say=_say,
        summary=op.summary,
        seen_from=None if arguments.get("dataset") is not None else str(ctx.cwd),
    )
    keep = _kept(op, common)
    transform = _transform(common.get("result_xfm", op.result_xfm), ctx)
    for record in drive(
        op.function(ctx, **arguments),
        on_failure=common.get("on_failure") or op.on_failure,
        renderer=renderer,
        keep=keep,
        hooks=runner_of(configured(settings), arguments.get("dataset"), caller(load, ctx)),
    ):
        outcome = transform(record)
        if outcome is not None:
            yield outcome


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _kept(op: Operation, common: Mapping[str, Any]) -> Callable[[Record], bool] | None:
    asked = common.get("result_filter")
    own = op.result_filter if "result_xfm" not in common else None
    if asked is None or own is None:
        return asked or own
    return lambda record: bool(asked(record) and own(record))


def _transform(xfm: Any, ctx: Context) -> Callable[[Record], Any]:
    if xfm is None:
        return lambda record: record
    if callable(xfm):
        return lambda record: xfm(record)
    table: dict[str, Callable[[Record], Any]] = {
        "datasets": lambda r: Dataset(r["path"]) if r.get("type") == "dataset" else None,
        "successdatasets-or-none": lambda r: (
            Dataset(r["path"]) if r.get("type") == "dataset" and r["status"] in SUCCESS else None
        ),
        "paths": lambda r: r.get("path"),
        "relpaths": lambda r: (
            os.path.relpath(r["path"], r.get("refds") or ctx.cwd) if r.get("path") else None
        ),
        "metadata": lambda r: r.get("metadata"),
    }
    if xfm not in table:
        raise ValueError(f"unknown result_xfm {xfm!r}; choose one of {', '.join(table)}, or a function")
    return table[xfm]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        command = name.replace("_", "-")
        if command not in TABLE or "-" in name:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        op = load(command)

        def function(*places: Any, **named: Any) -> Any:
            return _call(op, places, named)

        globals()[name] = _dressed(function, op)
        return function


def __dir__() -> list[str]:
    return sorted(__all__)
