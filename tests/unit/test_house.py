"""The house keeps its own rules: what no reviewer remembers, a test does.

Directions of imports are import-linter's, style is ruff's (both in pyproject.toml);
here is what neither can say.
"""

from __future__ import annotations

import ast
import importlib
import io
import re
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

import rookery.operations
from rookery import api
from rookery.operations.table import GROUPS, TABLE, load
from rookery.opkit.declare import Operation, Option
from support.programs import Program

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "rookery"
MODULES = sorted(SOURCE.rglob("*.py"))

MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 40
FACES = ("cli", "api.py", "__main__.py")

# Names under which things without a name are put away.
VAGUE = {"utils", "util", "helpers", "helper", "base", "common", "misc", "support", "tools"}

# Where a package comes from is its reader's business, and what is on this machine concerns nobody.
FOREIGN_TEXT = re.compile(
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|deb\.debian\.org|proxy\.golang\.org|crates\.io"
    r"|\.\./shared|shared/design|(?<![\w/.])/work/"
)


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


def tracked_texts() -> Iterator[tuple[Path, str]]:
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    for name in names.decode().split("\0"):
        path = ROOT / name
        if (
            name
            and path.is_file()
            and path != Path(__file__)
            and path.suffix not in (".png", ".jpg", ".svg", ".cast")
        ):
            yield path, path.read_text("utf-8")


def trees() -> Iterator[tuple[Path, ast.Module, list[str]]]:
    for path in MODULES:
        text = path.read_text("utf-8")
        yield path, ast.parse(text), text.splitlines()


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


# --- files and functions -------------------------------------------------------------------------


def test_a_file_holds_one_idea() -> None:
    long = {where(p): n for p, _, lines in trees() if (n := len(lines)) > MOST_LINES}
    assert not long, f"more than {MOST_LINES} lines: what is the second idea?"


def test_a_function_fits_on_a_screen() -> None:
    """The body counts, not the signature: an operation's signature is its whole command line."""
    long = {}
    for path, tree, _ in trees():
        for function in functions(tree):
            body = function.body[1:] if ast.get_docstring(function) else function.body
            size = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
            if size > MOST_LINES_OF_A_FUNCTION:
                long[f"{where(path)}: {function.name}"] = size
    assert not long


def test_a_module_is_named_for_its_idea() -> None:
    assert not [where(p) for p in MODULES if p.stem in VAGUE or p.parent.name in VAGUE]


def test_every_module_says_what_it_is() -> None:
    assert not [where(p) for p, tree, _ in trees() if not ast.get_docstring(tree)]


def test_exceptions_to_the_checks_give_their_reason() -> None:
    mark = re.compile(
        r"#\s*(?:type: ignore|noqa)\b(?P<code>(?:\[[^\]]*\]|:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*)?)(?P<rest>.*)"
    )
    silent = []
    for path, text in tracked_texts():
        if path.suffix != ".py":
            continue
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            found = mark.search(token.string) if token.type == tokenize.COMMENT else None
            if found and not (found["code"] and re.search(r"\w{3}", found["rest"])):
                silent.append(f"{where(path)}:{token.start[0]}: {token.string}")
    assert not silent, "name the code, and say why behind it"


def test_nothing_is_left_unfinished() -> None:
    unfinished = [
        f"{where(path)}:{node.lineno}"
        for path, tree, _ in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise)
        and node.exc is not None
        and "NotImplementedError" in ast.unparse(node.exc)
    ]
    assert not unfinished


def test_texts_name_no_foreign_place() -> None:
    found = [
        f"{where(path)}:{number}: {line.strip()}"
        for path, text in tracked_texts()
        for number, line in enumerate(text.splitlines(), 1)
        if FOREIGN_TEXT.search(line)
    ]
    assert not found


# --- directions ----------------------------------------------------------------------------------


def test_an_import_inside_a_function_is_for_start_up_and_says_so() -> None:
    silent = []
    for path, tree, lines in trees():
        for function in functions(tree):
            inside = [n.lineno for n in ast.walk(function) if isinstance(n, ast.Import | ast.ImportFrom)]
            around = "".join(lines[number - 2] + lines[number - 1] for number in inside)
            if inside and "start-up" not in around:
                silent.append(f"{where(path)}:{inside[0]}")
    assert not silent


