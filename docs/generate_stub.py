"""Write `src/rookery/signatures.pyi`: the Python functions and `Dataset` methods, typed, read off the operations.

    python docs/generate_stub.py            # write it
    python docs/generate_stub.py --check    # end with 1 if it is not current

For type checkers and editors only: at run time `rookery.api` makes functions when they are first used.
"""

from __future__ import annotations

import sys
import types
import typing
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from rookery.operations.table import TABLE, load
from rookery.opkit.declare import REQUIRED, Many, Operation, Parameter

FILE = Path(__file__).parents[1] / "src" / "rookery" / "signatures.pyi"
WIDTH = 110

HEAD = '''\
"""The Python functions and `Dataset` methods for type checkers.  Written by docs/generate_stub.py; do not edit."""

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, Literal

from rookery.api import Dataset

Many = str | PathLike[str] | Sequence[str | PathLike[str]] | None
Place = Dataset | str | PathLike[str] | None
'''

COMMON = (
    'return_type: Literal["list", "generator", "item-or-list"] | None = ...',
    "result_filter: Callable[[dict[str, Any]], bool] | None = ...",
    "result_xfm: str | Callable[[dict[str, Any]], Any] | None = ...",
    "result_renderer: str | Callable[..., Any] | None = ...",
    'on_failure: Literal["ignore", "continue", "stop"] | None = ...',
)


def spelled(kind: Any) -> str:
    """Write a type as source text."""
    if kind is None or kind is type(None):
        return "None"
    if typing.get_origin(kind) is typing.Literal:
        words = ", ".join(f'"{w}"' if isinstance(w, str) else repr(w) for w in typing.get_args(kind))
        return f"Literal[{words}]"
    if isinstance(kind, types.UnionType) or typing.get_origin(kind) is typing.Union:
        return " | ".join(spelled(part) for part in typing.get_args(kind))
    if kind == PathLike[str]:
        return "PathLike[str]"
    if typing.get_origin(kind) is not None:
        inner = ", ".join(spelled(part) for part in typing.get_args(kind))
        return f"{typing.get_origin(kind).__name__}[{inner}]"
    return str(getattr(kind, "__name__", "Any"))


def kind_of(parameter: Parameter) -> str:
    """Write the type of a parameter as callers may use it."""
    if parameter.name == "dataset":
        return "Place"
    if parameter.type == Many:
        return "Many"
    return spelled(parameter.type)


def parameters_of(op: Operation, *, method: bool) -> Iterator[str]:
    """Write the parameters; a method's dataset is itself."""
    named = False
    for parameter in op.parameters:
        if not parameter.by_place and not named:
            named = True
            yield "*"
        if method and parameter.name == "dataset":
            continue
        default = "" if parameter.default is REQUIRED else " = ..."
        yield f"{parameter.name}: {kind_of(parameter)}{default}"
    if not named:
        yield "*"
    yield from COMMON


def outcome_of(op: Operation) -> str:
    """Write what comes back; it depends on how results are asked for, except where one dataset is expected."""
    return "Dataset" if op.result_xfm is not None and op.return_type == "item-or-list" else "Any"


def definition(name: str, parameters: Sequence[str], outcome: str, indent: str = "") -> str:
    """Write one definition as the formatter would."""
    line = f"{indent}def {name}({', '.join(parameters)}) -> {outcome}: ..."
    if len(line) <= WIDTH:
        return line
    inside = "".join(f"{indent}    {parameter},\n" for parameter in parameters)
    return f"{indent}def {name}(\n{inside}{indent}) -> {outcome}: ..."


def stub() -> str:
    """Write the whole file."""
    operations = sorted((load(command) for command in TABLE), key=lambda op: op.name)
    functions = [
        definition(op.name, list(parameters_of(op, method=False)), outcome_of(op)) for op in operations
    ]
    methods = [
        definition(op.name, ["self", *parameters_of(op, method=True)], outcome_of(op), "    ")
        for op in operations
    ]
    return "\n".join([HEAD, *functions, "", "class Methods:", *methods]) + "\n"


def main() -> int:
    """Write the file, or say whether it is current."""
    text = stub()
    if "--check" in sys.argv[1:]:
        return int(text != FILE.read_text())
    FILE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
