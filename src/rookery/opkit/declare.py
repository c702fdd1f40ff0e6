"""What an operation is: one generator function, and what its signature says.

    @operation(group="content")
    def get(
        ctx: Context,
        path: Annotated[Many, Positional("PATH", help="...")] = None,
        *,
        source: Annotated[str | None, Option("-s", "--source", metavar="NAME", help="...")] = None,
    ) -> Iterator[Record]:
        \"\"\"Get file content ...\"\"\"

The command line, the Python function, the `Dataset` method, the reference page
and the completion are all read off this.  Parameters before the `*` may be
given by position in Python, as in DataLad.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Annotated, Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

Record = dict[str, Any]

PathLikeText = str | PathLike[str]
Many = str | PathLike[str] | Sequence[str | PathLike[str]] | None
"""One value or several; the operation always receives a list, or None."""

Words = Sequence[str] | None
"""The same for what can only be text."""

OnFailure = Literal["ignore", "continue", "stop"]


class Option(NamedTuple):
    """How a parameter looks on the command line, with flags; several metavars: so many values each time."""

    flags: tuple[str, ...]
    help: str
    metavar: str | tuple[str, ...] | None
    const: Any
    optional: bool
    append: bool
    choices: tuple[str, ...]


class Positional(NamedTuple):
    """How a parameter looks on the command line, by place; `rest` takes everything that follows."""

    metavar: str
    help: str
    rest: bool = False
    unknown: bool = False
    required: bool = False


def option(
    *flags: str,
    help: str,
    metavar: str | tuple[str, ...] | None = None,
    const: Any = None,
    append: bool = False,
    choices: Sequence[str] = (),
) -> Option:
    """Describe flags.  `const` is what the flag means without a value; `append` collects repeats in a list."""
    return Option(flags, help, metavar, const, const is not None, append, tuple(choices))


class Parameter(NamedTuple):
    """One parameter, read off the signature."""

    name: str
    default: Any
    type: Any
    look: Option | Positional | None
    by_place: bool

    @property
    def is_flag(self) -> bool:
        """Say whether the parameter is a plain yes or no (None: not said, as in DataLad's signatures)."""
        return self.type is bool or self.type == (bool | None)

    @property
    def takes_many(self) -> bool:
        """Say whether the parameter is a list."""
        return bool(self.type in (Many, Words))

    @property
    def choices(self) -> tuple[str, ...]:
        """Give the words that are allowed, if the type lists them."""
        named = self.look.choices if isinstance(self.look, Option) else ()
        if named:
            return named
        for part in (self.type, *get_args(self.type)):
            if get_origin(part) is Literal:
                return tuple(str(word) for word in get_args(part))
        return ()

    @property
    def is_number(self) -> bool:
        """Say whether the value is a whole number."""
        return self.type is int or int in get_args(self.type)


class Operation(NamedTuple):
    """An operation and how its results are treated unless somebody says otherwise.

    `renderer` names a tailored renderer (render room) or "generic"; `summary`
    tells when the action summary is printed: "several" records, "always",
    "never".
    """

    name: str
    function: Callable[..., Iterator[Record]]
    renderer: str
    on_failure: OnFailure
    result_xfm: str | None
    result_filter: Callable[[Record], bool] | None
    return_type: str
    summary: Literal["several", "always", "never"]

    @property
    def command(self) -> str:
        """The name on the command line."""
        return self.name.replace("_", "-")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters after the context, in order."""
        function: Any = self.function
        code = function.__code__
        hints = get_type_hints(function, include_extras=True)
        places = code.co_varnames[1 : code.co_argcount]
        named = code.co_varnames[code.co_argcount : code.co_argcount + code.co_kwonlyargcount]
        defaults: dict[str, Any] = dict(function.__kwdefaults__ or {})
        given = function.__defaults__ or ()
        defaults.update(zip(places[len(places) - len(given) :], given, strict=True))
        return tuple(
            _parameter(name, hints[name], defaults.get(name, REQUIRED), name in places)
            for name in (*places, *named)
        )


class _Required:
    def __repr__(self) -> str:
        return "<required>"


REQUIRED: Any = _Required()


def _parameter(name: str, hint: Any, default: Any, by_place: bool) -> Parameter:
    look = None
    if get_origin(hint) is Annotated:
        hint, *notes = get_args(hint)
        look = next((note for note in notes if isinstance(note, (Option, Positional))), None)
    return Parameter(name, default, hint, look, by_place)


def operation(
    *,
    renderer: str = "generic",
    on_failure: OnFailure = "continue",
    result_xfm: str | None = None,
    result_filter: Callable[[Record], bool] | None = None,
    return_type: str = "list",
    summary: Literal["several", "always", "never"] = "several",
) -> Callable[[Callable[..., Iterator[Record]]], Operation]:
    """Declare a generator function as an operation."""

    def declare(function: Callable[..., Iterator[Record]]) -> Operation:
        return Operation(
            function.__name__,
            function,
            renderer,
            on_failure,
            result_xfm,
            result_filter,
            return_type,
            summary,
        )

    return declare


def bind(op: Operation, places: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
    """Match Python arguments to parameters, one value of a list parameter to a list.

    Raises TypeError as any call would, and ValueError for a word that is not one of a parameter's choices.
    """
    parameters = op.parameters
    known = {p.name: p for p in parameters}
    by_place = [p.name for p in parameters if p.by_place]
    if len(places) > len(by_place):
        raise TypeError(
            f"{op.name}() takes {len(by_place)} positional arguments but {len(places)} were given"
        )
    values = dict(zip(by_place, places, strict=False))
    for name, value in named.items():
        if name not in known:
            raise TypeError(f"{op.name}() got an unexpected keyword argument {name!r}")
        if name in values:
            raise TypeError(f"{op.name}() got multiple values for argument {name!r}")
        values[name] = value
    missing = [p.name for p in parameters if p.default is REQUIRED and p.name not in values]
    if missing:
        raise TypeError(f"{op.name}() is missing required arguments: {', '.join(missing)}")
    for name, value in values.items():
        choices = known[name].choices
        if choices and isinstance(value, str) and value not in choices:
            raise ValueError(f"{op.name}() takes {' or '.join(choices)} as {name}, not {value!r}")
    return {name: _as_list(value) if known[name].takes_many else value for name, value in values.items()}


def _as_list(value: Any) -> Any:
    if value is None or isinstance(value, (list, Mapping)):
        return value  # a mapping says more than a list could: its operation knows
    return [value] if isinstance(value, (str, bytes, PathLike)) else list(value)
