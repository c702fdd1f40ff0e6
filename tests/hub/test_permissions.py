"""Who may do what, by every route that there is: the table below is what people were promised, written down by hand.

A new route must find its line here, or the first test fails.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.routing import BaseRoute, Mount, Route

from rookery.hub.app import make_app
from rookery.hub.domain.access import ALL_SCOPES, Actor, Level, Scope, Visibility
from rookery.hub.domain.names import OwnerName, parse_path
from rookery.hub.web.visit import COOKIE
from support.asgi import Answer, Caller
from support.browser import form_with_files
from support.hubs import HubInside, make_hub_inside

KEY = "SHA256-s4--" + "0" * 64
SSH_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 42 + "A x"


A_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class Case(NamedTuple):
    """How a route is called, and which right it wants."""

    right: str
    url: str
    body: Any = None


FORM = "nothing=here"
A_FILE = "a form with a file in it"
REPO = "/api/v1/repos/ada/data"
P2P = "/git-annex/{uuid}/v{version:int}"
ANNEX = "/git-annex/{uuid}/v4"

# Rights: open (to all); user:read ... (any account whose token is good for it); admin; ada's, lab's; of the repository.
ROUTES: dict[str, Case] = {
    "GET /healthz": Case("open", "/healthz"),
    "GET /{place:path}/info/refs": Case("read", "/ada/data.git/info/refs?service=git-upload-pack"),
    "POST /{place:path}/git-upload-pack": Case("read", "/ada/data/git-upload-pack"),
    "POST /{place:path}/git-receive-pack": Case("write", "/ada/data/git-receive-pack"),
    "GET /{place:path}/config": Case("read", "/ada/data/config"),
    "GET /{place:path}/annex/objects/{one}/{two}/{folder}/{file}": Case(
        "read", f"/ada/data/annex/objects/000/000/{KEY}/{KEY}"
    ),
    "GET /git-annex/{uuid}/key/{key:path}": Case("read", f"/git-annex/{{uuid}}/key/{KEY}"),
    f"GET {P2P}/key/{{key:path}}": Case("read", f"{ANNEX}/key/{KEY}"),
    f"POST {P2P}/checkpresent": Case("read", f"{ANNEX}/checkpresent?key={KEY}"),
    f"POST {P2P}/lockcontent": Case("read", f"{ANNEX}/lockcontent?key={KEY}"),
    f"POST {P2P}/keeplocked": Case("read", f"{ANNEX}/keeplocked?lockid=none"),
    f"POST {P2P}/gettimestamp": Case("read", f"{ANNEX}/gettimestamp"),
    f"POST {P2P}/putoffset": Case("write", f"{ANNEX}/putoffset?key={KEY}"),
    f"POST {P2P}/put": Case("write", f"{ANNEX}/put?key={KEY}"),
    f"POST {P2P}/several/get": Case("read", f"{ANNEX}/several/get"),
    f"POST {P2P}/several/put": Case("write", f"{ANNEX}/several/put"),
    f"POST {P2P}/remove": Case("drop", f"{ANNEX}/remove?key={KEY}"),
    f"POST {P2P}/remove-before": Case("drop", f"{ANNEX}/remove-before?key={KEY}&timestamp=5"),
    # Pages; by tokens they are those of strangers, and what the signed-in see is further down.
    "GET /": Case("open", "/"),
    "GET /{owner}": Case("open", "/ada"),
    "GET /user/sign_up": Case("open", "/user/sign_up"),
    "POST /user/sign_up": Case("open", "/user/sign_up", FORM),
    "GET /user/login": Case("open", "/user/login"),
    "POST /user/login": Case("open", "/user/login", FORM),
    "POST /user/logout": Case("open", "/user/logout", FORM),
    "POST /user/look": Case("open", "/user/look", FORM),
    "GET /avatars/{name}": Case("open", "/avatars/ada"),
    "GET /user/settings": Case("page of one's own", "/user/settings"),
    "POST /user/settings": Case("page of one's own", "/user/settings", FORM),
    "GET /user/settings/keys": Case("page of one's own", "/user/settings/keys"),
    "POST /user/settings/keys": Case("page of one's own", "/user/settings/keys", FORM),
    "GET /user/settings/applications": Case("page of one's own", "/user/settings/applications"),
    "POST /user/settings/applications": Case("page of one's own", "/user/settings/applications", FORM),
    "GET /user/settings/password": Case("page of one's own", "/user/settings/password"),
    "POST /user/settings/password": Case("page of one's own", "/user/settings/password", FORM),
    "GET /admin": Case("page of an administrator", "/admin"),
    "POST /admin": Case("page of an administrator", "/admin", "close=nobody"),
    "GET /admin/repositories": Case("page of an administrator", "/admin/repositories"),
    "POST /admin/repositories": Case("page of an administrator", "/admin/repositories", "repository=a/b&quota="),
    "GET /admin/accounts/{name}": Case("page of an administrator", "/admin/accounts/ada"),
    "POST /admin/accounts/{name}": Case("page of an administrator", "/admin/accounts/ada", "quota="),
    "GET /admin/audit": Case("page of an administrator", "/admin/audit"),
    "GET /org/create": Case("page of one's own", "/org/create"),
    "POST /org/create": Case("page of one's own", "/org/create", "name=lab"),
    "GET /org/{org}/teams": Case("page of lab's", "/org/lab/teams"),
    "POST /org/{org}/teams": Case("page of lab's", "/org/lab/teams", "team=1&person=nobody"),
    "GET /repo/create": Case("page of one's own", "/repo/create"),
    "POST /repo/create": Case("page of one's own", "/repo/create", "name=other&visibility=private"),
    "GET /{owner}/{repo}": Case("page:read", "/ada/data"),
    "GET /{owner}/{repo}/find": Case("page:read", "/ada/data/find"),
    "GET /{owner}/{repo}/find/{rest:path}": Case("page:read", "/ada/data/find/main"),
    "GET /{owner}/{repo}/provenance/{rest:path}": Case("page:read", "/ada/data/provenance/main/x"),
    "GET /{owner}/{repo}/branches": Case("page:read", "/ada/data/branches"),
    "GET /{owner}/{repo}/tags": Case("page:read", "/ada/data/tags"),
    "GET /{owner}/{repo}/commits": Case("page:read", "/ada/data/commits"),
    "GET /{owner}/{repo}/commits/{rest:path}": Case("page:read", "/ada/data/commits/main"),
    "GET /{owner}/{repo}/commit/{sha}": Case("page:read", "/ada/data/commit/main"),
    "GET /{owner}/{repo}/src/{rest:path}": Case("page:read", "/ada/data/src/main"),
    "GET /{owner}/{repo}/raw/{rest:path}": Case("page:read", "/ada/data/raw/main/x"),
    "GET /{owner}/{repo}/archive/{rest:path}": Case("page:read", "/ada/data/archive/main.zip"),
    "GET /{owner}/{repo}/{below:path}": Case("page:nothing", "/ada/data/nothing/here"),
    "GET /{owner}/{repo}/upload/{rest:path}": Case("page:write", "/ada/data/upload/main"),
    "POST /{owner}/{repo}/upload/{rest:path}": Case("page:write", "/ada/data/upload/main", A_FILE),
    "GET /{owner}/{repo}/settings": Case("page:manage", "/ada/data/settings"),
    "POST /{owner}/{repo}/settings": Case(
        "page:manage", "/ada/data/settings", "visibility={visibility}&drop_level=admin&keep_last=on"
    ),
    "GET /{owner}/{repo}/settings/collaboration": Case("page:manage", "/ada/data/settings/collaboration"),
    "POST /{owner}/{repo}/settings/collaboration": Case(
        "page:manage", "/ada/data/settings/collaboration", "remove=nobody"
    ),
    "GET /{owner}/{repo}/settings/keys": Case("page:manage", "/ada/data/settings/keys"),
    "POST /{owner}/{repo}/settings/keys": Case("page:manage", "/ada/data/settings/keys", "remove=0"),
    "GET /{owner}/{repo}/settings/hooks": Case("page:manage", "/ada/data/settings/hooks"),
    "POST /{owner}/{repo}/settings/hooks": Case("page:manage", "/ada/data/settings/hooks", "url=x"),
    "GET /{owner}/{repo}/settings/hooks/{number}": Case("page:manage", "/ada/data/settings/hooks/0"),
    "POST /{owner}/{repo}/settings/hooks/{number}": Case("page:manage", "/ada/data/settings/hooks/0", "what=off"),
    "GET /{owner}/{repo}/issues": Case("page:read", "/ada/data/issues"),
    "GET /{owner}/{repo}/issues/new": Case("page:discuss", "/ada/data/issues/new"),
    "POST /{owner}/{repo}/issues/new": Case("page:discuss", "/ada/data/issues/new", "title=x"),
    "GET /{owner}/{repo}/issues/{number}": Case("page:read", "/ada/data/issues/0"),
    "POST /{owner}/{repo}/issues/{number}": Case("page:discuss", "/ada/data/issues/0", "what=close"),
    "GET /{owner}/{repo}/labels": Case("page:read", "/ada/data/labels"),
    "POST /{owner}/{repo}/labels": Case("page:write", "/ada/data/labels", "remove=0"),
    "GET /{owner}/{repo}/pulls": Case("page:read", "/ada/data/pulls"),
    "GET /{owner}/{repo}/pulls/new": Case("page:discuss", "/ada/data/pulls/new"),
    "POST /{owner}/{repo}/pulls/new": Case(
        "page:write", "/ada/data/pulls/new", "source=ada/data&branch=a&target=b&title=x"
    ),
    "GET /{owner}/{repo}/pulls/{number}": Case("page:read", "/ada/data/pulls/0"),
    "POST /{owner}/{repo}/pulls/{number}": Case("page:write", "/ada/data/pulls/0", "what=merge"),
    "GET /{owner}/{repo}/pulls/{number}/commits": Case("page:read", "/ada/data/pulls/0/commits"),
    "GET /{owner}/{repo}/pulls/{number}/files": Case("page:read", "/ada/data/pulls/0/files"),
    "GET /{owner}/{repo}/fork": Case("page:fork", "/ada/data/fork"),
    "POST /{owner}/{repo}/fork": Case("page:fork", "/ada/data/fork", "owner=&name=..."),
    "GET /{owner}/{repo}/activity": Case("page:read", "/ada/data/activity"),
    "GET /notifications": Case("page of one's own", "/notifications"),
    "POST /notifications": Case("page of one's own", "/notifications", FORM),
    "GET /api/v1/openapi.json": Case("open", "/api/v1/openapi.json"),
    "GET /api/v1/version": Case("open", "/api/v1/version"),
    "GET /api/v1/user": Case("user:read", "/api/v1/user"),
    "GET /api/v1/user/settings": Case("user:read", "/api/v1/user/settings"),
    "PATCH /api/v1/user/settings": Case("user:write", "/api/v1/user/settings", {"full_name": "x"}),
    "GET /api/v1/users/{name}": Case("open", "/api/v1/users/ada"),
    "POST /api/v1/admin/users": Case(
        "admin", "/api/v1/admin/users", {"username": "api", "email": "x@y", "password": "long enough"}
    ),
    "POST /api/v1/admin/users/{name}/repos": Case("ada's", "/api/v1/admin/users/ada/repos", {"name": "other"}),
    "GET /api/v1/users/{name}/tokens": Case("user:read", "/api/v1/users/{me}/tokens"),
    "POST /api/v1/users/{name}/tokens": Case("user:write", "/api/v1/users/{me}/tokens", {"name": "x"}),
    "DELETE /api/v1/users/{name}/tokens/{token}": Case("user:write", "/api/v1/users/{me}/tokens/0"),
    "GET /api/v1/user/keys": Case("user:read", "/api/v1/user/keys"),
    "POST /api/v1/user/keys": Case("user:write", "/api/v1/user/keys", {"title": "x", "key": SSH_KEY}),
    "GET /api/v1/user/keys/{key}": Case("user:read", "/api/v1/user/keys/0"),
    "DELETE /api/v1/user/keys/{key}": Case("user:write", "/api/v1/user/keys/0"),
    "POST /api/v1/user/repos": Case("repository:write", "/api/v1/user/repos", {"name": "other"}),
    "GET /api/v1/user/repos": Case("user:read", "/api/v1/user/repos"),
    "POST /api/v1/org/{org}/repos": Case("lab's", "/api/v1/org/lab/repos", {"name": "study"}),
    "POST /api/v1/orgs/{org}/repos": Case("lab's", "/api/v1/orgs/lab/repos", {"name": "study"}),
    "GET /api/v1/users/{name}/repos": Case("open", "/api/v1/users/ada/repos"),
    "GET /api/v1/orgs/{name}/repos": Case("open", "/api/v1/orgs/lab/repos"),
    "GET /api/v1/repos/search": Case("open", "/api/v1/repos/search?q=data"),
    "GET /api/v1/repos/{owner}/{repo}": Case("read", REPO),
    "PATCH /api/v1/repos/{owner}/{repo}": Case("manage", REPO, {"description": "x"}),
    "DELETE /api/v1/repos/{owner}/{repo}": Case("own", REPO),
    "GET /api/v1/repos/{owner}/{repo}/forks": Case("read", f"{REPO}/forks"),
    "POST /api/v1/repos/{owner}/{repo}/forks": Case("fork", f"{REPO}/forks", {"name": "..."}),
    "GET /api/v1/repos/{owner}/{repo}/issues": Case("read", f"{REPO}/issues"),
    "POST /api/v1/repos/{owner}/{repo}/issues": Case("discuss", f"{REPO}/issues", {"title": "x"}),
    "GET /api/v1/repos/{owner}/{repo}/issues/{number}": Case("read", f"{REPO}/issues/0"),
    "PATCH /api/v1/repos/{owner}/{repo}/issues/{number}": Case("discuss", f"{REPO}/issues/0", {"title": "x"}),
    "GET /api/v1/repos/{owner}/{repo}/issues/{number}/comments": Case("read", f"{REPO}/issues/0/comments"),
    "GET /api/v1/repos/{owner}/{repo}/issues/{number}/timeline": Case("read", f"{REPO}/issues/0/timeline"),
    "POST /api/v1/repos/{owner}/{repo}/issues/{number}/comments": Case(
        "discuss", f"{REPO}/issues/0/comments", {"body": "x"}
    ),
    "PATCH /api/v1/repos/{owner}/{repo}/issues/comments/{comment}": Case(
        "discuss", f"{REPO}/issues/comments/0", {"body": "x"}
    ),
    "DELETE /api/v1/repos/{owner}/{repo}/issues/comments/{comment}": Case(
        "discuss", f"{REPO}/issues/comments/0"
    ),
    "GET /api/v1/repos/{owner}/{repo}/labels": Case("read", f"{REPO}/labels"),
    "POST /api/v1/repos/{owner}/{repo}/labels": Case("write", f"{REPO}/labels", {"name": "x", "color": "fff000"}),
    "DELETE /api/v1/repos/{owner}/{repo}/labels/{label}": Case("write", f"{REPO}/labels/0"),
    "PUT /api/v1/repos/{owner}/{repo}/issues/{number}/labels": Case(
        "write", f"{REPO}/issues/0/labels", {"labels": []}
    ),
    "GET /api/v1/repos/{owner}/{repo}/pulls": Case("read", f"{REPO}/pulls"),
    "POST /api/v1/repos/{owner}/{repo}/pulls": Case(
        "write", f"{REPO}/pulls", {"title": "x", "head": "a", "base": "b"}
    ),
    "GET /api/v1/repos/{owner}/{repo}/pulls/{number}": Case("read", f"{REPO}/pulls/0"),
    "PATCH /api/v1/repos/{owner}/{repo}/pulls/{number}": Case("discuss", f"{REPO}/pulls/0", {"title": "x"}),
    "GET /api/v1/repos/{owner}/{repo}/pulls/{number}/commits": Case("read", f"{REPO}/pulls/0/commits"),
    "GET /api/v1/repos/{owner}/{repo}/pulls/{number}/files": Case("read", f"{REPO}/pulls/0/files"),
    "GET /api/v1/repos/{owner}/{repo}/pulls/{number}/merge": Case("read", f"{REPO}/pulls/0/merge"),
    "POST /api/v1/repos/{owner}/{repo}/pulls/{number}/merge": Case("write", f"{REPO}/pulls/0/merge", {}),
    "GET /api/v1/repos/{owner}/{repo}/hooks": Case("manage", f"{REPO}/hooks"),
    "POST /api/v1/repos/{owner}/{repo}/hooks": Case("manage", f"{REPO}/hooks", {"config": {"url": "x"}}),
    "GET /api/v1/repos/{owner}/{repo}/hooks/{number}": Case("manage", f"{REPO}/hooks/0"),
    "PATCH /api/v1/repos/{owner}/{repo}/hooks/{number}": Case("manage", f"{REPO}/hooks/0", {}),
    "DELETE /api/v1/repos/{owner}/{repo}/hooks/{number}": Case("manage", f"{REPO}/hooks/0"),
    "POST /api/v1/repos/{owner}/{repo}/hooks/{number}/tests": Case("manage", f"{REPO}/hooks/0/tests"),
    "GET /api/v1/repos/{owner}/{repo}/hooks/{number}/deliveries": Case("manage", f"{REPO}/hooks/0/deliveries"),
    "POST /api/v1/repos/{owner}/{repo}/hooks/{number}/deliveries/{delivery}": Case(
        "manage", f"{REPO}/hooks/0/deliveries/0"
    ),
    "GET /api/v1/repos/{owner}/{repo}/activities/feeds": Case("read", f"{REPO}/activities/feeds"),
    "GET /api/v1/notifications": Case("user:read", "/api/v1/notifications"),
    "GET /api/v1/notifications/new": Case("user:read", "/api/v1/notifications/new"),
    "PUT /api/v1/notifications": Case("user:write", "/api/v1/notifications"),
    "PATCH /api/v1/notifications/threads/{notice}": Case("user:write", "/api/v1/notifications/threads/0"),
    "GET /api/v1/repos/{owner}/{repo}/collaborators": Case("write", f"{REPO}/collaborators"),
    "GET /api/v1/repos/{owner}/{repo}/collaborators/{name}": Case("write", f"{REPO}/collaborators/nobody"),
    "PUT /api/v1/repos/{owner}/{repo}/collaborators/{name}": Case("manage", f"{REPO}/collaborators/nobody"),
    "DELETE /api/v1/repos/{owner}/{repo}/collaborators/{name}": Case("manage", f"{REPO}/collaborators/nobody"),
    "GET /api/v1/repos/{owner}/{repo}/keys": Case("manage", f"{REPO}/keys"),
    "POST /api/v1/repos/{owner}/{repo}/keys": Case("manage", f"{REPO}/keys", {"title": "x", "key": SSH_KEY}),
    "DELETE /api/v1/repos/{owner}/{repo}/keys/{key}": Case("manage", f"{REPO}/keys/0"),
    "POST /api/v1/orgs": Case("org:write", "/api/v1/orgs", {"username": "lab"}),
    "GET /api/v1/user/orgs": Case("org:read", "/api/v1/user/orgs"),
    "GET /api/v1/orgs/{org}": Case("open", "/api/v1/orgs/lab"),
    "DELETE /api/v1/orgs/{org}": Case("lab's", "/api/v1/orgs/lab"),  # it owns a repository: nobody can
    "GET /api/v1/orgs/{org}/teams": Case("lab's", "/api/v1/orgs/lab/teams"),
    "POST /api/v1/orgs/{org}/teams": Case("lab's", "/api/v1/orgs/lab/teams", {"name": "\n\n"}),
    "GET /api/v1/teams/{team}/members": Case("lab's", "/api/v1/teams/1/members"),
    "PUT /api/v1/teams/{team}/members/{name}": Case("lab's", "/api/v1/teams/1/members/nobody"),
    "DELETE /api/v1/teams/{team}/members/{name}": Case("lab's", "/api/v1/teams/1/members/nobody"),
    "PUT /api/v1/teams/{team}/repos/{owner}/{repo}": Case("lab's", "/api/v1/teams/1/repos/lab/nothing"),
    "DELETE /api/v1/teams/{team}/repos/{owner}/{repo}": Case("lab's", "/api/v1/teams/1/repos/lab/nothing"),
    "GET /api/v1/repos/{owner}/{repo}/branches": Case("read", f"{REPO}/branches"),
    "GET /api/v1/repos/{owner}/{repo}/branches/{branch:path}": Case("read", f"{REPO}/branches/main"),
    "GET /api/v1/repos/{owner}/{repo}/tags": Case("read", f"{REPO}/tags"),
    "GET /api/v1/repos/{owner}/{repo}/commits": Case("read", f"{REPO}/commits"),
    "GET /api/v1/repos/{owner}/{repo}/commits/{sha}": Case("read", f"{REPO}/commits/main"),
    "GET /api/v1/repos/{owner}/{repo}/contents": Case("read", f"{REPO}/contents"),
    "GET /api/v1/repos/{owner}/{repo}/contents/{file:path}": Case("read", f"{REPO}/contents/x"),
    "GET /api/v1/repos/{owner}/{repo}/raw/{file:path}": Case("read", f"{REPO}/raw/main/x"),
    "GET /api/v1/repos/{owner}/{repo}/archive/{archive:path}": Case("read", f"{REPO}/archive/main.zip"),
    "GET /api/v1/repos/{owner}/{repo}/annex": Case("read", f"{REPO}/annex"),
    "GET /api/v1/repos/{owner}/{repo}/annex/keys/{key:path}": Case("read", f"{REPO}/annex/keys/{KEY}"),
    "DELETE /api/v1/repos/{owner}/{repo}/annex/keys/{key:path}": Case("drop", f"{REPO}/annex/keys/{KEY}"),
    "GET /api/v1/repos/{owner}/{repo}/whereis/{file:path}": Case("read", f"{REPO}/whereis/x"),
    "GET /api/v1/repos/{owner}/{repo}/runs": Case("read", f"{REPO}/runs"),
    "GET /api/v1/repos/{owner}/{repo}/runs/{sha}": Case("read", f"{REPO}/runs/main"),
}  # fmt: skip

RIGHTS = ("read", "discuss", "write", "drop", "manage", "own")

# What each may do in a private repository of ada's.
LEVELS = {
    "root": RIGHTS,  # administers the hub
    "owner": RIGHTS,
    "admin": ("read", "discuss", "write", "drop", "manage"),
    "writer": ("read", "discuss", "write"),
    "reader": ("read", "discuss"),
    "member": (
        "read",
        "discuss",
    ),  # of the owner's team, if it were an organisation's: here, an invited reader again
    "outsider": (),
    "stranger": (),
    "read token": ("read",),  # the owner's, with scope read:repository
    "append token": ("read", "discuss", "write"),  # the owner's
    "other token": (),  # the owner's, for another repository
}

# Who reads what is not private, without being invited.
READS = {
    "internal": {"outsider"},
    "unlisted": {"outsider", "stranger", "other token"},
    "public": {"outsider", "stranger", "other token"},
    "private": set(),
}  # fmt: skip

BROWSERS = {"root", "owner", "admin", "writer", "reader", "member", "outsider"}
ACCOUNTLESS = {"stranger"}
WITHOUT_SCOPE = {"read token"}  # what it was made for is reading repositories
IN_LAB = {"root", "member"}
ADAS = {"root", "owner", "append token"}


def expected(right: str, who: str, visibility: str) -> str:
    """Say what must come of it: passed, forbidden, sign in, hidden."""
    if right == "open":
        return "passed"
    page, _, of_page = right.partition(":")
    if page == "page":  # a browser sends a cookie: who sends only a token is a stranger to pages
        right, who = of_page, who if who in BROWSERS else "stranger"
    elif page == "page of one's own":
        return "passed" if who in BROWSERS else "sign in"
    elif right in ("page of an administrator", "page of lab's"):
        inside = who == "root" or (who == "member" and "lab" in right)
        return "passed" if inside else "forbidden" if who in BROWSERS else "sign in"
    if right == "nothing":  # what is not there looks as what may not be read
        return "hidden"
    if right == "fork":  # who reads it, and may make repositories
        if "read" not in LEVELS[who] and who not in READS[visibility]:
            return "hidden"
        return expected_of_account("repository:write", who)
    if right in RIGHTS:
        reads = "read" in LEVELS[who] or who in READS[visibility]
        if not reads:
            return "hidden"
        if right in LEVELS[who] or right == "read":
            return "passed"
        if right == "discuss" and who == "outsider":
            return "passed"  # whoever reads it, with an account
        return "sign in" if who in ACCOUNTLESS else "forbidden"
    return expected_of_account(right, who)


def expected_of_account(right: str, who: str) -> str:
    """The same for what is not about a repository."""
    if who in ACCOUNTLESS:
        return "sign in"
    if right == "admin":
        return "passed" if who == "root" else "forbidden"
    if who in WITHOUT_SCOPE:
        return "forbidden"
    if who == "other token" and not right.endswith(":read"):
        return "forbidden"  # it is for one repository, and the account is none
    if who == "append token" and right in ("user:write", "org:write"):
        return "forbidden"
    if right == "lab's":
        return "passed" if who in IN_LAB else "forbidden"
    if right == "ada's":
        return "passed" if who in ADAS else "forbidden"
    return "passed"


def outcome(answer: Answer) -> str:
    """Say what came of it."""
    assert answer.status < 500, answer
    if answer.status in (401, 404) and b"not shared with you" in answer.body:
        return "hidden"
    if answer.headers.get("location", "").startswith("/user/login"):
        return "sign in"
    return {401: "sign in", 403: "forbidden"}.get(answer.status, "passed")


class World(NamedTuple):
    """The hub, and who comes to it, by what they send."""

    hub: HubInside
    ask: Caller
    people: dict[str, tuple[str, str]]
    sessions: dict[str, tuple[str, str]]  # what the cookie holds, and what the forms do


def token(hub: HubInside, who: Actor, **limits: Any) -> tuple[str, str]:
    _, secret = hub.opened.hub.accounts.add_token(who, "test", **limits)
    return who.name, f"token {secret}"


def session(hub: HubInside, name: str) -> tuple[str, str]:
    identity = hub.opened.hub.identity
    secret = identity.begin(hub.person(name))
    found = identity.by_session(secret, "")
    assert found
    return secret, found[1].csrf


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[World]:
    hub = make_hub_inside(tmp_path_factory.mktemp("hub") / "hub", database=new_database())
    services = hub.opened.hub
    ada = hub.person("ada")
    other = hub.repository(ada, "other")
    member = hub.person("member")
    services.organisations.create(member, "lab")
    services.repositories.create(member, OwnerName("lab"), "study")
    people = {
        "root": token(hub, hub.person("boss", admin=True)),
        "owner": token(hub, ada),
        **{name: token(hub, hub.person(name)) for name in ("writer", "reader", "outsider")},
        "admin": token(hub, hub.person("manager")),
        "member": token(hub, member),
        "stranger": ("nobody", ""),
        "read token": token(hub, ada, scopes=frozenset({Scope.READ_REPOSITORY})),
        "append token": token(hub, ada, append_only=True),
        "other token": token(hub, ada, scopes=ALL_SCOPES, repositories=frozenset({other.id})),
    }
    ask = Caller(make_app(services, hub.opened.settings))
    yield World(hub, ask, people, {name: session(hub, people[name][0]) for name in BROWSERS})
    ask.close()
    hub.opened.database.close()


def prepare(world: World, visibility: str) -> None:
    """Have ada/data as it must be, whatever was done to it."""
    hub = world.hub
    ada = hub.person("ada")
    path = parse_path("ada/data")
    with hub.opened.database.reading() as work:
        there = work.repositories.by_path(path)
    if there is None:
        hub.repository(ada, "data", Visibility(visibility))
    services = hub.opened.hub.repositories
    services.change(ada, path, visibility=Visibility(visibility))
    for name, level in {"manager": "ADMIN", "writer": "WRITE", "reader": "READ", "member": "READ"}.items():
        services.set_collaborator(ada, path, name, Level[level])


def call(world: World, case: Case, method: str, who: str, visibility: str = "private") -> Answer:
    me, said = world.people[who]
    if case.right.startswith("page"):
        secret, csrf = world.sessions.get(who, ("", ""))
        headers = {"Authorization": said, "Cookie": f"{COOKIE}={secret}", **A_FORM}
        if case.body == A_FILE:
            fields = {"csrf": csrf, "branch": "main", "folder": ".."}  # nobody may put a file there
            body, kind = form_with_files(fields, [("x.txt", b"x")])
            return world.ask(method, case.url, body, {**headers, "Content-Type": kind})
        form = f"{(case.body or '').format(visibility=visibility)}&csrf={csrf}"
        return world.ask(method, case.url, form.encode() if method == "POST" else b"", headers)
    headers = {"Authorization": said} if said else {}
    body = b"0000" if "git-" in case.url else b""
    if case.body == FORM:
        headers |= A_FORM
    elif case.body is not None:
        body, headers["Content-Type"] = json.dumps(case.body).encode(), "application/json"
    if "/put?" in case.url:
        headers["X-git-annex-data-length"] = str(len(body))
    return world.ask(method, case.url.format(me=me, uuid=annex_of(world)), body, headers)


def annex_of(world: World) -> str:
    """Give the uuid of the repository, which is made again after it was removed."""
    with world.hub.opened.database.reading() as work:
        there = work.repositories.by_path(parse_path("ada/data"))
    return there.uuid if there else "none"


def routes(found: list[BaseRoute], before: str = "") -> Iterator[str]:
    """Yield every method and address that is answered."""
    for route in found:
        if isinstance(route, Mount) and route.name == "assets":
            continue  # the same for everybody
        if isinstance(route, Mount):
            yield from routes(route.routes, before + route.path)
        elif inner := getattr(
            route, "original_router", None
        ):  # how later versions of FastAPI include a router
            yield from routes(inner.routes, before)
        elif isinstance(route, Route):
            yield from (f"{m} {before}{route.path}" for m in (route.methods or ()) if m != "HEAD")


def test_every_route_has_its_line(world: World) -> None:
    app = make_app(world.hub.opened.hub, world.hub.opened.settings)
    assert set(routes(app.routes)) == set(ROUTES)


@pytest.mark.parametrize("visibility", list(Visibility))
def test_each_gets_what_was_promised_and_nothing_else(world: World, visibility: Visibility) -> None:
    prepare(world, visibility)
    wrong = []
    for route, case in ROUTES.items():
        method = route.partition(" ")[0]
        if case.right.removeprefix("page:") not in (*RIGHTS, "fork") and visibility is not Visibility.PRIVATE:
            continue  # not about a repository: once is enough
        for who in world.people:
            if case.right == "own":
                prepare(world, visibility)  # somebody before has removed it
            came = outcome(call(world, case, method, who, visibility))
            should = expected(case.right, who, visibility)
            if should != came:
                wrong.append(f"{who}: {route}: {came}, not {should}")
    assert not wrong, "\n".join(wrong)


def test_a_token_gets_around_its_limits_by_no_key(world: World) -> None:
    for limits in (
        {"append_only": True},
        {"scopes": frozenset({Scope.WRITE_USER})},
        {"repositories": frozenset({1})},
    ):
        _, said = token(world.hub, world.hub.person("ada"), **limits)
        body = json.dumps({"title": "x", "key": SSH_KEY}).encode()
        headers = {"Authorization": said, "Content-Type": "application/json"}
        assert world.ask("POST", "/api/v1/user/keys", body, headers).status == 403, limits


def test_wrong_credentials_are_refused_even_where_none_are_needed(world: World) -> None:
    prepare(world, "public")
    words = base64.b64encode(b"ada:wrong").decode()
    for said in ("token rkh_wrong", "Bearer x", f"Basic {words}", "Basic %%%", "Digest x", "nonsense"):
        for url in ("/ada/data/config", REPO, "/ada/data/info/refs?service=git-upload-pack"):
            assert world.ask("GET", url, headers={"Authorization": said}).status == 401, (said, url)


@pytest.mark.parametrize(
    "url",
    [
        "/ada/../ada/data/config",
        "/ada/data%00/config",
        "/ada/%2e%2e/config",
        "//ada/data/x/config",
        "/ada/data.git.git/config",
        "/" + "a" * 5000 + "/b/config",
        "/ada/data/annex/objects/x/y/..%2f..%2fconfig/..%2f..%2fconfig",
        "/ada/data/annex/objects/000/000/..%252fconfig/..%252fconfig",
    ],
)
def test_odd_addresses_lead_nowhere(world: World, url: str) -> None:
    prepare(world, "public")
    assert world.ask("GET", url).status in (401, 404)


def test_what_was_done_is_in_the_audit_log(world: World, tmp_path: Path) -> None:
    prepare(world, "private")
    call(world, Case("own", REPO), "DELETE", "root")
    hub = world.hub
    with hub.opened.database.reading() as work:
        lines = work.audit.newest(limit=1_000_000)
    done = {(line.action, line.actor) for line in lines}
    assert {("create", "ada"), ("share", "ada"), ("add token", "ada"), ("remove", "boss")} <= done
    assert not [line for line in lines if "rkh_" in line.outcome and len(line.outcome) > 30], (
        "no secret in it"
    )
