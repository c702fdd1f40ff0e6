"""The command line: words in, records shown, an exit code out.

Exit codes (contract 2.3): 0 all well; 1 something failed; 2 the request could
not be understood; 3 interrupted; else the code of the command that failed.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rookery.cli.asking import ask
from rookery.cli.usual import usual_arguments, usual_globals
from rookery.core import log as logs
from rookery.core.config import Config
from rookery.core.context import Context, make_context
from rookery.core.errors import IncompleteResultsError, InsufficientArgumentsError, RookeryError
from rookery.core.results import failed
from rookery.git.repo import find_root
from rookery.operations.table import TABLE, load
from rookery.opkit.declare import Operation, Record
from rookery.opkit.drive import drive
from rookery.opkit.hooks import caller, configured, runner_of
from rookery.render.choose import renderer_for
from rookery.render.words import ansi, plain

log = logs.get_log("rookery")

INTERRUPTED = 3


def logical_folder(env: Mapping[str, str]) -> Path:
    """Give the current folder as the user sees it: PWD, if it is the same place."""
    here = os.getcwd()
    said = env.get("PWD")
    if said and os.path.isabs(said):
        try:
            if os.path.samefile(said, here):
                return Path(os.path.normpath(said))
        except OSError:
            pass  # PWD names a folder that is gone: the real one it is
    return Path(here)


_LEVELS = {
    "CRITICAL": logs.CRITICAL,
    "FATAL": logs.CRITICAL,
    "ERROR": logs.ERROR,
    "WARNING": logs.WARNING,
    "WARN": logs.WARNING,
    "INFO": logs.INFO,
    "DEBUG": logs.DEBUG,
    "TRACE": logs.TRACE,
    "NOTSET": 0,
}


def _level(name: str) -> int:
    """Give the number of a log level; what is not known means the ordinary one."""
    return int(name) if name.isdigit() else _LEVELS.get(name.upper(), logs.INFO)


def _set_up_log(name: str) -> None:
    level = _level(name)

    def prepare() -> None:
        import logging  # start-up: most commands have nothing to say

        handler = logging.StreamHandler()
        padded = "[%(levelname)-7s] %(message)s" if sys.stderr.isatty() else "[%(levelname)s] %(message)s"
        handler.setFormatter(logging.Formatter(padded))
        logger = logging.getLogger("rookery")
        logger.handlers[:] = [handler]
        logger.propagate = False
        logger.setLevel(level)

    logs.set_up(level, prepare)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")


def _complain(text: str) -> None:
    sys.stderr.write(text + "\n")


def _show_error(error: RookeryError) -> None:
    log.error("%s", error.message if not isinstance(error, IncompleteResultsError) else error)
    for hint in error.hints:
        log.error("  hint: %s", hint)


def _show_system_error(error: OSError) -> None:
    """Say what the system refused, and about which file."""
    log.error("%s%s", error.strerror or error, f": {error.filename}" if error.filename is not None else "")
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        log.error("  hint: make room, and run the same command again: it goes on from where it was")
    log.debug("where it happened", exc_info=error)


def _coloured(settings: Config, ctx: Context, stream: Any) -> bool:
    mode = settings.get("datalad.ui.color", "auto")
    return mode == "on" or (mode == "auto" and stream.isatty() and "NO_COLOR" not in ctx.env)


def _keeper(options: Any) -> Callable[[Record], bool] | None:
    if options.report_status is None and not options.report_type:
        return None
    from rookery.cli.globals import keeper  # start-up: argparse takes long to load

    return keeper(options.report_status, options.report_type)


def execute(ctx: Context, op: Operation, arguments: dict[str, Any], options: Any) -> int:
    """Run an operation for a terminal, and give the exit code."""
    settings = ctx.settings.at(ctx.cwd, dataset=find_root(ctx.cwd))
    if options.log_level is None and "datalad.log.level" in settings:
        _set_up_log(settings.get("datalad.log.level"))
    colour = _coloured(settings, ctx, sys.stdout)
    collapse = sys.stdout.isatty() and settings.get("datalad.ui.suppress-similar-results", "auto") != "off"
    renderer = renderer_for(
        options.output_format,
        tailored=op.renderer,
        say=_say,
        complain=_complain,
        paint=ansi if colour else plain,
        summary=op.summary,
        collapse=collapse,
        seen_from=None if arguments.get("dataset") is not None else str(ctx.cwd),
    )
    on_failure = options.on_failure or op.on_failure
    code = 0  # of the first command that failed, if any did

    def watched() -> Iterator[Record]:
        nonlocal code
        for record in op.function(ctx, **arguments):
            if failed(record):
                code = code or record.get("exit_code") or 0
            yield record

    hooks = runner_of(configured(settings), arguments.get("dataset"), caller(load, ctx))
    ctx = ctx._replace(brief=hooks is None and getattr(renderer, "brief", False))
    try:
        keep = _keeper(options)
        chain = drive(
            watched(), on_failure=on_failure, renderer=renderer, keep=keep, hooks=hooks, remember=False
        )
        for _ in chain:
            pass
    except IncompleteResultsError:
        return code or 1
    return 0


def _unknown(command: str) -> int:
    import difflib  # start-up: for mistyped commands

    close = difflib.get_close_matches(command, TABLE, n=3)
    log.error("unknown command %r%s", command, f"; did you mean {' or '.join(close)}?" if close else "")
    log.error("  hint: `rookery --help` lists the commands")
    return 1


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _prepare_streams() -> None:
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Callable[..., None] | None = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # file names are bytes: what is not UTF-8 goes out as it came in; line by line, so that results,
            # log lines and the output of commands that we run keep their order in a file too
            reconfigure(encoding="utf-8", errors="surrogateescape", line_buffering=True)


def _enter(steps: Sequence[str]) -> Path | None:
    """Go where -C leads, one step after another; give the folder, None if there is none."""
    folder = logical_folder(os.environ)
    for step in steps:
        folder = Path(os.path.normpath(folder / step))
    if not steps:
        return folder
    if not folder.is_dir():
        log.error("-C %s: no such folder", folder)
        return None
    os.chdir(folder)
    return folder


def _read_globals(words: Sequence[str]) -> Any:
    usual = usual_globals(words)
    if usual is not None:
        return usual
    from rookery.cli.globals import global_parser  # start-up: argparse takes long to load

    parser = global_parser()
    options = parser.parse_args(list(words))
    if not options.command:
        parser.print_help()
    return options


def _read_arguments(op: Operation, words: list[str]) -> dict[str, Any]:
    usual = usual_arguments(op, words)
    if usual is not None:
        return usual
    from rookery.cli.parser import parse  # start-up: as above

    return parse(op, words)


def _run(words: Sequence[str]) -> int:
    options = _read_globals(words)
    _set_up_log(options.log_level or os.environ.get("DATALAD_LOG_LEVEL") or "info")
    if not options.command:
        return 0
    command, *rest = options.command
    if command not in TABLE:
        return _unknown(command)
    folder = _enter(options.folder)
    if folder is None:
        return 2
    op = load(command)
    arguments = _read_arguments(op, rest)
    from rookery.cli.progress import terminal_progress  # start-up: --version and --help draw nothing

    with terminal_progress(options.progress) as progress:
        ctx = make_context(
            cwd=folder,
            env=dict(os.environ),
            overrides=tuple(options.settings),
            progress=progress,
            interactive=sys.stdin.isatty() and sys.stderr.isatty(),
        )
        ctx = ctx._replace(read_input=lambda: sys.stdin.buffer.read(), ask=ask)
        # what a program writes must come after what we have said before it
        ctx.runner.listeners.append(lambda _argv: sys.stdout.flush())
        return _guarded(ctx, op, arguments, options)


def _guarded(ctx: Context, op: Operation, arguments: dict[str, Any], options: Any) -> int:
    """Execute, and turn what can go wrong into words for a person and an exit code."""
    try:
        return execute(ctx, op, arguments, options)
    except InsufficientArgumentsError as e:
        from rookery.cli.parser import parser_for  # start-up: as above

        parser_for(op).print_usage()
        _show_error(e)
        return e.exit_code
    except RookeryError as e:
        _show_error(e)
        return e.exit_code
    except BrokenPipeError:
        raise
    except OSError as e:
        _show_system_error(e)
        return 1


def _complete(words: Sequence[str], shell: str) -> int:
    from rookery.cli.completion import answer  # start-up: only shells ask

    sys.stdout.write(answer(words, shell, os.environ, logical_folder(os.environ)))
    return 0


def _leave(words: Sequence[str]) -> int:
    """Answer a shell that completes, or run; give the exit code also where argparse leaves by itself."""
    try:
        shell = os.environ.get("ROOKERY_COMPLETE")
        return _run(words) if shell is None else _complete(words, shell)
    except SystemExit as e:
        return e.code if isinstance(e.code, int) else 0 if e.code is None else 1


def main(words: Sequence[str] | None = None) -> int:
    """Run one command line and give its exit code."""
    signal.signal(signal.SIGTERM, _stop)
    said = sys.argv[1:] if words is None else words
    try:
        _prepare_streams()
        code = _leave(said)
        sys.stdout.flush()  # argparse does not care whether its help could be written
        return code
    except KeyboardInterrupt:
        log.error("Interrupted: what was done is kept, the same command goes on from there")
        return INTERRUPTED
    except BrokenPipeError:
        _close_output()  # the reader has seen enough
        return 1
    except OSError as e:  # of standard output: all else is told where it happens
        _show_system_error(e)
        _close_output()
        return 1


def _close_output() -> None:
    """Let nothing be written at exit to what takes no more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
