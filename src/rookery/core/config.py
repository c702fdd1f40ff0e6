"""Settings: where they come from, which source wins, and who may set what.

From weak to strong (contract 2.7): the dataset's committed `.datalad/config`,
Git's system, global, local and worktree files, `DATALAD_CONFIG_OVERRIDES_JSON`,
`DATALAD_*` variables, and the command line (`-c`, `GIT_CONFIG_*`).  One Git
process reads them all.

The committed file travels with a dataset that a stranger may have written.  It
is heard on `datalad.*` keys only, and not on those that name a program, its
options, a place to load code from or a URL rewriting: see `PROTECTED`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from rookery.core.errors import CommandError, RookeryError
from rookery.core.log import get_log
from rookery.core.process import Runner, decode

log = get_log("rookery.config")

BRANCH, SYSTEM, GLOBAL, LOCAL, WORKTREE, ENVIRONMENT, COMMAND = LAYERS = (
    "branch",
    "system",
    "global",
    "local",
    "worktree",
    "environment",
    "command",
)

# What a stranger's committed configuration is never heard on.
PROTECTED = re.compile(
    r"datalad\.(?:procedures|result-hook|ssh|extensions|locations|clone\.url-substitute|credential|credentials"
    r"|downloaders|log|ui|runtime|annex|repo|tests|librarymode)(?:\.|$)|(?!datalad\.)"
)

BRANCH_FILE = Path(".datalad") / "config"


class SettingError(RookeryError, ValueError):
    """A setting has a value that cannot be understood."""


def canonical(key: str) -> str:
    """Give the spelling under which Git compares keys: section and name in lower case, subsection as it is."""
    section, dot, rest = key.partition(".")
    if not dot:
        return key.lower()
    subsection, dot, name = rest.rpartition(".")
    return f"{section.lower()}.{subsection}{dot}{name.lower()}"


class Config:
    """All settings that hold at one place, as read at one moment."""

    def __init__(
        self, layers: Mapping[str, Mapping[str, tuple[str, ...]]], unset: Iterable[str] = ()
    ) -> None:
        self.layers = layers
        self._unset = frozenset(canonical(k) for k in unset)

    def _winner(self, key: str) -> tuple[str, ...] | None:
        key = canonical(key)
        if key in self._unset:
            return None
        for layer in reversed(LAYERS):
            values = self.layers.get(layer, {}).get(key)
            if values is not None and not (layer == BRANCH and PROTECTED.match(key)):
                return values
        return None

    def get(self, key: str, default: Any = None, *, get_all: bool = False) -> Any:
        """Give the value that wins; with `get_all` all values of the winning source, as a tuple if several."""
        values = self._winner(key)
        if values is None:
            return default
        return (values if len(values) > 1 else values[0]) if get_all else values[-1]

    def of_git(self) -> dict[str, str]:
        """Give what `git config --list` tells, of each key the value that wins."""
        layers = (self.layers.get(layer, {}) for layer in (SYSTEM, GLOBAL, LOCAL, WORKTREE, COMMAND))
        return {key: values[-1] for layer in layers for key, values in layer.items()}

    def values(self, key: str) -> tuple[str, ...]:
        """Give all values of the source that wins, empty if the key is not set."""
        return self._winner(key) or ()

    def getbool(self, key: str, default: bool = False) -> bool:
        """Read as Git reads booleans.  Raises SettingError."""
        value = self.get(key)
        if value is None:
            return default
        try:
            return parse_bool(value)
        except ValueError:
            raise SettingError(f"setting {key}: {value!r} is not a yes or a no") from None

    def getint(self, key: str, default: int = 0) -> int:
        """Read a whole number, with Git's k, m and g.  Raises SettingError."""
        value = self.get(key)
        if value is None:
            return default
        found = re.fullmatch(r"\s*([+-]?\d+)\s*([kmgKMG]?)\s*", value)
        if not found:
            raise SettingError(f"setting {key}: {value!r} is not a whole number")
        return int(found[1]) * {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}[found[2].lower()]

    def getfloat(self, key: str, default: float = 0.0) -> float:
        """Read a number.  Raises SettingError."""
        value = self.get(key)
        try:
            return default if value is None else float(value)
        except ValueError:
            raise SettingError(f"setting {key}: {value!r} is not a number") from None

    def keys(self, prefix: str = "") -> Iterator[str]:
        """Yield the keys that are set and begin with `prefix`, each once, sorted."""
        names = {key for layer in self.layers.values() for key in layer if key.startswith(prefix)}
        yield from (key for key in sorted(names) if self._winner(key) is not None)

    def __contains__(self, key: str) -> bool:
        return self._winner(key) is not None

    def source_of(self, key: str) -> str | None:
        """Name the layer whose value wins."""
        key = canonical(key)
        for layer in reversed(LAYERS):
            if key in self.layers.get(layer, {}) and not (layer == BRANCH and PROTECTED.match(key)):
                return layer
        return None