def test_nothing_below_the_faces_looks_around() -> None:
    """The folder, the environment, the clock and the terminal come in the context."""
    ambient = re.compile(
        r"^(?:os\.(?:environ|environb|getenv|getcwd|getcwdb|chdir)|Path\.(?:cwd|home)|time\.(?:time|time_ns)"
        r"|datetime\.(?:now|today|utcnow)|date\.today|sys\.(?:stdin|stdout|stderr|argv)|print|input)$"
    )
    allowed = {"core/context.py": {"time.time"}}  # the default clock
    found = []
    for path, tree, _ in trees():
        room = path.relative_to(SOURCE)
        if room.parts[0] in FACES or len(room.parts) == 1:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute | ast.Name):
                name = ast.unparse(node)
                if ambient.match(name) and name not in allowed.get(str(room), set()):
                    found.append(f"{where(path)}:{node.lineno}: {name}")
    assert not found


def test_programs_are_started_in_one_place() -> None:
    starting = re.compile(r"os\.(?:system|popen|exec|spawn|posix_spawn)")
    found = []
    for path, tree, _ in trees():
        if path == SOURCE / "core" / "process.py":
            continue
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            found += [f"{where(path)}:{node.lineno}" for n in names if n.split(".")[0] == "subprocess"]
            if isinstance(node, ast.Attribute) and starting.match(ast.unparse(node)):
                found.append(f"{where(path)}:{node.lineno}")
    assert not found


# --- one operation, defined once -----------------------------------------------------------------


def test_the_table_holds_to_the_modules() -> None:
    folder = Path(next(iter(rookery.operations.__path__)))
    modules = {p.stem.replace("_", "-") for p in folder.glob("*.py")} - {"--init--", "table"}
    assert modules == set(TABLE)


@pytest.mark.parametrize("command", TABLE)
def test_an_operation_is_declared_whole(command: str) -> None:
    op = load(command)
    assert isinstance(op, Operation)
    assert op.command == command
    assert TABLE[command].group in GROUPS
    doc = op.function.__doc__ or ""
    first, _, rest = doc.partition("\n")
    assert first.endswith("."), "the first line is the summary"
    assert not rest or rest.startswith("\n"), "a blank line follows the summary"
    for parameter in op.parameters:
        look = parameter.look
        if look is None:
            continue  # for Python only: an older spelling, or a value that no command line can hold
        assert look.help, f"{parameter.name} has no help"
        if isinstance(look, Option):
            assert all(re.fullmatch(r"-[A-Za-z]|--[a-z][a-z-]*", flag) for flag in look.flags)
    flags = [f for p in op.parameters if isinstance(p.look, Option) for f in p.look.flags]
    assert len(flags) == len(set(flags)), "two parameters share a flag"


def test_every_argument_of_an_operation_is_read() -> None:
    """An option that is parsed and ignored is a lie."""
    unread = []
    for path in sorted((SOURCE / "operations").glob("*.py")):
        for function in functions(ast.parse(path.read_text())):
            if not function.decorator_list:
                continue
            arguments = [a.arg for a in (*function.args.args, *function.args.kwonlyargs)]
            read = {n.id for n in ast.walk(ast.Module(function.body, [])) if isinstance(n, ast.Name)}
            unread += [f"{path.name}: {function.name}({a})" for a in arguments if a not in read]
    assert not unread


def test_the_python_face_has_every_command() -> None:
    assert {name.replace("-", "_") for name in TABLE} <= set(api.__all__)
    assert len(api.__all__) == len(set(api.__all__))
    for name in api.__all__:
        assert callable(getattr(api, name))


# --- start-up ------------------------------------------------------------------------------------

# Each costs what all our own modules together cost; a face that answers `--help` needs none.
HEAVY = {
    "asyncio", "concurrent", "csv", "ctypes", "dataclasses", "datetime", "decimal", "email", "hashlib", "http",
    "importlib.metadata", "inspect", "json", "keyring", "multiprocessing", "platformdirs", "random", "rich", "socket",
    "sqlite3", "ssl", "tarfile", "tempfile", "unittest", "urllib.request", "uuid", "xml", "zipfile",
}  # fmt: skip

# And what a short command does without (measured: together 16 of 70 ms); `atexit` would make it end in the slow way.
UNUSUAL = {"argparse", "atexit", "gettext", "logging", "shlex", "shutil", "traceback"}


