"""What makes a fresh Git clone a dataset: its branch, its annex, its reckless mode, where its content is."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rookery.annex import branch, identity, joining, program, store
from rookery.annex import remotes as annex_remotes
from rookery.core.errors import CommandError, RookeryError, UsageError
from rookery.core.log import get_log
from rookery.core.results import result
from rookery.dataset import layout, siblings, sources
from rookery.dataset.model import Dataset
from rookery.git import refs, remotes, worktree
from rookery.git.repo import NotARepository, Repo, find_root, open_repo

log = get_log("rookery.clone")

Record = dict[str, Any]

RECKLESS_KEY = "datalad.clone.reckless"


class Setup(NamedTuple):
    """How a clone is to be set up.  `options` are those of `git clone`, from a person."""

    description: str | None = None
    reckless: str | None = None
    options: tuple[str, ...] = ()


def check_reckless(mode: str | None) -> None:
    """Raise UsageError for a mode that does not exist."""
    if mode is None or mode in ("auto", "ephemeral") or (mode.startswith("shared-") and len(mode) > 7):
        return
    raise UsageError(
        f"unknown reckless mode {mode!r}",
        hints=["choose auto, ephemeral or shared-MODE (as git init --shared)"],
    )


def inherited_reckless(above: Dataset) -> str | None:
    """Give the mode that clones below a dataset are made in.

    What the dataset itself has committed does not count: a stranger must not
    lower the safety of our copies.
    """
    mode: str | None = above.config.get(RECKLESS_KEY)
    return None if above.config.source_of(RECKLESS_KEY) == "branch" else mode


def settle(
    ds: Dataset, source: sources.Source, remote: str, setup: Setup, commit: str | None
) -> Iterator[Record]:
    """Do all that follows `git clone`; may be done again on a clone that was left unfinished.

    Yields records about further siblings.  Raises RookeryError: the clone is of
    no use then, and is to be taken away by the caller.
    """
    repo = ds.repo
    if source.version is None:
        _find_a_branch(repo, remote)
    if setup.reckless and setup.reckless.startswith("shared-"):
        repo.run("init", "-q", f"--shared={setup.reckless.removeprefix('shared-')}")
    if source.type == "ria":
        # before git-annex looks at it: what is in a store belongs to the ORA special remote (datalad#5186)
        remotes.configure(repo, remote, "annex-ignore", "true")
    if _wants_annex(ds):
        _make_annex(ds, remote, setup)
        tell_what_is_not_enabled(ds)
        yield from _inherit_origins(ds, remote)
    if commit is not None:
        check_out(ds, commit)
    if setup.reckless:
        repo.run("config", RECKLESS_KEY, setup.reckless)
    ds.forget()


def _find_a_branch(repo: Repo, remote: str) -> None:
    """Take the branch with the newest commit where the other side's HEAD names none (contract: postclone)."""
    if refs.head(repo).commit is not None:
        return
    prefix = f"refs/remotes/{remote}/"
    listed = repo.text("for-each-ref", "--sort=-committerdate", "--format=%(refname)", prefix).splitlines()
    names = [name.removeprefix(prefix) for name in listed]
    for name in names:
        if name not in ("git-annex", "HEAD") and not name.startswith("adjusted/"):
            repo.run("checkout", "-q", "-b", name, "--track", f"{remote}/{name}", "--")
            return
    log.warning("Cloned %s but could not find a branch with commits", repo.root)


def _wants_annex(ds: Dataset) -> bool:
    if not identity.knows_annex(ds.repo):
        return False
    if os.path.lexists(ds.path / layout.NOANNEX):
        log.warning("%s seems to know about git-annex, but has a .noannex file: no annex is set up", ds.path)
        return False
    return True


def _make_annex(ds: Dataset, remote: str, setup: Setup) -> None:
    """Make the annex of a clone, with what its reckless mode asks for."""
    repo = ds.repo
    if setup.reckless == "ephemeral":
        repo.run("config", "annex.private", "true")
    if setup.reckless == "auto":
        repo.run("config", "annex.hardlink", "true")
    if not identity.is_annex(repo):
        ds.forget()
        joining.join(repo, ds.config.of_git(), remote, setup.description, now=ds.ctx.clock())
    elif (
        setup.description or refs.resolve(repo, branch.LOCAL) is None
    ):  # who was killed on the way left no branch
        identity.init(repo, setup.description)
    if setup.reckless == "ephemeral":
        remotes.configure(repo, remote, "annex-ignore", "true")
        annex_remotes.set_trust(repo, "here", "dead")
        _share_store(ds, remote)
    elif setup.reckless:
        annex_remotes.set_trust(repo, "here", "untrusted")
    ds.forget()


def _share_store(ds: Dataset, remote: str) -> None:
    """Put a symlink to the origin's annex in place of our own, which holds nothing yet."""
    url = remotes.list_remotes(ds.repo)[remote].url or ""
    path = sources.local_path(url)
    if path is None:
        log.warning(
            "reckless=ephemeral: %s is not on this machine (%s), so that its annex cannot be shared",
            remote,
            url,
        )
        return
    try:
        theirs = store.annex_dir(open_repo(Path(os.path.normpath(ds.path / path)), ds.ctx.runner))
    except NotARepository:
        log.warning(
            "reckless=ephemeral: there is no repository at %s, so that its annex cannot be shared", path
        )
        return
    mine = store.annex_dir(ds.repo)
    if mine.is_symlink():
        return
    objects = mine / "objects"
    if objects.is_dir() and any(files for _, _, files in os.walk(objects)):
        raise RookeryError(f"{objects} holds content already, and is not given up for a shared one")
    theirs.mkdir(exist_ok=True)
    shutil.rmtree(mine)
    mine.symlink_to(theirs, target_is_directory=True)