def parse_bool(value: str) -> bool:
    """Read a boolean as git-config(1) defines it.  Raises ValueError."""
    word = value.strip().lower()
    if word in ("true", "yes", "on"):
        return True
    if word in ("false", "no", "off", ""):
        return False
    return bool(int(word))


def from_environment(env: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Read `DATALAD_CONFIG_OVERRIDES_JSON` and `DATALAD_*`: `__` stands for `-`, `_` for `.`."""
    found: dict[str, tuple[str, ...]] = {}
    if text := env.get("DATALAD_CONFIG_OVERRIDES_JSON"):
        import json  # start-up: rarely set

        try:
            overrides = json.loads(text)
            items = list(overrides.items())
        except (ValueError, AttributeError) as e:
            raise SettingError(f"DATALAD_CONFIG_OVERRIDES_JSON is not a JSON object: {e}") from e
        for key, value in items:
            found[canonical(key)] = tuple(map(str, value)) if isinstance(value, list) else (str(value),)
    for name, value in env.items():
        if name.startswith("DATALAD_") and name != "DATALAD_CONFIG_OVERRIDES_JSON":
            found[name.replace("__", "-").replace("_", ".").lower()] = (value,)
    return found


def _listing(runner: Runner, cwd: Path, branch_file: Path | None) -> list[bytes]:
    """Have Git list all settings, the committed file's among them: scope, origin, entry, and so on."""
    listing = ("config", "--list", "-z", "--show-scope", "--show-origin")
    if branch_file is not None:
        try:
            return runner.run(["git", "-c", f"include.path={branch_file}", *listing], cwd=cwd).stdout.split(
                b"\0"
            )
        except CommandError as e:
            fields = _listing(runner, cwd, None)  # raises again if the fault is not in that file
            log.warning("%s is left out, Git cannot read it: %s", branch_file, e.stderr.strip())
            return fields
    return runner.run(["git", *listing], cwd=cwd).stdout.split(b"\0")


def read_config(
    runner: Runner,
    cwd: Path,
    *,
    env: Mapping[str, str],
    dataset: Path | None = None,
    unset: Iterable[str] = (),
) -> Config:
    """Read every source that holds at `cwd`, in one process; `dataset` names the root with a committed file.

    A committed file that Git cannot read is left out, with a warning: what a
    dataset brings along must not stop its reader.  Raises CommandError when one
    of the user's own files is broken.
    """
    branch_file = None if dataset is None or not (dataset / BRANCH_FILE).is_file() else dataset / BRANCH_FILE
    fields = _listing(runner, cwd, branch_file)
    layers: dict[str, dict[str, tuple[str, ...]]] = {layer: {} for layer in LAYERS}
    for scope, origin, entry in zip(fields[0::3], fields[1::3], fields[2::3], strict=False):
        layer = decode(scope)
        if layer == COMMAND and not origin.startswith(b"command line:"):
            if branch_file is None or decode(origin) != f"file:{branch_file}":
                continue  # a file that the committed one includes: not ours to trust
            layer = BRANCH
        key, has_value, value = decode(entry).partition("\n")
        if layer == COMMAND and key == "include.path" and branch_file and value == str(branch_file):
            continue
        if layer in layers:
            layers[layer][key] = (*layers[layer].get(key, ()), value if has_value else "true")
    layers[ENVIRONMENT].update(from_environment(env))
    return Config(layers, unset)
