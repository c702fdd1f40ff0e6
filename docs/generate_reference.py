"""Write docs/reference/ from the operations themselves; fail if one has nothing to say."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from rookery.api import COMMON
from rookery.cli.globals import global_parser
from rookery.cli.parser import parser_for
from rookery.operations.table import GROUPS, TABLE, load
from rookery.opkit.declare import REQUIRED, Operation, Option, Parameter, Positional

TARGET = Path(__file__).parent / "reference"

ABOUT = """\
# Commands

Every command reads `rookery [options] COMMAND [...]`, and is a function of `rookery.api` and a method of its
`Dataset` with the same parameters. Names, options and records are DataLad's; where Rookery says more, it adds
keys to a record and renames none.
"""

EXIT_CODES = """\
## Exit codes

| code  | meaning                                                                            |
|-------|------------------------------------------------------------------------------------|
| 0     | all well; also when there was nothing to do                                        |
| 1     | something failed: at least one result says `error` or `impossible`; no such command |
| 2     | the request could not be understood, or names no dataset                           |
| 3     | interrupted (Ctrl-C); what was done is kept                                        |
| other | the exit code of the command that failed: `run` and `rerun` pass it on             |
"""

RECORDS = """\
## Results

A command yields one record for each thing it did or could not do, as soon as that is known. `-f json` prints
each as one line of JSON, `-f json_pp` over several lines; a template such as `-f '{status}: {path}'` prints what
it names.

| key       | meaning                                                                           |
|-----------|-----------------------------------------------------------------------------------|
| `action`  | what was done: `get`, `add`, `save`, `install`, `publish` ...                     |
| `status`  | `ok`; `notneeded`, it was so already; `impossible`, it cannot be done; `error`, it failed |
| `path`    | what it is about, absolute                                                        |
| `type`    | `file`, `directory`, `symlink`, `dataset`, `sibling` ...                          |
| `refds`   | the dataset that was asked, absolute                                              |
| `message` | why, where there is something to say: a text, or a list of a format and its values |
| `hints`   | what to do next                                                                   |
"""

PYTHON = """\
## In Python

```python
from rookery.api import Dataset, clone

ds = clone(source="https://example.org/penguins.git", path="penguins")
ds.get("inputs")
```

With a `Dataset`, relative paths are taken from its root; with a path or none, from the current folder. Every
function takes these too:

| parameter         | meaning                                                                             |
|-------------------|-------------------------------------------------------------------------------------|
| `on_failure`      | `ignore`; `continue`, and raise `IncompleteResultsError` at the end; `stop` at once |
| `result_renderer` | as `-f`, or a function that is called with each record; `None` shows nothing        |
| `result_filter`   | a function that says which records are given back                                   |
| `result_xfm`      | what is given instead of a record: `datasets`, `paths`, `relpaths`, or a function   |
| `return_type`     | `list`, `generator`, or `item-or-list`                                              |
"""


def cell(text: str) -> str:
    """Make a text fit for a table."""
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def words_of(parameter: Parameter) -> str:
    """Show how a parameter is typed."""
    look = parameter.look
    assert look is not None
    if not isinstance(look, Option):
        return f"`{look.metavar}`"
    value = look.metavar or ("|".join(parameter.choices) or parameter.name.upper())
    flags = ", ".join(f"`{flag}`" for flag in look.flags)
    if parameter.is_flag:
        return flags
    return f"{flags} `[{value}]`" if look.optional else f"{flags} `{value}`"


def table(parameters: list[Parameter]) -> Iterator[str]:
    """Lay parameters out."""
    yield "| on the command line | in Python | what it does |"
    yield "|---|---|---|"
    for p in parameters:
        assert p.look is not None
        assert p.look.help, f"{p.name} has no help"
        yield f"| {cell(words_of(p))} | {cell(in_python(p))} | {cell(p.look.help)} |"


def in_python(parameter: Parameter) -> str:
    """Show a parameter as a signature has it."""
    return (
        f"`{parameter.name}`"
        if parameter.default is REQUIRED
        else f"`{parameter.name}={parameter.default!r}`"
    )


def usage_of(op: Operation) -> str:
    """Give the usage line as `--help` shows it."""
    text = parser_for(op).format_usage().removeprefix("usage: ")
    return " ".join(text.split()).replace(" [-h]", "")


def page_of(command: str) -> str:
    """Write one command's page.  Raises ValueError if it does not say what it does."""
    op = load(command)
    entry = TABLE[command]
    doc = re.sub(r"(?m)^ {4}", "", op.function.__doc__ or "").strip()
    if not doc:
        raise ValueError(f"{command}: no docstring")
    parameters = list(op.parameters)
    by_place = [p for p in parameters if isinstance(p.look, Positional)]
    elsewhere = [in_python(p) for p in parameters if p.look is None]
    options = [p for p in parameters if isinstance(p.look, Option)]
    parts = [f"# {command}", f"*{GROUPS[entry.group]}*", doc, f"```text\n{usage_of(op)}\n```"]
    if by_place:
        parts += ["## Arguments", "\n".join(table(by_place))]
    if options:
        parts += ["## Options", "\n".join(table(options))]
    if elsewhere:
        parts.append(f"In Python only: {', '.join(elsewhere)}.")
    parts += [
        "## Failures",
        {
            "continue": "After a failed result it goes on, and fails at the end.",
            "stop": "It stops at the first failed result.",
            "ignore": "Failed results do not make it fail.",
        }[op.on_failure]
        + " `--on-failure` (`on_failure` in Python) changes that; see [Exit codes](index.md#exit-codes).",
    ]
    return "\n\n".join(parts) + "\n"


def global_options() -> Iterator[str]:
    """Lay out the options before the command."""
    yield "## Options for every command\n"
    yield "They stand before the command: `rookery -f json status`.\n"
    yield "| option | what it does |"
    yield "|---|---|"
    for action in global_parser()._actions:  # argparse has no public way to list them
        if action.option_strings and action.help != argparse.SUPPRESS:
            value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
            flags = ", ".join(f"`{flag}`" for flag in action.option_strings)
            shown = f"{flags} `{value}`" if value else flags
            yield f"| {cell(shown)} | {cell(str(action.help or '').replace('%%', '%'))} |"


def index_page() -> str:
    """Write the page that lists the commands and what they share."""
    parts = [ABOUT]
    for group, title in GROUPS.items():
        rows = [
            f"| [{name}]({name}.md) | {cell(e.summary)} |" for name, e in TABLE.items() if e.group == group
        ]
        parts.append("\n".join([f"## {title}\n", "| command | |", "|---|---|", *rows]) + "\n")
    parts += ["\n".join(global_options()) + "\n", RECORDS, EXIT_CODES, PYTHON]
    return "\n".join(parts)


def main() -> int:
    """Write every page anew."""
    missing = {name for name in COMMON if f"`{name}`" not in PYTHON}
    assert not missing, f"say what {missing} mean"
    shutil.rmtree(TARGET, ignore_errors=True)
    TARGET.mkdir()
    (TARGET / "index.md").write_text(index_page(), "utf-8")
    for command in TABLE:
        (TARGET / f"{command}.md").write_text(page_of(command), "utf-8")
    print(f"{len(TABLE)} commands described in {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
