"""A private home for each test: no setting of the person or the machine gets in, none gets out."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

USER_NAME = "Robin Rook"
USER_EMAIL = "robin@example.org"

# Whatever starts like this may change what Git, git-annex, DataLad or Rookery do.
FOREIGN = (
    "GIT_",
    "DATALAD_",
    "ROOKERY_",
    "XDG_",
    "SSH_",
    "ANNEX_",
    "LC_",
    "LANG",
    "EMAIL",
    "PYTHONSTARTUP",
    "PYTHON_KEYRING",
)

# Who does the work where a test does not choose itself: `stock` leaves all of it to git-annex.
ENGINE = os.environ.get("ROOKERY_TESTS_ENGINE", "")

GITCONFIG = f"""\
[user]
\tname = {USER_NAME}
\temail = {USER_EMAIL}
[init]
\tdefaultBranch = main
[core]
\t# nobody pulls the plug on a test; its writes need not reach the disk
\tfsync = none
[gc]
\t# a collector in the background would outlive the test
\tauto = 0
[maintenance]
\tauto = false
[annex "security"]
\t# git-annex asks no private address otherwise, and the test servers are on loopback
\tallowed-ip-addresses = 127.0.0.1
"""


class Home(NamedTuple):
    """A home folder and the environment of somebody who lives there.

    `env` finds git-annex and our scripts; `bare_env` only what the system has,
    as with a virtual environment that is not activated.  Both find first what a
    test puts into the home's `bin`.
    """

    path: Path
    env: dict[str, str]
    bare_env: dict[str, str]


def annex_folder() -> Path:
    """Give the folder of the git-annex program in its wheel."""
    spec = importlib.util.find_spec("git_annex")
    assert spec is not None, "the git-annex wheel is not installed"
    assert spec.submodule_search_locations, "the git-annex wheel is not a package"
    return Path(spec.submodule_search_locations[0])


def choose_keyring(home: Path, backend: str) -> None:
    """Choose where the keyring library keeps secrets for somebody who lives there: nowhere, or in a file."""
    settings = home / ".config" / "python_keyring" / "keyringrc.cfg"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"[backend]\ndefault-keyring={backend}\n")


def make_home(path: Path, environ: Mapping[str, str]) -> Home:
    """Furnish a home in `path`, with nothing of `environ` but what names no person and no repository."""
    path.mkdir(parents=True, exist_ok=True)
    config = path / ".gitconfig"
    config.write_text(GITCONFIG + (f"[rookery]\n\tengine = {ENGINE}\n" if ENGINE else ""))
    choose_keyring(path, "keyring.backends.null.Keyring")
    scripts = os.path.dirname(os.path.abspath(sys.executable))
    annex = annex_folder()
    system = [
        p for p in environ.get("PATH", os.defpath).split(os.pathsep) if p not in ("", scripts, str(annex))
    ]
    bare = {name: value for name, value in environ.items() if not name.startswith(FOREIGN)}
    bare |= {
        "HOME": str(path),
        "USER": "robin",
        "LOGNAME": "robin",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "COLUMNS": "120",
        "PATH": os.pathsep.join([str(path / "bin"), *system]),
        "GIT_CONFIG_GLOBAL": str(config),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_EDITOR": "false",  # an editor that opens in a test is a defect, and would wait for ever
        "XDG_CONFIG_HOME": str(path / ".config"),
        "XDG_CACHE_HOME": str(path / ".cache"),
        "XDG_DATA_HOME": str(path / ".local" / "share"),
        "XDG_STATE_HOME": str(path / ".local" / "state"),
        "XDG_CONFIG_DIRS": str(path / ".config" / "system"),
        "DATALAD_UI_PROGRESSBAR": "none",
        "DATALAD_SSH_MULTIPLEX__CONNECTIONS": "0",  # else an ssh of DataLad's outlives the test
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for name in ("VIRTUAL_ENV", "MAGIC", "PWD", "OLDPWD", "NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR"):
        bare.pop(name, None)
    full = bare | {
        "PATH": os.pathsep.join([str(path / "bin"), str(annex), scripts, *system]),
        "MAGIC": str(annex / "magic.mgc"),  # its libmagic has no database of its own
    }
    return Home(path, full, bare)
