"""Pages of a repository's files: a folder, a file, and their bytes."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from rookery.annex.keys import parse_key
from rookery.hub.content_http import blob_response, content_response
from rookery.hub.domain.errors import NotFound
from rookery.hub.domain.names import NestedPath
from rookery.hub.domain.records import Repository
from rookery.hub.services.browsing import File, Place
from rookery.hub.services.folders import FolderPage, folder_page
from rookery.hub.streaming import archive_response
from rookery.hub.web.look import address
from rookery.hub.web.previews.kinds import media_type
from rookery.hub.web.previews.markdown import Base
from rookery.hub.web.previews.shown import MOST_MARKDOWN, Preview, bytes_wanted, preview
from rookery.hub.web.private_address import allowance
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import HEADERS, Visit

A_PAGE = 100
MOST_BRANCHES = 200

# By kind of preview: a notebook holds its pictures itself, which are in the page as addresses that hold the bytes; a
# PDF is in a frame, which the browser's viewer fills.
_POLICY = HEADERS["Content-Security-Policy"]
_POLICIES = {
    "notebook": _POLICY.replace("img-src 'self'", "img-src 'self' data:"),
    "pdf": f"{_POLICY}; frame-src 'self'",
}


def front(visit: Visit) -> Response:
    """Show a repository: how to clone it, and what is in it."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    if repository.path != visit.path and "." not in visit.request.path_params["repo"]:
        return RedirectResponse(f"/{repository.path}", 302)  # it has another name now
    branches = [name for name, _ in visit.hub.browsing.branches(visit.actor, repository.id)]
    if repository.default_branch not in branches:
        return _empty(visit, repository, branches)
    return _folder(visit, visit.hub.browsing.at(visit.actor, repository.id), "", branches)


def _empty(visit: Visit, repository: Repository, branches: list[str]) -> Response:
    return repository_page(
        visit,
        "repository_empty.html",
        repository,
        tab="files",
        branches=branches,
        site=visit.site,
        allowance=allowance(visit.site),
    )


def browse(visit: Visit) -> Response:
    """Show a folder, or a file; a subdataset's page is that of its own repository."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    place, inside = visit.hub.browsing.split(visit.actor, repository.id, visit.rest)
    if inside:
        found = visit.hub.browsing.file(place, inside)
        if found.kind == "dataset":
            below = visit.hub.repositories.get(visit.actor, NestedPath(repository.path, inside))
            return visit.go(f"/{below.path}")
        if found.kind != "directory":
            return _file(visit, place, found)
    branches = [name for name, _ in visit.hub.browsing.branches(visit.actor, repository.id)]
    return _folder(visit, place, inside, branches)


def _folder(visit: Visit, place: Place, inside: str, branches: list[str]) -> Response:
    hub, repository = visit.hub, place.repository
    page = folder_page(place, inside, first=visit.number("from"), limit=A_PAGE)
    present = hub.contents.present_of(visit.actor, repository.id, (f.key for f in page.files if f.key))
    before, after = page.others(A_PAGE)
    return repository_page(
        visit,
        "folder.html",
        repository,
        tab="files",
        place=place,
        inside=inside,
        page=page,
        files=[(file, file.key in present if file.key else None) for file in page.files],
        before=before,
        after=after,
        readme=_readme(visit, place, inside, page),
        commit=hub.browsing.commits(place, limit=1)[0],
        branches=branches[:MOST_BRANCHES],
        summary=None if inside else hub.summaries.of(visit.actor, place),
        site=visit.site,
        allowance=allowance(visit.site),
    )


def _readme(visit: Visit, place: Place, inside: str, page: FolderPage) -> Preview | None:
    if page.readme is None:
        return None
    data = head(visit, place, page.readme, MOST_MARKDOWN)
    return preview(page.readme.name, data, page.readme.size, _base(place, inside)) if data else None


def _base(place: Place, folder: str) -> Base:
    repository, ref = place.repository, address(place.ref)
    return Base(f"/{repository.path}/src/{ref}/", f"/{repository.path}/raw/{ref}/", folder)


def _file(visit: Visit, place: Place, file: File) -> Response:
    hub, repository = visit.hub, place.repository
    here = None if file.key is None else hub.contents.present(visit.actor, repository.id, file.key)
    shown = None
    if here or (here is None and file.target is None):
        data = head(visit, place, file, bytes_wanted(file.name)) or b""
        shown = preview(file.name, data, file.size, _base(place, file.path.rpartition("/")[0]))
    key = parse_key(file.key) if file.key else None
    answer = repository_page(
        visit,
        "file.html",
        repository,
        tab="files",
        place=place,
        inside=file.path,
        file=file,
        here=here,
        shown=shown,
        opened=visit.query("shown") == "1",
        backend=key.backend if key else "",
        places=hub.browsing.places_of(place, file.key) if file.key else [],
        clone=visit.site.clone(repository.path),
    )
    if shown is not None and shown.kind in _POLICIES:
        answer.headers["Content-Security-Policy"] = _POLICIES[shown.kind]
    return answer


def head(visit: Visit, place: Place, file: File, most: int) -> bytes | None:
    """Read the first bytes of a file, of an annexed one's content; None if that is not here."""
    if file.key is None:
        pieces, got = visit.hub.browsing.bytes_of(place, file), b""
        for piece in pieces:
            got += piece
            if len(got) >= most:
                break
        pieces.close()
        return got[:most]
    try:
        reader = visit.hub.contents.open(visit.actor, place.repository.id, file.key)
    except NotFound:
        return None
    try:
        return reader.read(most)
    finally:
        reader.close()


def raw(visit: Visit) -> Response:
    """Give a file's bytes, an annexed one's content."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    place, inside = visit.hub.browsing.split(visit.actor, repository.id, visit.rest)
    found = visit.hub.browsing.file(place, inside)
    kind = media_type(found.name, annexed=found.key is not None)
    if found.key is not None:
        return content_response(visit.request, visit.actor, repository.id, found.key, media_type=kind)
    # Text is shown, whatever it says that it is; nothing of it runs.
    return blob_response(visit.request, place, found, media_type=kind)


def archive(visit: Visit) -> Response:
    """Give all files, with annexed content, as an archive."""
    return archive_response(visit.request, visit.actor, visit.path, visit.rest)
