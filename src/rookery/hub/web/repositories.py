"""Pages of repositories: lists, one of them with its files, and making a new one."""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response, StreamingResponse

from rookery.hub.content_http import SANDBOX, content_response
from rookery.hub.domain.access import Visibility
from rookery.hub.domain.errors import BadName, NotFound
from rookery.hub.domain.names import owner_name
from rookery.hub.domain.records import Repository
from rookery.hub.streaming import archive_response
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit

A_PAGE = 50
LARGEST_README = 200_000
_READMES = ("readme.md", "readme.txt", "readme.rst", "readme")


def explore(visit: Visit) -> Response:
    """Show what there is, changed last first."""
    words = visit.request.query_params.get("q", "")[:100]
    after = visit.request.query_params.get("before", "")
    before = None
    if after.count("-") == 1 and after.replace("-", "").replace(".", "").isdecimal():
        at, number = after.split("-")
        before = (float(at), int(number))
    found = visit.hub.repositories.search(visit.actor, words, before=before, limit=A_PAGE)
    more = f"{found[-1].updated!r}-{found[-1].id}" if len(found) == A_PAGE else ""
    return visit.page("explore.html", found=found, words=words, more=more)


def account(visit: Visit) -> Response:
    """Show somebody's repositories."""
    try:
        name = owner_name(visit.request.path_params["owner"])
    except BadName as e:
        raise NotFound("there is no such page") from e
    owner = visit.hub.accounts.named(name)
    return visit.page("account.html", owner=owner, found=visit.hub.repositories.of_owner(visit.actor, owner))


def show_create(visit: Visit) -> Response:
    """Show the form for a new repository."""
    visit.own()
    owners = [visit.actor.name, *(one.name for one in visit.hub.organisations.mine(visit.actor))]
    return visit.page("create.html", owners=owners)


def create(visit: Visit) -> Response:
    """Make a repository."""
    made = visit.hub.repositories.create(
        visit.actor,
        owner_name(visit.field("owner") or visit.actor.name),
        visit.field("name").strip(),
        visibility=visibility_of(visit.field("visibility")),
        description=visit.field("description"),
    )
    return visit.go(f"/{made.path}")


def visibility_of(word: str) -> Visibility:
    """Read a visibility.  Raises BadName."""
    if word not in set(Visibility):
        raise BadName("choose who may see it")
    return Visibility(word)


def front(visit: Visit) -> Response:
    """Show a repository: how to clone it, and what is in it."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    if repository.path != visit.path and "." not in visit.request.path_params["repo"]:
        return RedirectResponse(f"/{repository.path}", 302)  # it has another name now
    return _folder(visit, repository, "", "")


def browse(visit: Visit) -> Response:
    """Show a folder, or a file."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    place, inside = visit.hub.browsing.split(visit.actor, repository.id, visit.request.path_params["rest"])
    if inside and visit.hub.browsing.file(place, inside).kind != "directory":
        return visit.go(f"/{repository.path}/raw/{place.ref}/{inside}")
    return _folder(visit, repository, place.ref, inside)


def _folder(visit: Visit, repository: Repository, ref: str, inside: str) -> Response:
    hub, files, readme, commit = visit.hub, [], "", None
    branches = [name for name, _ in hub.browsing.branches(visit.actor, repository.id)]
    if ref or repository.default_branch in branches:
        place = hub.browsing.at(visit.actor, repository.id, ref)
        ref = place.ref
        found = hub.browsing.folder(place, inside)
        present = hub.contents.present_of(visit.actor, repository.id, (f.key for f in found if f.key))
        for file in found:
            files.append((file, file.key in present if file.key else None))
            if (
                file.name.lower() in _READMES
                and not file.key
                and (file.size or 0) < LARGEST_README
                and not readme
            ):
                readme = b"".join(hub.browsing.bytes_of(place, file)).decode("utf-8", "replace")
        commit = hub.browsing.commits(place, limit=1)[0]
        files.sort(key=lambda shown: (shown[0].kind not in ("directory", "dataset"), shown[0].name.lower()))
    return repository_page(
        visit,
        "repository.html",
        repository,
        tab="files",
        files=files,
        readme=readme,
        commit=commit,
        ref=ref,
        branches=branches,
        inside=inside,
        totals=hub.contents.totals(visit.actor, repository.id),
        clone=visit.site.clone(repository.path),
        clone_ssh=visit.site.clone_ssh(repository.path),
    )


def raw(visit: Visit) -> Response:
    """Give a file's bytes, an annexed one's content."""
    repository = visit.hub.repositories.get(visit.actor, visit.path)
    place, inside = visit.hub.browsing.split(visit.actor, repository.id, visit.request.path_params["rest"])
    found = visit.hub.browsing.file(place, inside)
    if found.key is not None:
        return content_response(visit.request, visit.actor, repository.id, found.key)
    if found.kind not in ("file", "symlink"):
        raise NotFound(f"{inside} is a {found.kind}")
    headers = {**SANDBOX, "ETag": f'"{found.sha}"', "Content-Length": str(found.size or 0)}
    # Text is shown, whatever it says that it is; nothing of it runs.
    body = iter(()) if visit.request.method == "HEAD" else visit.hub.browsing.bytes_of(place, found)
    return StreamingResponse(body, headers=headers, media_type="text/plain; charset=utf-8")


def archive(visit: Visit) -> Response:
    """Give all files, with annexed content, as a zip archive."""
    return archive_response(visit.request, visit.actor, visit.path, visit.request.path_params["rest"])
