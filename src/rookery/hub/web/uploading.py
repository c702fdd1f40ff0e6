"""The page that takes files into a repository."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from rookery.annex.branch import LOCAL
from rookery.core.sizes import natural
from rookery.git import refs
from rookery.hub.asking import hub_of, settings_of
from rookery.hub.bodies import pieces
from rookery.hub.domain.access import Action
from rookery.hub.domain.errors import BadName, HubError, NotFound, TooMuch
from rookery.hub.services.keeping_rules import Keep
from rookery.hub.services.uploads import Arrived, Wish
from rookery.hub.web.look import address
from rookery.hub.web.multipart import Received, receive
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit, begin, refusal, require_own_form, visited

# What a killed process left behind is taken away by a later upload.
_OLD = 86400.0


def upload_page(path: str) -> Route:
    """Make the route: its form is not like the others, since it brings files."""

    async def endpoint(request: Request) -> Response:
        if request.method != "POST":
            return await run_in_threadpool(visited, request, {}, show, None)
        data = settings_of(request).data
        folder = Path(await run_in_threadpool(_room, data / "uploads", hub_of(request).clock()))
        try:
            return await _taken(request, folder)
        finally:
            await run_in_threadpool(shutil.rmtree, folder, ignore_errors=True)

    return Route(path, endpoint, methods=["GET", "POST"])


def _room(parent: Path, now: float) -> str:
    parent.mkdir(mode=0o700, exist_ok=True)
    for old in parent.iterdir():
        if old.stat().st_mtime < now - _OLD:
            shutil.rmtree(old, ignore_errors=True)
    return tempfile.mkdtemp(dir=parent)


async def _taken(request: Request, folder: Path) -> Response:
    most = settings_of(request).limits.largest_upload
    visit = await run_in_threadpool(begin, request, {})

    def allow(fields: dict[str, str]) -> None:
        asked = visit._replace(form=fields)
        require_own_form(asked)
        visit.hub.gate.enter(visit.actor, visit.path, Action.WRITE)
        if int(request.headers.get("content-length", "0")) > most:
            raise TooMuch(
                f"files of at most {natural(most)} come by browser", hints=["push them from a clone"]
            )

    received = Received(folder, allow)
    try:
        await receive(pieces(request, most=2 * most), request.headers.get("content-type", ""), received)
    except HubError as e:
        return await run_in_threadpool(refusal, visit, e)
    if received.refusal is not None:
        return await run_in_threadpool(refusal, visit, received.refusal)
    request.state.arrived = received.files
    return await run_in_threadpool(visited, request, received.fields, show, act)


def show(visit: Visit) -> Response:
    """Show the form."""
    repository = visit.hub.gate.enter(visit.actor, visit.path, Action.WRITE).repository
    branch, folder, base = repository.default_branch, "", ""
    rest = visit.rest.strip("/")
    if rest:
        try:
            place, folder = visit.hub.browsing.split(visit.actor, repository.id, rest)
            branch, base = place.ref, place.commit
        except NotFound:
            if rest != branch:  # the first upload makes the branch
                raise
    names = [name for name, _ in visit.hub.browsing.branches(visit.actor, repository.id)]
    if base and branch not in names:
        raise BadName("files are put onto a branch, and this is none", hints=["choose a branch first"])
    return repository_page(
        visit,
        "upload.html",
        repository,
        tab="files",
        branch=branch,
        folder=folder,
        base=base,
        annex=refs.resolve(visit.hub.histories.open(repository.id), LOCAL) is not None,
        most=visit.hub.limits.largest_upload,
    )


def act(visit: Visit) -> Response:
    """Commit the files."""
    arrived: list[Arrived] = visit.request.state.arrived
    keep = visit.field("keep") or Keep.RULES.value
    if keep not in set(Keep):
        raise BadName("choose where the files are kept")
    branch, folder = visit.field("branch"), visit.field("folder").strip("/ ")
    wish = Wish(branch, folder, visit.field("message").strip(), visit.field("base"), Keep(keep))
    visit.hub.uploads.commit(visit.actor, visit.path, wish, arrived)
    return visit.go(f"/{visit.path}/src/{address(branch)}{'/' if folder else ''}{address(folder)}")
