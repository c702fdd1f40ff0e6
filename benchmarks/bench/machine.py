"""Where it was measured: facts of the machine, and a private environment on it."""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

GITCONFIG = """\
[user]
	name = Bench
	email = bench@example.org
[init]
	defaultBranch = main
[gc]
	auto = 0
[protocol "file"]
	allow = always
[annex "security"]
	allowed-ip-addresses = 127.0.0.1
"""
DVCCONFIG = "[core]\n    analytics = false\n    check_update = false\n"


def settle(root: Path) -> None:
    """Make this process's environment private, and able to find every tool that is installed."""
    home, programs = root / "home", root / "bin"
    (home / ".config" / "dvc").mkdir(parents=True)
    programs.mkdir()
    (home / ".gitconfig").write_text(GITCONFIG)
    (home / ".config" / "dvc" / "config").write_text(DVCCONFIG)
    environment = Path(sys.prefix)
    dvc = environment / "dvc" / "bin" / "dvc"
    if dvc.exists():  # alone in its environment: every tool's start is slowed by what is installed beside it
        (programs / "dvc").symlink_to(dvc)
    spec = importlib.util.find_spec("git_annex")
    assert spec is not None, "the git-annex wheel is not installed"
    folder = Path(
        (spec.submodule_search_locations or [""])[0]
    )  # the program itself, not its wrapper in Python
    path = [str(programs), str(folder), str(environment / "bin"), os.environ.get("PATH", os.defpath)]
    os.environ.update(HOME=str(home), PATH=os.pathsep.join(path), MAGIC=str(folder / "magic.mgc"))
    for name in [n for n in os.environ if n.startswith(("XDG_", "GIT_", "DATALAD_", "DVC_", "PYTHON"))]:
        del os.environ[name]


def describe(folder: Path) -> dict[str, object]:
    """Give what makes figures of two machines differ; `folder` is where the work is done."""
    model = re.search(r"model name\s*: (.*)", read("/proc/cpuinfo"))
    memory = re.search(r"MemTotal: +(\d+) kB", read("/proc/meminfo"))
    kind = subprocess.run(
        ["stat", "--file-system", "--format=%T", folder], capture_output=True, text=True, check=False
    )
    return {
        "processor": model[1] if model else platform.processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory": int(memory[1]) << 10 if memory else None,
        "file system": kind.stdout.strip() or None,
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def read(path: str) -> str:
    """Give the text of a file of /proc, which only Linux has."""
    try:
        return Path(path).read_text()
    except FileNotFoundError:
        return ""
