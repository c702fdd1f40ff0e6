"""Result hooks: configured calls that follow a matching record.

`datalad.result-hook.NAME.match-json` is an object of record keys and wanted
values; a list `[OP, VALUE]` compares with eq, neq, in or nin.
`datalad.result-hook.NAME.call-json` is a command name and a JSON object of its
arguments, in which `{key}` stands for the record's values and `{dsarg}` for the
dataset argument.  Both are heard from the user's own configuration only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from rookery.core.config import Config, SettingError
from rookery.opkit.declare import Operation, Record, bind

PREFIX = "datalad.result-hook."


class Hook(NamedTuple):
    """One configured hook; `call` still has its placeholders."""

    name: str
    match: Mapping[str, Any]
    command: str
    arguments: str


def configured(config: Config) -> list[Hook]:
    """Read the hooks.  Raises SettingError on one that cannot be understood."""
    names = sorted({key[len(PREFIX) :].rpartition(".")[0] for key in config.keys(PREFIX)})
    return [_hook(config, name) for name in names]


def _hook(config: Config, name: str) -> Hook:
    import json  # start-up: hooks are rare

    match = config.get(f"{PREFIX}{name}.match-json")
    call = config.get(f"{PREFIX}{name}.call-json")
    if match is None or call is None:
        raise SettingError(f"result hook {name!r} needs both match-json and call-json")
    command, _, arguments = call.strip().partition(" ")
    try:
        return Hook(name, json.loads(match), command, arguments.strip() or "{}")
    except ValueError as e:
        raise SettingError(f"result hook {name!r}: match-json is not JSON: {e}") from e


def _agrees(wanted: Any, has: Any) -> bool:
    if not (isinstance(wanted, list) and len(wanted) == 2 and wanted[0] in ("eq", "neq", "in", "nin")):
        return bool(wanted == has)
    how, value = wanted
    same: bool = (has in value) if how in ("in", "nin") else (has == value)
    return same if how in ("eq", "in") else not same


def matches(hook: Hook, record: Record) -> bool:
    """Say whether a record is one that the hook waits for."""
    return all(key in record and _agrees(wanted, record[key]) for key, wanted in hook.match.items())


def arguments_for(hook: Hook, record: Record, dataset: str | None) -> dict[str, Any]:
    """Fill in the placeholders of a hook's call.  Raises SettingError when the outcome is not an object."""
    import json  # start-up: hooks are rare

    values = {**record, "dsarg": dataset if dataset is not None else record.get("refds")}

    def fill(found: re.Match[str]) -> str:
        name = found[1]
        # inside a JSON string: escaped as JSON wants it, without the quotes
        return json.dumps(str(values[name]))[1:-1] if name in values else found[0]

    form = hook.arguments
    if form.startswith("{{"):  # DataLad's spelling, where every brace of the JSON is doubled
        form = form.replace("{{", "{").replace("}}", "}")
    text = re.sub(r"\{(\w+)\}", fill, form)
    try:
        arguments = json.loads(text)
    except ValueError as e:
        raise SettingError(f"result hook {hook.name!r}: call-json gives no JSON object: {text}") from e
    return dict(arguments)


def caller(load: Callable[[str], Operation], ctx: Any) -> Callable[[str, dict[str, Any]], Iterator[Record]]:
    """Give the function that calls a command for a hook; it raises SettingError for a call that does not fit."""

    def call(name: str, arguments: dict[str, Any]) -> Iterator[Record]:
        try:
            op = load(name.replace("_", "-"))
        except KeyError:
            raise SettingError(f"a result hook calls {name!r}, and there is no such command") from None
        try:
            bound = bind(op, (), arguments)
        except (TypeError, ValueError) as e:
            raise SettingError(f"a result hook cannot call {name!r} like that: {e}") from e
        yield from op.function(ctx, **bound)

    return call


def runner_of(
    hooks: list[Hook], dataset: str | None, call: Callable[[str, dict[str, Any]], Iterator[Record]]
) -> Callable[[Record], Iterator[Record]] | None:
    """Give the function that runs the matching hooks after a record; None when there are no hooks."""
    if not hooks:
        return None

    def run(record: Record) -> Iterator[Record]:
        for hook in hooks:
            if matches(hook, record):
                yield from call(hook.command, arguments_for(hook, record, dataset))

    return run
