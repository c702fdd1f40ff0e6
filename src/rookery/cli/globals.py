"""The options before the command, and the help that lists the commands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from rookery import __version__
from rookery.cli.parser import Parser
from rookery.operations.table import GROUPS, TABLE

LEVELS = ("critical", "error", "warning", "info", "debug", "trace")


def setting(text: str) -> tuple[str, str | None]:
    """Read `name=value`, or `:name` to unset."""
    if text.startswith(":"):
        return text[1:], None
    name, equals, value = text.partition("=")
    if not equals or "." not in name.strip("."):
        raise argparse.ArgumentTypeError(f"{text!r} is neither section.name=value nor :section.name")
    return name, value


def commands_text() -> str:
    """Give the commands by group."""
    width = max(map(len, TABLE))
    lines: list[str] = []
    for group, title in GROUPS.items():
        lines.append(f"\n{title}:")
        lines += [f"  {name:<{width}}  {e.summary}" for name, e in TABLE.items() if e.group == group]
    return "\n".join(lines).lstrip("\n")


def _add_reporting(parser: Parser) -> None:
    """Add the options that say how much is told, and how."""
    add = parser.add_argument
    add("-l", "--log-level", metavar="LEVEL", help=f"tell more or less: {', '.join(LEVELS)}")
    add(
        "-f",
        "--output-format",
        metavar="FORMAT",
        default="tailored",
        help="how to show results: tailored, generic, json, json_pp, disabled, "
        "or a template such as '{path}: {status}'",
    )
    add(
        "--on-failure",
        choices=("ignore", "continue", "stop"),
        help="after a failed result: go on and report success, go on and fail at the end, or stop at once",
    )
    add(
        "--report-status",
        choices=("success", "failure", "ok", "notneeded", "impossible", "error"),
        help="keep only results of this status",
    )
    add("--report-type", choices=("dataset", "file"), action="append", help="keep only results of this type")
    add(
        "--progress",
        choices=("auto", "json", "none"),
        default="auto",
        help="progress on standard error: bars on a terminal (auto), JSON lines, or none",
    )


def global_parser() -> Parser:
    """Make the parser of everything before the command."""
    parser = Parser(
        prog="rookery",
        usage="rookery [options] COMMAND [...]",
        description="Version control for research data, on Git and git-annex.",
        epilog=f"{commands_text()}\n\n`rookery COMMAND --help` tells more about one.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--version", action="version", version=f"rookery {__version__}")
    add("-C", dest="folder", metavar="PATH", action="append", default=[], help="run as if started in PATH")
    add(
        "-c",
        dest="settings",
        metavar="NAME=VALUE",
        action="append",
        type=setting,
        default=[],
        help="set a configuration item for this command; ':NAME' unsets it",
    )
    _add_reporting(parser)
    add("command", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def keeper(status: str | None, types: list[str] | None) -> Callable[[dict[str, Any]], bool]:
    """Give the filter that `--report-status` and `--report-type` ask for."""
    groups = {"success": ("ok", "notneeded"), "failure": ("impossible", "error")}
    statuses = groups.get(status, (status,)) if status else None

    def keep(record: dict[str, Any]) -> bool:
        return (statuses is None or record["status"] in statuses) and (
            not types or record.get("type") in types
        )

    return keep
