"""Play the collaboration tutorial for real, on a hub of its own in a temporary folder, and show every command."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
import tempfile
import textwrap
import time
from pathlib import Path

from hub import PASSWORD, Access, Hub, has_ssh, set_aside
from page import Command, Prose, Shell, parse
from stage import environment, hub_for_all, set_up

PAGE = Path(__file__).resolve().parent.parent / "docs" / "tutorial.md"


class Stage:
    """Where the tour is shown: a terminal with colours, or plain text."""

    def __init__(self, root: Path) -> None:
        self._colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._root = str(root)
        self._width = min(100, shutil.get_terminal_size().columns)

    def _paint(self, text: str, code: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour else text

    def prose(self, text: str) -> None:
        """Show a part of the page as a person reads it: no link targets, no code marks, no boxes."""
        text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
        for part in filter(None, map(str.strip, re.split(r"\n\s*\n", text))):
            if part.startswith("#"):
                title = part.lstrip("# ").strip()
                print(
                    "\n"
                    + self._paint(f"━━ {title} " + "━" * max(3, self._width - len(title) - 4), "1;36")
                    + "\n"
                )
                continue
            words = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", part).replace("**", "").replace("`", "")
            print(textwrap.fill(" ".join(words.split()), self._width) + "\n")

    def command(self, command: Command) -> None:
        """Show what is typed."""
        first, *more = command.text.split("\n")
        print(self._paint(f"$ {first}", "1"))
        for line in more:
            print(self._paint(f"  {line}", "1"))
        sys.stdout.flush()

    def printed(self, text: str) -> None:
        """Show what a command printed, the temporary folder shortened."""
        sys.stdout.write(text.replace(f"{self._root}/home", "/home").replace(self._root, ""))
        print()


def play(root: Path, page: Path, hub: Hub, access: Access) -> list[str]:
    """Run the page's commands; give one line for each that did not exit as the page says."""
    wrong: list[str] = []
    show = Stage(root)
    with set_up(root, os.environ, hub=hub, access=access) as (env, first):
        shell = Shell(root, env)
        try:
            shell.run(first)
            for part in parse(page.read_text()):
                if isinstance(part, Prose):
                    show.prose(part.text)
                    continue
                if not part.hidden:
                    show.command(part)
                outcome = shell.run(part.text)
                if not part.hidden:
                    show.printed(outcome.printed)
                if outcome.exit_code != part.exit_code:
                    codes = f"exit {outcome.exit_code}, not {part.exit_code}"
                    wrong.append(f"{page.name}:{part.line}: over {access}: {codes}: {part.text}")
                    if part.hidden:
                        show.printed(outcome.printed)
                    break  # everything after it stands on it
        finally:
            shell.close()
    return wrong


def play_all(root: Path, hub: Hub) -> list[str]:
    """Play the tutorial over SSH, and again over HTTP alone, on the same hub; give what went wrong."""
    ways: list[Access] = ["ssh", "http"] if has_ssh() else ["http"]
    if "ssh" not in ways:
        print("There is no ssh on this machine: the tutorial is played over HTTP alone.")
    for access in ways:
        stage = root / access
        stage.mkdir()
        print(f"\n===== The tutorial over {'SSH' if access == 'ssh' else 'HTTP alone'}, at {hub.url} =====")
        wrong = play(stage, PAGE, hub, access)
        if wrong:
            return wrong
        for person in ("alice", "bob"):
            set_aside(hub, person, "my-dataset", f"my-dataset-over-{access}")
    return []


def main() -> int:
    """Play, and say where the result is or that it is gone."""
    options = argparse.ArgumentParser(prog="./run tour", description=__doc__)
    options.add_argument(
        "--keep", action="store_true", help="leave the hub running, and the result to look at"
    )
    keep = options.parse_args().keep
    root = Path(os.path.realpath(tempfile.mkdtemp(prefix="rookery-tour-")))
    began = time.monotonic()
    try:
        with hub_for_all(root, environment(root, os.environ), keep=keep) as hub:
            wrong = play_all(root, hub)
    finally:
        if not keep:
            # annexed content is write-protected, and so are its folders
            for folder, _, _ in os.walk(root):
                os.chmod(folder, 0o700)
            shutil.rmtree(root)
    for line in wrong:
        print(f"The tour stopped: {line}", file=sys.stderr)
    if not wrong:
        print(f"The whole tutorial ran in {time.monotonic() - began:.0f} seconds.")
    if keep:
        print(f"The hub goes on at {hub.url}: sign in as alice or bob, with the password: {PASSWORD}")
        print(f"All of it is in {root} (ssh/home, http/home, hub). To stop the hub: kill {hub.process.pid}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
