"""Cloning a dataset: a Git clone of the first source that works, set up as a dataset.

A clone
that fails leaves nothing behind but the folder that was there.  One that was
killed half-way is marked, and the same command does it again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rookery.annex import identity
from rookery.core.config import Config
from rookery.core.context import Context
from rookery.core.errors import CommandError, RookeryError
from rookery.core.log import get_log
from rookery.core.process import decode
from rookery.core.results import Message, failed, result
from rookery.dataset import sources, unfinished
from rookery.dataset.locate import absolute
from rookery.dataset.model import Dataset
from rookery.dataset.sources import Source
from rookery.git import configfile, refs, remotes, trees
from rookery.git.clone import clone
from rookery.git.repo import Repo
from rookery.steps.obtaining import ria
from rookery.steps.obtaining.settle import Setup, inherited_reckless, require_commit, settle
from rookery.steps.removing.uninstall import remove_tree

log = get_log("rookery.clone")

Record = dict[str, Any]
After = Callable[[Dataset], Iterator[Record]]

# Git's words when the trouble is at the target.
NO_TARGET = ("could not create work tree", "could not create leading directories")

# What Git says, and what a person may do about it.
ADVICE = (
    (
        ("permission denied", "authentication failed", "could not read username"),
        "the server wants to know who you are: check the address, your SSH key or your password",
    ),
    (
        ("could not resolve host", "name or service not known"),
        "the server's name is not known: check the spelling and the network connection",
    ),
    (
        ("not found in upstream",),
        "there is no such branch or tag at the source: `git ls-remote SOURCE` lists them",
    ),
    (
        ("target commit",),
        "push the subdataset from where it was saved: its commit is recorded, but not at the source",
    ),
)


def clone_into(
    ctx: Context,
    text: str,
    path: str | os.PathLike[str] | None,
    *,
    above: Dataset | None,
    setup: Setup,
    message: str | None = None,
    after: After | None = None,
) -> Iterator[Record]:
    """Clone what a person named to where they said; below `above` it becomes a subdataset, and that is saved."""
    more: dict[str, Any] = {"source_url": text}
    if above is not None:
        more["refds"] = str(above.path)
    config = ctx.settings.at(ctx.cwd) if above is None else above.config
    try:
        target = absolute(ctx, path if path is not None else sources.decode(text, config).default_destpath)
    except RookeryError as e:
        why, hints = str(e), e.hints or None
        yield result("install", ctx.cwd, "error", type="dataset", message=why, hints=hints, **more)
        return
    if above is not None:
        if above.path not in target.parents:
            why = "clone target path '%s' not in specified target dataset '%s'"
            told = (why, str(target), f"Dataset({above.path})")
            yield result("install", target, "error", type="dataset", message=told, **more)
            return
        setup = setup._replace(reckless=setup.reckless or inherited_reckless(above))
    broken = False
    for record in clone_dataset(ctx, [text], target, config=config, setup=setup, after=after, more=more):
        broken = broken or failed(record)
        yield record
    if above is not None and not broken:
        named = _seen_from(above, ctx, text) if sources.is_path(text) else text
        from rookery.steps.saving.register import register  # start-up: subdatasets only

        yield from register(
            above,
            Dataset(target, ctx),
            message=message or "[DATALAD] Added subdataset",
            more={"datalad-url": named},
        )


def _seen_from(above: Dataset, ctx: Context, text: str) -> str:
    """Write a path so that it means the same to whoever reads it in the superdataset later."""
    if os.path.isabs(text) or text.startswith("~"):
        return text
    return os.path.relpath(ctx.cwd / text, above.path)


def clone_dataset(
    ctx: Context,
    texts: Sequence[str],
    target: Path,
    *,
    config: Config,
    setup: Setup,
    commit: str | None = None,
    committed: bool = False,
    after: After | None = None,
    more: Mapping[str, Any] | None = None,
) -> Iterator[Record]:
    """Obtain a dataset from the first of some sources; the last record says what became of it.

    `config` are the settings that choose and rewrite sources, `commit` what to
    check out, `committed` that the sources come from a dataset's own files,
    `after` what else belongs to the set-up (procedures), `more` further keys
    for the record.  Relative paths are seen from the context's folder.
    """

    def record(status: Any, message: Any = None, **extra: Any) -> Record:
        return result("install", target, status, type="dataset", message=message, **{**(more or {}), **extra})

    try:
        todo = sources.candidates(texts, config, committed=committed)
    except RookeryError as e:
        yield record("error", str(e), hints=e.hints or None)
        return
    ds = Dataset(target, ctx)
    existed = target.exists()
    refusal = _refusal(ds, todo, existed=existed)
    if refusal is not None:
        yield record(*refusal)
        return
    source, failures = _clone_first(ctx, todo, ds, setup, commit, existed=existed)
    if source is None:
        yield record("error", _told(failures), source=todo[-1].as_record(), hints=_advice(failures))
        return
    try:
        yield from _set_up(ds, source, setup, commit, after)
    except BaseException as e:
        remove_clone(target, keep_top=existed)
        if not isinstance(e, (RookeryError, OSError)):
            raise
        hints = getattr(e, "hints", None) or None
        yield record("error", str(e), exception=e, hints=hints, source=source.as_record())
        return
    yield record("ok", source=source.as_record())


def _refusal(ds: Dataset, todo: Sequence[Source], *, existed: bool) -> tuple[Any, Any] | None:
    """Say why nothing is to be cloned; what an earlier, killed clone left is taken away."""
    target = ds.path
    taken = ("error", "target path already exists and not empty, refuse to clone into target path")
    if not existed and not target.is_symlink():
        return None
    if not target.is_dir():
        return "error", "there is a file at the target path, refuse to clone into target path"
    if not os.listdir(target):
        return None
    try:
        begun = unfinished.left_behind(target)
    except RookeryError as e:
        return "error", str(e)
    if not ds.is_installed():
        return taken
    if begun and _holds_nothing_else(ds):
        log.info("Beginning anew what was left unfinished at %s", target)
        remove_clone(target, keep_top=True)
        ds.forget()
        return None
    same = _same_source(ds, todo)
    if same is None:
        return taken
    return "notneeded", ("dataset %s was already cloned from '%s'", f"Dataset({target})", same)


def _holds_nothing_else(ds: Dataset) -> bool:
    """Say whether an unfinished clone has nothing in it that is not at its source."""
    repo = ds.repo
    heads = {ref.sha for ref in refs.for_each_ref(repo, "refs/heads") if ref.name != "refs/heads/git-annex"}
    theirs = {ref.peeled for ref in refs.for_each_ref(repo, "refs/remotes", "refs/tags")}
    if not heads <= theirs:
        return False
    tree = {entry.path for entry in trees.ls_tree(repo, "HEAD")} if refs.head(repo).commit else set()
    for folder, folders, names in os.walk(ds.path):
        if folder == str(ds.path):
            folders.remove(".git")
        inside = os.path.relpath(folder, ds.path)
        if any(os.path.normpath(os.path.join(inside, name)) not in tree for name in names):
            return False
    return True


def _same_source(ds: Dataset, todo: Sequence[Source]) -> str | None:
    """Give the source that an existing clone came from, if it is one of those asked for."""
    branch = identity.corresponding_branch(ds.repo)
    remote = ds.config.get(f"branch.{branch}.remote") if branch else None
    url = ds.config.get(f"remote.{remote}.url") if remote else None
    if not url:
        return None
    for one in todo:
        if one.giturl == url or _same_place(url, ds.path, one.giturl, ds.ctx.cwd):
            return one.giturl
    return None


def _same_place(one: str, one_from: Path, other: str, other_from: Path) -> bool:
    paths = sources.local_path(one), sources.local_path(other)
    if paths[0] is None or paths[1] is None:
        return False
    try:
        return os.path.samefile(one_from / paths[0], other_from / paths[1])
    except OSError:
        return False


def _clone_first(
    ctx: Context, todo: Sequence[Source], ds: Dataset, setup: Setup, commit: str | None, *, existed: bool
) -> tuple[Source | None, dict[str, RookeryError]]:
    """Try the sources in order; give the one that worked, and what each other one said.

    A source that does not have the commit that is wanted is not one that works.
    """
    log.info("Attempting a clone into %s", ds.path)
    failures: dict[str, RookeryError] = {}
    for one in todo:
        log.info("Attempting to clone from %s to %s", one.giturl, ds.path)
        try:
            _clone_one(ctx, one, ds, setup)
        except CommandError as e:
            failures[one.giturl] = e
            if any(words in e.stderr.lower() for words in NO_TARGET):
                break  # no other source can help
            continue
        if commit is not None:
            try:
                require_commit(ds.repo, commit, _remote_of(ds.repo))
            except BaseException as e:
                remove_clone(ds.path, keep_top=existed)
                ds.forget()
                if not isinstance(e, RookeryError):
                    raise
                failures[one.giturl] = e
                continue
        return one, failures
    return None, failures


def _clone_one(ctx: Context, one: Source, ds: Dataset, setup: Setup) -> None:
    path = sources.local_path(one.giturl)
    told = clone(
        ctx.runner,
        path or one.giturl,
        ds.path,
        cwd=ctx.cwd,
        options=[*setup.options, *([f"--branch={one.version}"] if one.version else [])],
        settings=[unfinished.mark()],
        progress=ctx.progress,
        ask=ctx.interactive,
    )
    for line in told.warnings:
        log.warning("%s", line)
    ds.forget()
    if path is not None and not os.path.isabs(path):
        _keep_relative(ds, ctx.cwd / path)


def _keep_relative(ds: Dataset, source: Path) -> None:
    """Remember a source that was named by a relative path as such, so that both may be moved together."""
    name = _remote_of(ds.repo)
    remotes.configure(ds.repo, name, "url", os.path.relpath(os.path.normpath(source), ds.path))


def _remote_of(repo: Repo) -> str:
    """Give the name of the one remote of a fresh clone; people may call it something else than origin."""
    for key, _ in configfile.parse(decode((repo.commondir / "config").read_bytes())):
        if key.startswith("remote.") and key.endswith(".url"):
            return key[len("remote.") : -len(".url")]
    raise RookeryError(f"the clone at {repo.root} has no remote")


def _set_up(
    ds: Dataset, source: Source, setup: Setup, commit: str | None, after: After | None
) -> Iterator[Record]:
    remote = _remote_of(ds.repo)
    yield from settle(ds, source, remote, setup, commit)
    if source.type == "ria":
        yield from ria.settle(ds, source, remote)
    if after is not None:
        yield from after(ds)
    unfinished.finish(ds.repo)
    ds.forget()


def remove_clone(target: Path, *, keep_top: bool) -> None:
    """Take away a clone that is of no use, or all that is in its folder."""
    if not keep_top:
        remove_tree(target)
        return
    for entry in list(target.iterdir()):
        remove_tree(entry)


def _told(failures: Mapping[str, RookeryError]) -> Message:
    """Put together what the sources said, as DataLad does."""
    if len(failures) == 1 and not isinstance(only := next(iter(failures.values())), CommandError):
        return str(only)
    each = "\n- ".join(f"{url}\n  {error}" for url, error in failures.items())
    return "Failed to clone from any candidate source URL. Encountered errors per each url were:\n- %s", each


def _advice(failures: Mapping[str, RookeryError]) -> list[str] | None:
    said = "\n".join(map(str, failures.values())).lower()
    return [hint for words, hint in ADVICE if any(word in said for word in words)] or None
