"""Pages of a repository's history: branches, tags, lists of commits, one commit with what it changed."""

from __future__ import annotations

import posixpath
from typing import NamedTuple

from starlette.responses import Response

from rookery.git.commits import Commit
from rookery.git.runrecords import holds_record
from rookery.hub.domain.access import Action
from rookery.hub.domain.errors import HubError, NotFound
from rookery.hub.domain.names import NestedPath, kept_for
from rookery.hub.domain.records import Repository
from rookery.hub.services.browsing import Place
from rookery.hub.services.changes import Changes
from rookery.hub.services.runs import Run
from rookery.hub.web.look import said
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit

A_PAGE = 50
REFS_ON_A_PAGE = 100

# So many subdatasets of a commit become links: each has to be looked for.
_LINKED = 20

# What makes an input of a run a pattern, or a word that is replaced.
_PATTERN = set("*?[{")


class Ref(NamedTuple):
    """A line of the lists of branches and tags; `kept` says which program keeps it for itself."""

    name: str
    commit: Commit | None
    kept: str = ""


def branches(visit: Visit) -> Response:
    """Show the branches, those that programs keep for themselves apart."""
    return _refs(visit, "branches")


def tags(visit: Visit) -> Response:
    """Show the tags."""
    return _refs(visit, "tags")


def _refs(visit: Visit, which: str) -> Response:
    browsing = visit.hub.browsing
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    named = browsing.branches if which == "branches" else browsing.tags
    found = named(visit.actor, repository.id)
    first = repository.default_branch
    found.sort(key=lambda ref: (ref[0] != first, bool(which == "branches" and kept_for(ref[0]))))
    skip = visit.number("from")
    shown = found[skip : skip + REFS_ON_A_PAGE]
    tips = browsing.tips(visit.actor, repository.id, [sha for _, sha in shown])
    refs = [Ref(name, tips.get(sha), kept_for(name) if which == "branches" else "") for name, sha in shown]
    more = skip + REFS_ON_A_PAGE if skip + REFS_ON_A_PAGE < len(found) else 0
    return repository_page(
        visit,
        "refs.html",
        repository,
        tab="branches",
        which=which,
        refs=[ref for ref in refs if not ref.kept],
        kept=[ref for ref in refs if ref.kept],
        total=len(found),
        before=None if not skip else max(skip - REFS_ON_A_PAGE, 0),
        more=more,
    )


def of_default_branch(visit: Visit) -> Response:
    """Show the commits of the default branch; where there is none, what to do."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    try:
        place = visit.hub.browsing.at(visit.actor, repository.id)
    except NotFound:
        return repository_page(visit, "commits.html", repository, tab="commits", commits=[], ref="", path="")
    return _commits(visit, repository, place, "")


def of_ref(visit: Visit) -> Response:
    """Show the commits of a branch, tag or commit; with a path behind it, those that changed that."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    place, path = visit.hub.browsing.split(visit.actor, repository.id, visit.rest)
    return _commits(visit, repository, place, path)


def _commits(visit: Visit, repository: Repository, place: Place, path: str) -> Response:
    skip = visit.number("from")
    found = visit.hub.browsing.commits(place, skip=skip, limit=A_PAGE + 1, path=path)
    shown = [(commit, said(commit), holds_record(commit.message)) for commit in found[:A_PAGE]]
    return repository_page(
        visit,
        "commits.html",
        repository,
        tab="commits",
        commits=shown,
        ref=place.ref,
        path=path,
        before=None if not skip else max(skip - A_PAGE, 0),
        more=skip + A_PAGE if len(found) > A_PAGE else 0,
    )


def one(visit: Visit) -> Response:
    """Show a commit: who, why, by which command, and what it changed."""
    hub, repository = visit.hub, visit.hub.repositories.get(visit.actor, visit.path)
    place = hub.browsing.at(visit.actor, repository.id, visit.request.path_params["sha"])
    commit = hub.browsing.commits(place, limit=1)[0]
    changes = hub.changes.of(visit.actor, place, commit, skip=visit.number("from"))
    run = hub.runs.of(place, [commit]).get(commit.sha)
    return repository_page(
        visit,
        "commit.html",
        repository,
        tab="commits",
        commit=commit,
        words=said(commit),
        body=_body(commit, run),
        run=run,
        inputs=run_paths(run, run.inputs) if run else [],
        outputs=run_paths(run, run.outputs) if run else [],
        changes=changes,
        below=_datasets(visit, repository, changes),
    )


def _body(commit: Commit, run: Run | None) -> str:
    """Give the message without its first line; a run's record is shown in a better way."""
    text = run.words if run and not run.problem else commit.message
    return text.strip().partition("\n")[2].strip()


def run_paths(run: Run, paths: tuple[str, ...]) -> list[tuple[str, str]]:
    """Give paths of a record with where they are below the dataset; "" for patterns, and for what is outside."""
    found = []
    for path in paths:
        inside = posixpath.normpath(posixpath.join(run.folder, path))
        fine = (
            not (_PATTERN & set(path)) and not inside.startswith(("../", "/")) and inside not in (".", "..")
        )
        found.append((path, inside if fine else ""))
    return found


def _datasets(visit: Visit, repository: Repository, changes: Changes) -> dict[str, str]:
    """Give the addresses of subdatasets that changed, by their paths, as far as the visitor may read them."""
    found = {}
    paths = [c.path for c in changes.changes if c.new is not None and c.new.kind == "dataset"]
    for path in paths[:_LINKED]:
        try:
            below = visit.hub.gate.enter(visit.actor, NestedPath(repository.path, path), Action.READ)
        except HubError:
            continue  # not on this hub, or not for everybody
        found[path] = f"/{below.repository.path}"
    return found
