"""Remotes: their settings, and exchanging refs with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from rookery.core.errors import CommandError
from rookery.core.process import decode
from rookery.git.modules import parse_config
from rookery.git.repo import Repo


class Remote(NamedTuple):
    """One remote.  `settings` are all its `remote.NAME.*` keys (lower case), every value in order."""

    name: str
    settings: dict[str, tuple[str, ...]]

    @property
    def url(self) -> str | None:
        """Where it is fetched from; None for special remotes, which Git cannot talk to."""
        return self.get("url")

    @property
    def pushurl(self) -> str | None:
        """Where it is pushed to, if elsewhere."""
        return self.get("pushurl")

    @property
    def fetch(self) -> tuple[str, ...]:
        """The fetch refspecs."""
        return self.settings.get("fetch", ())

    def get(self, key: str) -> str | None:
        """Give the last value of a key."""
        values = self.settings.get(key)
        return values[-1] if values else None


class RefReport(NamedTuple):
    """What became of one ref in a push.

    `flag` as in git-push(1): " " fast-forward, "+" forced, "-" deleted, "*" new,
    "!" rejected, "=" up to date.  `summary` is `old..new` or words in brackets.
    """

    flag: str
    source: str
    target: str
    summary: str
    reason: str | None

    @property
    def ok(self) -> bool:
        """Say whether the other side has what we have."""
        return self.flag != "!"


class PushReport(NamedTuple):
    """All that a push said; `said` is Git's standard error, for hints."""

    refs: list[RefReport]
    code: int
    said: str


class RemoteRef(NamedTuple):
    """A ref as the other side tells it."""

    name: str
    sha: str


def list_remotes(repo: Repo) -> dict[str, Remote]:
    """Read all remotes from the configuration, in its order, special remotes included."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    answer = repo.run("config", "-z", "--get-regexp", r"^remote\.", ok=(0, 1))
    for key, value in parse_config(answer.stdout):
        name, dot, variable = key.removeprefix("remote.").rpartition(".")
        if dot:
            keys = found.setdefault(name, {})
            keys[variable] = (*keys.get(variable, ()), value)
    return {name: Remote(name, keys) for name, keys in found.items()}


def add_remote(repo: Repo, name: str, url: str) -> None:
    """Add a remote with Git's usual fetch refspec."""
    repo.run("remote", "add", "--", name, url)


def remove_remote(repo: Repo, name: str) -> None:
    """Remove a remote, its settings and its tracking branches."""
    repo.run("remote", "remove", name)


def rename_remote(repo: Repo, old: str, new: str) -> None:
    """Rename a remote with its settings and its tracking branches."""
    repo.run("remote", "rename", old, new)


def configure(repo: Repo, name: str, key: str, *values: str) -> None:
    """Make a key have exactly these values; none takes it away."""
    full = f"remote.{name}.{key}"
    if len(values) == 1:
        repo.run("config", "--replace-all", full, values[0])
        return
    repo.run("config", "--unset-all", full, ok=(0, 5))
    for value in values:
        repo.run("config", "--add", full, value)


def tracking_ref(remote: str, branch: str) -> str:
    """Give the ref under which a remote's branch is remembered here, with the usual refspec."""
    return f"refs/remotes/{remote}/{branch}"


def fetch(
    repo: Repo,
    remote: str,
    refspecs: Sequence[str] = (),
    *,
    options: Sequence[str] = (),
    on_progress: Callable[[bytes], None] | None = None,
) -> None:
    """Fetch; `on_progress` gets Git's meter as it comes.  Raises CommandError with Git's own words."""
    argv = [
        "fetch",
        *(["--progress"] if on_progress else []),
        *options,
        "--end-of-options",
        remote,
        *refspecs,
    ]
    _talk(repo, argv, on_progress, ok=(0,))


def push(
    repo: Repo,
    remote: str,
    refspecs: Sequence[str],
    *,
    options: Sequence[str] = (),
    on_progress: Callable[[bytes], None] | None = None,
) -> PushReport:
    """Push and tell what became of each ref.  Raises CommandError when the remote could not be talked to."""
    meter = ["--progress"] if on_progress else []
    argv = ["push", "--porcelain", *meter, *options, "--end-of-options", remote, *refspecs]
    out, said, code = _talk(repo, argv, on_progress, ok=None)
    reports = list(parse_push(out.split(b"\n")))
    if code and not any(report.flag == "!" for report in reports):
        raise CommandError(
            [str(a) for a in repo.argv(argv)],
            code=code,
            stdout=out.decode("utf-8", "replace"),
            stderr=said,
            cwd=str(repo.root),
        )
    return PushReport(reports, code, said)


def _talk(
    repo: Repo,
    argv: Sequence[str],
    on_progress: Callable[[bytes], None] | None,
    ok: Sequence[int] | None,
) -> tuple[bytes, str, int]:
    """Run a network command; give its output, its words without the meter, and its exit code."""
    said: list[bytes] = []

    def hear(piece: bytes) -> None:
        said.append(piece)
        if on_progress is not None:
            on_progress(piece)

    code = 0
    out: list[bytes] = []
    try:
        with repo.runner.stream(repo.argv(argv), cwd=repo.root, on_stderr=hear) as stream:
            out.extend(stream.chunks())
    except CommandError as e:
        text = _words(b"".join(said))
        if ok is not None or e.code is None:
            raise CommandError(e.cmd, code=e.code, stderr=text, cwd=e.cwd) from e
        code = e.code
    return b"".join(out), _words(b"".join(said)), code


def _words(said: bytes) -> str:
    """Keep what a person would still see: of each line, the part after the last carriage return."""
    lines = (line.rstrip(b"\r").rpartition(b"\r")[2] for line in said.split(b"\n"))
    return b"\n".join(lines).decode("utf-8", "replace")


def parse_push(lines: Iterable[bytes]) -> Iterator[RefReport]:
    """Parse `git push --porcelain`: FLAG TAB FROM:TO TAB SUMMARY [(REASON)]."""
    for line in lines:
        fields = decode(line).split("\t")
        if len(fields) != 3 or len(fields[0]) != 1:
            continue  # "To URL", "Done", and lines of hooks
        source, _, target = fields[1].partition(":")
        summary, bracket, reason = fields[2].partition(" (")
        yield RefReport(fields[0], source, target, summary, reason.removesuffix(")") if bracket else None)


def ls_remote(repo: Repo, remote: str, *patterns: str) -> list[RemoteRef]:
    """Ask a remote (a name or a URL) for its refs.  Raises CommandError when it does not answer."""
    answer = repo.run("ls-remote", "--quiet", "--end-of-options", remote, *patterns)
    pairs = (line.split("\t", 1) for line in decode(answer.stdout).splitlines())
    return [RemoteRef(name, sha) for sha, name in pairs]
