"""The environment that our programs run in, made once from the user's.

Two things are changed.  git-annex is found although its virtual environment is
not activated: the folder of the binary inside its wheel goes to the front of
PATH (that folder holds no `python`, so nothing of the user's is hidden), and
the folder of our own scripts, where special-remote helpers live, to the end.
Variables that tie Git to one repository (set inside hooks) are taken away,
since we name the repository ourselves.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from importlib.machinery import PathFinder

# `git rev-parse --local-env-vars`, without those that carry configuration.
TIED_TO_ONE_REPOSITORY = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
)


def annex_folder() -> str | None:
    """Give the folder of the git-annex binary in its wheel, without importing the wheel; None if not installed."""
    spec = PathFinder.find_spec("git_annex")
    for folder in (spec and spec.submodule_search_locations) or ():
        if os.access(os.path.join(folder, "git-annex"), os.X_OK):
            return folder
    return None


def program_environment(user: Mapping[str, str]) -> dict[str, str]:
    """Give the environment for programs: the user's, able to find git-annex, tied to no repository."""
    env = {k: v for k, v in user.items() if k not in TIED_TO_ONE_REPOSITORY}
    path = [env.get("PATH", os.defpath), _scripts()]
    if folder := annex_folder():
        path.insert(0, folder)
        magic = os.path.join(folder, "magic.mgc")
        if "MAGIC" not in env and os.path.exists(magic):
            env["MAGIC"] = magic  # the wheel's libmagic has no database of its own; largefiles rules need it
    env["PATH"] = os.pathsep.join(path)
    return env


def command_environment(user: Mapping[str, str]) -> dict[str, str | None]:
    """Give what a command of the user's sees otherwise than our programs (see `Runner.with_env`).

    Not the database of git-annex's libmagic: it is of another version than that
    of the machine's `file`, which would refuse to work.  The `git-annex` among
    our scripts, at the end of PATH, sets that for itself.
    """
    path = os.pathsep.join([user.get("PATH", os.defpath), _scripts()])
    return {"MAGIC": user.get("MAGIC"), "PATH": path}


def _scripts() -> str:
    return os.path.dirname(os.path.abspath(sys.executable))


def with_overrides(env: Mapping[str, str], overrides: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Hand `-c key=value` settings to Git and every program below through GIT_CONFIG_COUNT (Git >= 2.31).

    A value of None unsets as far as Git can: an empty value, which for
    multi-valued keys clears the list.
    """
    out = dict(env)
    count = int(out.get("GIT_CONFIG_COUNT") or 0)
    for key, value in overrides:
        out[f"GIT_CONFIG_KEY_{count}"] = key
        out[f"GIT_CONFIG_VALUE_{count}"] = "" if value is None else value
        count += 1
    if count:
        out["GIT_CONFIG_COUNT"] = str(count)
    return out
