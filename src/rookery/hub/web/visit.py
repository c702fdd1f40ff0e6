"""A visit: a person with a browser at a page, what they typed into its form, and what they get to see.

Whoever is signed in has a session, named by a cookie that scripts cannot read
and that other sites' forms do not send.  A form is taken only if it brings the session's own
mark (`csrf`) along and does not come from another site.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote_to_bytes, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from rookery.core.process import decode
from rookery.hub.asking import Site, address_of, hub_of, settings_of, site_of, status_of
from rookery.hub.bodies import whole
from rookery.hub.domain.access import Actor
from rookery.hub.domain.errors import BadName, Forbidden, Hidden, HubError, NeedsSignIn, NotFound
from rookery.hub.domain.names import RepositoryPath, repository_path
from rookery.hub.domain.records import Session
from rookery.hub.services.hub import Hub
from rookery.hub.web.look import environment

COOKIE = "rookery_session"

# The colours that a visitor has chosen; without the cookie they are those that the system says.
LOOK = "rookery_look"
LOOKS = ("light", "dark")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; "
    "media-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_templates = environment()


class Visit(NamedTuple):
    """What a page is made from."""

    request: Request
    hub: Hub
    site: Site
    actor: Actor
    secret: str  # what the cookie holds; "" for strangers
    session: Session | None
    form: dict[str, str]
    problem: HubError | None = None

    @property
    def path(self) -> RepositoryPath:
        """The repository that the address names.  Raises NotFound."""
        try:
            return repository_path(self.request.path_params["owner"], self.request.path_params["repo"])
        except BadName as e:
            raise NotFound(e.message) from e

    @property
    def rest(self) -> str:
        """The part of the address behind the repository and one word: a branch and a path, say.

        Servers put a mark where bytes are no letters; what was there is in the address as it came.
        """
        text: str = self.request.path_params["rest"]
        if "\ufffd" in text:
            raw: bytes = self.request.scope["raw_path"]
            text = decode(unquote_to_bytes(raw.split(b"/", 4)[4]))
        return text

    def field(self, name: str) -> str:
        """Give what was typed; empty if nothing was."""
        return self.form.get(name, "")

    def number(self, name: str) -> int:
        """Give a number of the address (`?from=50`); 0 if it has none."""
        told = self.query(name)
        return int(told) if told.isdecimal() and len(told) < 10 else 0

    def query(self, name: str) -> str:
        """Give what the address says behind its question mark; empty if nothing."""
        return str(self.request.query_params.get(name, ""))

    def page(self, template: str, *, status: int = 200, **values: Any) -> Response:
        """Show a page."""
        shared = {
            "visit": self,
            "signed_in": self.session is not None,
            "csrf": self.session.csrf if self.session else "",
            "me": self.actor.name,
            "title": settings_of(self.request).title,
            "problem": self.problem,
            "form": self.form,
            "here": self.request.url.path,
            "look": self.look,
            "unread": self.hub.notices.unread(self.actor) if self.session else 0,
        }
        text = _templates.get_template(template).render({**shared, **values})
        # Names of files may be any bytes; a browser shows what is no text as such.
        raw = text.encode("utf-8", "surrogateescape")
        return HTMLResponse(raw, 422 if self.problem and status == 200 else status, HEADERS)

    def go(self, where: str) -> Response:
        """Lead to another page."""
        return RedirectResponse(where, 303, HEADERS)

    @property
    def look(self) -> str:
        """The colours that the visitor has chosen; empty if none."""
        told = self.request.cookies.get(LOOK, "")
        return told if told in LOOKS else ""

    def own(self) -> None:
        """Want somebody who is signed in.  Raises NeedsSignIn."""
        if self.session is None:
            raise NeedsSignIn("this page is for people who are signed in")


Handler = Callable[[Visit], Response]


def pages(path: str, show: Handler | None, act: Handler | None = None) -> Route:
    """Make the route of a page: `show` it, and `act` on its form.

    A form that cannot be acted on is shown again, with what is wrong and all that was typed.
    """

    async def endpoint(request: Request) -> Response:
        form: dict[str, str] = {}
        try:
            if request.method == "POST":
                form = await _read(request)
        except HubError as e:
            return HTMLResponse(e.message, status_of(e), HEADERS)
        return await run_in_threadpool(visited, request, form, show, act)

    methods = [*(["GET"] if show else []), *(["POST"] if act else [])]
    return Route(path, endpoint, methods=methods)


async def _read(request: Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BadName("this is not a form")
    raw = await whole(request, most=settings_of(request).limits.largest_request)
    return dict(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100))


def visited(request: Request, form: dict[str, str], show: Handler | None, act: Handler | None) -> Response:
    """Answer a visit, with whatever comes of it."""
    visit = begin(request, form)
    try:
        if request.method != "POST" or act is None:
            assert show is not None
            return show(visit)
        require_own_form(visit)
        try:
            return act(visit)
        except (Hidden, NeedsSignIn, Forbidden):
            raise
        except HubError as e:
            if show is None:
                raise
            return show(visit._replace(problem=e))
    except HubError as e:
        return refusal(visit, e)


def begin(request: Request, form: dict[str, str]) -> Visit:
    """Find out who visits."""
    hub, address, secret = hub_of(request), address_of(request), request.cookies.get(COOKIE, "")
    found = hub.identity.by_session(secret, address) if secret else None
    actor, session = found or (hub.identity.stranger(address), None)
    return Visit(request, hub, site_of(request), actor, secret if session else "", session, form)


def require_own_form(visit: Visit) -> None:
    """Refuse forms that another site's page sent in a visitor's name.  Raises Forbidden."""
    told = visit.request.headers
    origin = told.get("origin") or told.get("referer")
    foreign = told.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    if origin is not None and urlsplit(origin).netloc != urlsplit(visit.site.http).netloc:
        foreign = True
    if visit.session is not None and visit.field("csrf") != visit.session.csrf:
        foreign = True
    if foreign:
        raise Forbidden("this form did not come from this site, or is too old", hints=["load the page again"])


def refusal(visit: Visit, error: HubError) -> Response:
    """Say no.  Who is not signed in is led to where that can be done, if it may help."""
    if isinstance(error, NeedsSignIn):
        here = visit.request.url.path if visit.request.method == "GET" else "/"
        return visit.go(f"/user/login?next={quote(here, safe='')}")
    return visit._replace(problem=None).page("problem.html", status=status_of(error), error=error)


def local(where: str) -> str:
    """Give an address on this site to go on to; the front page for any other."""
    fine = where.startswith("/") and not where.startswith("//") and "\\" not in where and where.isprintable()
    return where if fine else "/"


def with_cookie(visit: Visit, response: Response, secret: str) -> Response:
    """Let the browser keep a session's secret, or forget it."""
    if not secret:
        response.delete_cookie(COOKIE, path="/")
        return response
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(visit.hub.limits.session),
        path="/",
        httponly=True,
        samesite="lax",
        secure=visit.site.http.startswith("https:"),
    )
    return response