def tell_what_is_not_enabled(ds: Dataset) -> None:
    """Say which special remotes a person may want to enable, and which could not be and why."""
    known = annex_remotes.special(ds.repo)
    if not known:
        return
    here = annex_remotes.configured(ds.repo).values()
    enabled = {remote.settings.get("annex-config-uuid") or remote.uuid for remote in here}
    manual = []
    for uuid, one in known.items():
        if uuid in enabled or not one.name:
            continue
        if not one.autoenable:
            manual.append(one.name)
            continue
        helper = f"git-annex-remote-{one.externaltype}"
        if one.externaltype and not shutil.which(helper, path=ds.ctx.runner.env.get("PATH")):
            log.warning(
                "sibling %s could not be enabled: its program %s is not installed (it comes with the tool that "
                "made the sibling; for ora that is DataLad). Install it, and then: rookery siblings -d %s enable -s %s",
                one.name,
                helper,
                ds.path,
                one.name,
            )
        else:
            log.warning(
                "sibling %s could not be enabled. Try: rookery siblings -d %s enable -s %s",
                one.name,
                ds.path,
                one.name,
            )
    if manual:
        log.info(
            'access to dataset sibling%s %s not auto-enabled, enable with:\n\t\trookery siblings -d "%s" enable -s %s',
            "s" if len(manual) > 1 else "",
            ", ".join(manual),
            ds.path,
            manual[0] if len(manual) == 1 else "SIBLING",
        )


def _inherit_origins(ds: Dataset, remote: str) -> Iterator[Record]:
    """Make the origins of our origin, as far as they are on this machine, siblings: origin-2, origin-3 ..."""
    if not ds.config.getbool("datalad.install.inherit-local-origin", True):
        return
    seen = {os.path.realpath(ds.path)}
    urls = {one.url for one in remotes.list_remotes(ds.repo).values()}
    at = ds
    for number in range(1, 100):
        url = at.ctx.settings.at(at.path, dataset=at.path).get(f"remote.{remote}.url")
        if not url or not sources.is_path(url):
            return
        path = Path(os.path.normpath(at.path / os.path.expanduser(url)))
        if number > 1:
            ours = url if os.path.isabs(url) else os.path.relpath(path, ds.path)
            if ours not in urls and find_root(path) == path:
                urls.add(ours)
                yield from _add_origin(ds, f"{remote}-{number}", ours)
        if os.path.realpath(path) in seen or find_root(path) != path:
            return
        seen.add(os.path.realpath(path))
        at = Dataset(path, ds.ctx)


def _add_origin(ds: Dataset, name: str, url: str) -> Iterator[Record]:
    repo = ds.repo
    remotes.add_remote(repo, name, url)
    try:
        remotes.fetch(repo, name, options=["--quiet"])
    except CommandError as e:
        remotes.remove_remote(repo, name)
        log.warning("the origin's own origin at %s is of no use: %s", url, e.stderr.strip() or e)
        return
    yield result("update", ds.path, type="dataset", refds=ds.path)
    if identity.is_annex(repo):
        try:
            annex_remotes.enable(repo, name)
        except CommandError as e:
            log.info("Could not annex-enable %s: %s", name, e.stderr)
    ds.forget()
    yield next(siblings.query(ds, name=name, action="configure-sibling", refds=ds.path))


def check_out(ds: Dataset, commit: str) -> None:
    """Check out a commit that is here (`require_commit`), staying on the branch if it is in its history."""
    repo = ds.repo
    head = refs.head(repo)
    adjusted = identity.parse_adjusted(head.branch) if head.branch else None
    branch = adjusted.original if adjusted else head.branch
    tip = refs.resolve(repo, f"{refs.HEADS}{branch}") if adjusted else head.commit
    if tip == commit:
        return
    if branch is None or tip is None or not refs.is_ancestor(repo, commit, tip):
        worktree.checkout(repo, commit, detach=True)
        if branch is not None:
            log.warning(
                "%s has a detached HEAD, because the target commit %s has no unique ancestor with branch '%s'",
                ds.path,
                commit[:8],
                branch,
            )
        return
    log.info("Reset branch '%s' to %s (from %s) to avoid a detached HEAD", branch, commit[:8], tip[:8])
    if adjusted:
        worktree.checkout(repo, commit, detach=True)
        refs.update(repo, refs.HEADS + branch, commit, tip, message="clone: to the commit that is recorded")
        worktree.checkout(repo, branch)
        program.run(repo, "adjust", f"--{adjusted.how.removesuffix('ed')}", "--force")
    else:
        worktree.reset(repo, commit, mode="keep")


def require_commit(repo: Repo, commit: str, remote: str) -> None:
    """Make sure that a commit is here, fetched by name if need be.  Raises RookeryError if it cannot be had."""
    if refs.head(repo).commit == commit or refs.resolve(repo, commit) is not None:
        return
    said = ""
    try:
        remotes.fetch(repo, remote, [commit], options=["--quiet"])
    except CommandError as e:
        said = e.stderr.strip()
    if refs.resolve(repo, commit) is None:
        raise RookeryError(
            f"Target commit {commit[:8]} does not exist in the clone, and a fetch that commit from remote failed"
            + (f": {said}" if said else "")
        )
