"""A shipped procedure, started as a program of its own: `python cfg_text2git.py DATASET`."""

from __future__ import annotations

import sys

from rookery.cli.main import main


def entry(name: str) -> None:
    """Run a shipped procedure on the dataset that the command line names."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {name}.py DATASET")
    sys.exit(main(["run-procedure", "-d", sys.argv[1], name]))