def modules_loaded(cli: Program, *words: str, cwd: Path) -> set[str]:
    """Give what Python loads for a command line, beside what it loads for none."""
    start = f"import sys; sys.argv[1:] = {list(words)!r}; from rookery.cli.start import entry; entry()"
    return _loaded(cli, start, cwd) - _loaded(cli, "import os, sys", cwd)


def _loaded(cli: Program, program: str, cwd: Path) -> set[str]:
    # -S: what a `.pth` file of the environment loads (editable installs, coverage) is not ours
    python = Program([sys.executable, "-S", "-X", "importtime", "-c", program], with_paths(cli))
    told = python.at(cwd)().stderr.splitlines()
    return {line.rpartition("|")[2].strip() for line in told if line.startswith("import time:")}


def with_paths(cli: Program) -> dict[str, str]:
    return {
        **cli.env,
        "PYTHONPATH": ":".join([str(ROOT / "src"), *(p for p in sys.path if "site-packages" in p)]),
    }


def test_the_version_is_told_by_the_program_alone(cli: Program, tmp_path: Path) -> None:
    loaded = modules_loaded(cli, "--version", cwd=tmp_path)
    assert loaded == {"__future__", "rookery", "rookery.cli", "rookery.cli.start"}


def test_help_loads_little(cli: Program, tmp_path: Path) -> None:
    loaded = modules_loaded(cli, "--help", cwd=tmp_path)
    assert not HEAVY & loaded
    assert not {m for m in loaded if m.startswith(("rookery.annex", "rookery.dataset", "rookery.steps"))}
    assert {m for m in loaded if m.startswith("rookery.operations.")} <= {"rookery.operations.table"}


def test_the_help_of_status_loads_little(cli: Program, tiny_dataset: Path) -> None:
    assert not HEAVY & modules_loaded(cli, "status", "--help", cwd=tiny_dataset)


@pytest.mark.parametrize("words", [["status"], ["status", "-r", "-e", "commit", "."]])
def test_status_loads_little(cli: Program, tiny_dataset: Path, words: list[str]) -> None:
    assert not (HEAVY | UNUSUAL) & modules_loaded(cli, *words, cwd=tiny_dataset)


@pytest.mark.parametrize("path", MODULES, ids=where)
def test_messages_go_through_the_log_that_loads_nothing(path: Path) -> None:
    imported = [
        name.name
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Import)
        for name in node.names
    ]
    assert "logging" not in imported, "use rookery.core.log: `logging` takes long to load"


def test_importing_the_package_does_nothing() -> None:
    show = "import sys; before = set(sys.modules); import rookery; print(*(set(sys.modules) - before))"
    loaded = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True).stdout
    assert loaded.split() == ["rookery"]


# --- documentation -------------------------------------------------------------------------------


def test_every_page_is_in_the_menu_and_every_menu_entry_is_a_page() -> None:
    settings = tomllib.loads((ROOT / "zensical.toml").read_text())

    def pages(nav: object) -> Iterator[str]:
        if isinstance(nav, str):
            yield nav
        elif isinstance(nav, dict):
            for value in nav.values():
                yield from pages(value)
        elif isinstance(nav, list):
            for entry in nav:
                yield from pages(entry)

    named = set(pages(settings["project"]["nav"]))
    generated = {"reference/index.md", *(f"reference/{command}.md" for command in TABLE)}
    written = {str(p.relative_to(ROOT / "docs")) for p in (ROOT / "docs").rglob("*.md")}
    assert (named - generated) == (written - generated)


def test_changelog_fragments_keep_their_form() -> None:
    kinds = {"added", "changed", "fixed", "removed", "security"}
    for path in (ROOT / "changelog.d").iterdir():
        if path.name == "README.md":
            continue
        assert re.fullmatch(rf"[a-z0-9-]+\.(?:{'|'.join(kinds)})\.md", path.name), path.name
        assert path.read_text().strip().endswith("."), f"{path.name} is not a sentence"


def test_the_names_of_the_rooms_are_importable() -> None:
    for path in MODULES:
        parts = path.relative_to(SOURCE.parent).with_suffix("").parts
        if parts[-1] != "__main__":
            importlib.import_module(".".join(parts).removesuffix(".__init__"))
