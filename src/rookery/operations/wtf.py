"""`wtf`: describe this installation and dataset for a problem report."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from rookery import __version__
from rookery.annex.identity import is_annex
from rookery.core.context import Context
from rookery.core.errors import CommandError, UsageError
from rookery.core.results import result
from rookery.dataset.locate import find_dataset
from rookery.dataset.model import Dataset
from rookery.git import refs
from rookery.opkit.declare import Many, Record, operation, option
from rookery.opkit.parameters import Dataset as DatasetParameter

HIDDEN = "<SENSITIVE, report disabled by configuration>"

# Settings and variables whose values may be secrets or say who somebody is.
SENSITIVE = re.compile(
    r"user\.|author|committer|e-?mail|token|secret|passw|passphrase|^credential\..*(?<!\.helper)$|key_?id|"
    r"session|auth|extraheader|cookie|proxy|api_?key|annex\.http-headers|_KEY$|^annex\.uuid$",
    re.IGNORECASE,
)

# Variables that change what Git, git-annex, Python or we do.
TELLING = re.compile(
    r"(?:GIT|DATALAD|ROOKERY|PYTHON|LC|SSH|XDG|ANNEX|http|https|no|HTTP|HTTPS|NO)_.*|LANG|LANGUAGE|PATH|MAGIC|TMPDIR|"
    r"PYTHON[A-Z]+|VIRTUAL_ENV|.*EDITOR|TERM|SHELL|PWD"
)


@operation(renderer="wtf", summary="never")
def wtf(
    ctx: Context,
    *,
    dataset: DatasetParameter = None,
    sensitive: Annotated[
        Literal["some", "all"] | None,
        option(
            "-s",
            "--sensitive",
            help="also show settings: some hides the values that may be secret, all hides nothing",
        ),
    ] = None,
    sections: Annotated[
        Many,
        option(
            "-S",
            "--section",
            metavar="SECTION",
            append=True,
            help="a section to show, '*' for all; may be given several times",
        ),
    ] = None,
    flavor: Annotated[
        Literal["full", "short"],
        option("--flavor", help="full, or short: a line for each of the main sections"),
    ] = "full",
    decor: Annotated[
        Literal["html_details"] | None,
        option("-D", "--decor", help="html_details folds it up for a problem report on the web"),
    ] = None,
    clipboard: Annotated[
        bool, option("-c", "--clipboard", help="copy to the clipboard instead of showing it")
    ] = False,
) -> Iterator[Record]:
    """Describe this installation and dataset for a problem report.

    Sections: configuration, datalad, dataset, dependencies, environment, git,
    git-annex, location, python, rookery, system.
    """
    ds = find_dataset(ctx, dataset)
    if ds is not None and not ds.is_installed():
        ds = None
    about = _About(ctx, ds, sensitive)
    infos = {name: getattr(about, name.replace("-", "_"))() for name in _chosen(sections, flavor, ds)}
    where, kind = (ctx.cwd, "directory") if ds is None else (ds.path, "dataset")
    record = result("wtf", where, type=kind, infos=infos)
    record |= {"flavor": flavor, "decor": decor}
    if clipboard:
        record |= _copy(ctx, record)
    yield record


def _chosen(sections: Any, flavor: str, ds: Dataset | None) -> list[str]:
    asked = [str(one) for one in sections or ()]
    if "*" in asked:
        return list(SECTIONS)
    unknown = [name for name in asked if name not in SECTIONS]
    if unknown:
        raise UsageError(
            f"there is no section {unknown[0]!r}",
            hints=[f"choose from {', '.join(SECTIONS)} and '*'"],
        )
    if asked:
        return sorted(set(asked))
    if flavor == "short":
        return ["rookery", "dependencies"]
    return sorted(name for name in SECTIONS if name != ("dataset" if ds is None else ""))


class _About:
    """The sections: a method for each, named like it."""

    def __init__(self, ctx: Context, ds: Dataset | None, sensitive: str | None) -> None:
        self.ctx = ctx
        self.ds = ds
        self.sensitive = sensitive

    def configuration(self) -> Any:
        """Give the settings."""
        if self.sensitive is None:
            return HIDDEN
        config = self.ctx.settings.at(self.ctx.cwd) if self.ds is None else self.ds.config
        return _masked({key: config.get(key) for key in list(config.keys())}, self.sensitive)

    def datalad(self) -> Any:
        """Give the version of DataLad, which may be beside us."""
        return {"version": _installed("datalad")}

    def dataset(self) -> Any:
        """Describe the dataset."""
        if self.ds is None:
            return {}
        heads = refs.for_each_ref(self.ds.repo, "refs/heads")
        return {
            "branches": [f"{ref.name.removeprefix('refs/heads/')}@{ref.sha[:7]}" for ref in heads],
            "id": self.ds.id,
            "path": str(self.ds.path),
            "repo": "AnnexRepo" if is_annex(self.ds.repo) else "GitRepo",
        }

    def dependencies(self) -> Any:
        """Give the versions of what we stand on."""
        from importlib.metadata import PackageNotFoundError, requires  # start-up

        try:
            wanted = requires("rookery") or []
        except PackageNotFoundError:  # run from a source tree that is not installed
            wanted = []
        names = sorted(
            {re.split(r"[^A-Za-z0-9._-]", one, maxsplit=1)[0] for one in wanted if "extra ==" not in one}
        )
        found = {
            "cmd:annex": _said(self.ctx, r"(\S+)", "git-annex", "version", "--raw"),
            "cmd:git": _said(self.ctx, r"git version (\S+)", "git", "--version"),
            "cmd:ssh": _said(self.ctx, r"OpenSSH_([^\s,]+)", "ssh", "-V"),
        }
        return found | {name: _installed(name) for name in names}

    def environment(self) -> Any:
        """Give the variables that matter."""
        return _masked(
            {k: self.ctx.env[k] for k in sorted(self.ctx.env) if TELLING.fullmatch(k)}, self.sensitive
        )

    def git(self) -> Any:
        """Describe Git."""
        answer = self.ctx.runner.run(["git", "version", "--build-options"], cwd=self.ctx.cwd)
        pairs = (line.split(": ", 1) for line in answer.text.splitlines() if ": " in line)
        return {"version": _said(self.ctx, r"git version (\S+)", "git", "--version")} | dict(pairs)

    def git_annex(self) -> Any:
        """Describe git-annex."""
        here = self.ctx.cwd if self.ds is None else self.ds.path
        answer = self.ctx.runner.run(["git-annex", "version"], cwd=here, ok=None)
        pairs = (line.split(": ", 1) for line in answer.text.splitlines() if ": " in line)
        found: dict[str, Any] = {k: v.split() if k in LISTS else v for k, v in pairs}
        if "git-annex version" in found:
            found["version"] = found.pop("git-annex version")
        return found

    def location(self) -> Any:
        """Say where this was asked."""
        return {"path": str(self.ctx.cwd), "type": "directory" if self.ds is None else "dataset"}

    def python(self) -> Any:
        """Describe Python."""
        import platform  # start-up

        return {"implementation": platform.python_implementation(), "version": platform.python_version()}

    def rookery(self) -> Any:
        """Give our version."""
        return {"version": __version__}

    def system(self) -> Any:
        """Describe the machine."""
        import locale
        import platform  # start-up
        import sys

        affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
        env = self.ctx.env
        places = {"CWD": str(self.ctx.cwd), "HOME": env.get("HOME", ""), "TMP": env.get("TMPDIR", "/tmp")}
        return {
            "cpus": {"affinity": affinity, "count": os.cpu_count()},
            "distribution": _distribution(),
            "encoding": {
                "default": sys.getdefaultencoding(),
                "filesystem": sys.getfilesystemencoding(),
                "locale.prefered": locale.getpreferredencoding(False),  # DataLad's spelling
            },
            "filesystem": {name: {"path": place} for name, place in places.items()},
            "max_path_length": len(str(self.ctx.cwd)) + 256,
            "name": platform.system(),
            "release": platform.release(),
            "type": os.name,
            "version": platform.version(),
        }


def _masked(values: Mapping[str, str], sensitive: str | None) -> dict[str, str]:
    hide = sensitive != "all"
    return {k: HIDDEN if hide and SENSITIVE.search(k) else _without_login(v, hide) for k, v in values.items()}


def _without_login(value: str, hide: bool) -> str:
    """Take a password out of anything that looks like a URL."""
    return re.sub(r"(://[^/\s:@]*):[^/\s@]*@", r"\1:***@", value) if hide else value


def _installed(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version  # start-up

    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _said(ctx: Context, pattern: str, *argv: str) -> str:
    try:
        answer = ctx.runner.run(argv, cwd=ctx.cwd, ok=None)
    except CommandError:
        return "not installed"
    found = re.search(pattern, (answer.stdout + answer.stderr).decode("utf-8", "replace"))
    return found[1] if found else "unknown"


# The lines of `git annex version` that list several things.
LISTS = frozenset(
    {
        "build flags",
        "dependency versions",
        "key/value backends",
        "remote types",
        "supported repository versions",
        "upgrade supported from repository versions",
    }
)


def _distribution() -> str:
    import platform  # start-up

    try:
        about = platform.freedesktop_os_release()
    except OSError:
        return platform.platform()
    return "/".join(about[k] for k in ("ID", "VERSION_ID", "VERSION_CODENAME") if k in about)


SECTIONS = (
    "configuration",
    "datalad",
    "dataset",
    "dependencies",
    "environment",
    "git",
    "git-annex",
    "location",
    "python",
    "rookery",
    "system",
)

COPIERS = (["wl-copy"], ["xclip", "-selection", "clipboard"], ["xsel", "-ib"], ["pbcopy"], ["clip.exe"])


def _copy(ctx: Context, record: Record) -> Record:
    """Copy the text; give what the record has to say about that."""
    import shutil  # start-up

    from rookery.render.wtf import as_text

    text = as_text(record)
    path = ctx.runner.env.get("PATH")
    copier = next((argv for argv in COPIERS if shutil.which(argv[0], path=path)), None)
    if copier is None:
        return {
            "status": "error",
            "message": "there is no program to reach the clipboard",
            "hints": ["install wl-clipboard, xclip or xsel"],
        }
    # a conversation, not `run`: xclip stays behind, holding its output open, to serve what was copied
    with ctx.runner.batch(copier, cwd=ctx.cwd) as batch:
        batch.stdin.write(text.encode())
    return {"message": f"WTF information of length {len(text)} copied to clipboard"}
