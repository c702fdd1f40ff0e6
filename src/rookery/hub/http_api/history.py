"""The API of history and files: branches, tags, commits, folders, raw files (annexed ones with their content)."""

from __future__ import annotations

import base64

from fastapi import APIRouter, Request
from starlette.responses import Response

from rookery.hub.asking import Site
from rookery.hub.content_http import blob_response, content_response
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import NotFound
from rookery.hub.http_api import answers, shapes
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedPath, AskedSite
from rookery.hub.http_api.described import ARCHIVE, BYTES
from rookery.hub.http_api.shapes import Shape
from rookery.hub.services.browsing import File, Place
from rookery.hub.services.hub import Hub
from rookery.hub.streaming import archive_response

router = APIRouter(prefix="/repos/{owner}/{repo}")

# A file whose text is in the answer itself; larger ones are fetched by their own address.
LARGEST_INSIDE = 1 << 20

_TYPES = {"directory": "dir", "dataset": "submodule"}


@router.get("/branches", response_model=list[answers.Ref])
def branches(path: AskedPath, asked_by: AskedBy, hub: AskedHub, page: AskedPage) -> list[Shape]:
    """Tell of the branches."""
    return [_ref(name, sha) for name, sha in page.of(hub.browsing.branches(asked_by, path))]


@router.get("/branches/{branch:path}", response_model=answers.Ref)
def one_branch(path: AskedPath, branch: str, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Tell of a branch."""
    found = dict(hub.browsing.branches(asked_by, path)).get(branch)
    if found is None:
        raise NotFound(f"there is no branch {branch[:80]!r}")
    return _ref(branch, found)


@router.get("/tags", response_model=list[answers.Ref])
def tags(path: AskedPath, asked_by: AskedBy, hub: AskedHub, page: AskedPage) -> list[Shape]:
    """Tell of the tags."""
    return [_ref(name, sha) for name, sha in page.of(hub.browsing.tags(asked_by, path))]


def _ref(name: str, sha: str) -> Shape:
    return {"name": name, "commit": {"id": sha, "sha": sha}}


@router.get("/commits", response_model=list[answers.Commit])
def commits(
    path: AskedPath,
    asked_by: AskedBy,
    hub: AskedHub,
    site: AskedSite,
    page: AskedPage,
    sha: str = "",
) -> list[Shape]:
    """Tell of commits, newest first; `sha` is a branch, tag or commit to begin at."""
    place = hub.browsing.at(asked_by, path, sha)
    found = hub.browsing.commits(place, skip=page.skip, limit=page.limit + 1)
    return [shapes.commit(one, place.repository, site) for one in page.some(found)]


@router.get("/commits/{sha}", response_model=answers.Commit)
def one_commit(path: AskedPath, sha: str, asked_by: AskedBy, hub: AskedHub, site: AskedSite) -> Shape:
    """Tell of a commit."""
    place = hub.browsing.at(asked_by, path, sha)
    return shapes.commit(hub.browsing.commits(place, limit=1)[0], place.repository, site)


@router.get("/contents", response_model=list[answers.Entry], response_model_exclude_unset=True)
@router.get(
    "/contents/{file:path}",
    response_model=answers.Entry | list[answers.Entry],
    response_model_exclude_unset=True,
)
def contents(
    path: AskedPath, asked_by: AskedBy, hub: AskedHub, site: AskedSite, file: str = "", ref: str = ""
) -> Shape | list[Shape]:
    """Tell of a file (with its text, if Git has it and it is small), or of all in a folder."""
    place = hub.browsing.at(asked_by, path, ref)
    if file.strip("/"):
        found = hub.browsing.file(place, file)
        if found.kind != "directory":
            return _entry(hub, place, found, site, _present(hub, asked_by, place, [found]), inside=True)
    listed = hub.browsing.folder(place, file)
    present = _present(hub, asked_by, place, listed)
    return [_entry(hub, place, one, site, present) for one in listed]


def _present(hub: Hub, asked_by: Actor, place: Place, files: list[File]) -> set[str]:
    return hub.contents.present_of(asked_by, place.repository.id, (one.key for one in files if one.key))


def _entry(hub: Hub, place: Place, of: File, site: Site, present: set[str], *, inside: bool = False) -> Shape:
    home = f"{site.http}/api/v1/repos/{place.repository.path}"
    shape: Shape = {
        "name": of.name,
        "path": of.path,
        "sha": of.sha,
        "type": "file" if of.key else _TYPES.get(of.kind, of.kind),
        "size": of.size or 0,
        "url": f"{home}/contents/{of.path}?ref={place.ref}",
        "download_url": f"{home}/raw/{place.ref}/{of.path}" if of.kind in ("file", "symlink") else None,
    }
    if of.target is not None:
        shape["target"] = of.target
    if of.key is not None:
        shape["annex"] = {"key": of.key, "present": of.key in present}
    elif inside and of.kind == "file" and (of.size or 0) <= LARGEST_INSIDE:
        text = b"".join(hub.browsing.bytes_of(place, of))
        shape |= {"encoding": "base64", "content": base64.b64encode(text).decode()}
    return shape


@router.head("/raw/{file:path}", response_model=None, include_in_schema=False)
@router.get("/raw/{file:path}", response_model=None, response_class=Response, responses=BYTES)
def raw(
    request: Request, path: AskedPath, file: str, asked_by: AskedBy, hub: AskedHub, ref: str | None = None
) -> Response:
    """Give a file's bytes, an annexed one's content: `raw/REF/PATH`, or `raw/PATH?ref=REF`."""
    if ref is None:
        place, inside = hub.browsing.split(asked_by, path, file)
    else:
        place, inside = hub.browsing.at(asked_by, path, ref), file
    found = hub.browsing.file(place, inside)
    if found.key is not None:
        return content_response(request, asked_by, place.repository.id, found.key)
    return blob_response(request, place, found)


@router.head("/archive/{archive:path}", response_model=None, include_in_schema=False)
@router.get("/archive/{archive:path}", response_model=None, response_class=Response, responses=ARCHIVE)
def archive(request: Request, path: AskedPath, archive: str, asked_by: AskedBy) -> Response:
    """Give all files of a branch, tag or commit, with annexed content, as `REF.zip`, `REF.tar` or `REF.tar.gz`.

    Those of a folder are `REF/FOLDER.zip`; a file in the archive names what is not in it.
    """
    return archive_response(request, asked_by, path, archive)
