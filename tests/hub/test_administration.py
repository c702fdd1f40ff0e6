"""Pages for those who run something: a hub, an organisation, a repository that goes to another owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rookery.hub.app import make_app
from rookery.hub.domain.access import Level, Visibility
from rookery.hub.domain.errors import Conflict, Forbidden, NotFound
from rookery.hub.domain.names import OwnerName, parse_path
from rookery.hub.web import visit
from support.asgi import Caller
from support.browser import Browser
from support.hubs import PASSWORD, HubInside
from support.planting import Annexed, plant


@pytest.fixture
def as_(hub: HubInside) -> Iterator[Callable[[str], Browser]]:
    """Give browsers of people by their names."""
    caller = Caller(make_app(hub.opened.hub, hub.opened.settings))

    def browser(name: str) -> Browser:
        made = Browser(caller)
        made.cookies[visit.COOKIE] = hub.opened.hub.identity.begin(hub.person(name))
        return made.go("/")

    yield browser
    caller.close()


def test_a_repository_goes_to_an_organisation_with_all_that_is_in_it(
    hub: HubInside, as_: Callable[[str], Browser]
) -> None:
    ada = hub.person("ada")
    made = hub.repository(ada, "study", Visibility.PRIVATE)
    plant(hub, ada, made, {"a.dat": Annexed(b"content")})
    services = hub.opened.hub
    services.organisations.create(ada, "lab")
    browser = as_("ada").go("/ada/study/settings")
    browser.submit("Transfer", heir="lab")
    assert browser.at == "/lab/study"
    assert "a.dat" in browser.text
    assert browser.go("/ada/study").at == "/lab/study", "the old address leads to it"
    assert services.contents.totals(ada, parse_path("lab/study")).keys == 1
    again = hub.repository(ada, "study")
    assert services.repositories.get(ada, parse_path("ada/study")).id == again.id
    with pytest.raises(Conflict):
        services.repositories.transfer(ada, parse_path("ada/study"), OwnerName("lab"))


def test_a_repository_goes_nowhere_without_both_rights(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    services = hub.opened.hub.repositories
    made = hub.repository(ada, "study", Visibility.PUBLIC)
    with pytest.raises(Forbidden):
        services.transfer(ada, made.path, OwnerName("bob"))
    services.set_collaborator(ada, made.path, "bob", Level.ADMIN)
    with pytest.raises(Forbidden):
        services.transfer(bob, made.path, OwnerName("bob"))
    with pytest.raises(NotFound):
        services.transfer(ada, made.path, OwnerName("nobody"))
    assert services.get(ada, made.path).owner == "ada"


def test_teams_of_the_former_owner_lose_a_repository_that_is_given_away(hub: HubInside) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    services = hub.opened.hub
    services.organisations.create(ada, "lab")
    made = services.repositories.create(ada, OwnerName("lab"), "study")
    team = services.organisations.add_team(ada, "lab", "guests", Level.WRITE, all_repositories=False)
    services.organisations.set_member(ada, team.id, "bob", inside=True)
    services.organisations.set_repository(ada, team.id, made.path, inside=True)
    assert services.repositories.get(bob, made.path)
    services.repositories.transfer(ada, made.path, OwnerName("ada"))
    for where in (made.path, parse_path("ada/study")):
        with pytest.raises(NotFound):
            services.repositories.get(bob, where)


def test_an_organisation_and_its_teams_by_its_pages(hub: HubInside, as_: Callable[[str], Browser]) -> None:
    hub.person("bob")
    browser = as_("ada").go("/org/create")
    browser.submit("Make the organisation", name="lab", full_name="The Lab")
    assert browser.at == "/org/lab/teams"
    browser.submit("Make team", title="guests", level="read")
    browser.submit("Add person", 422, team="2", person="nobody")
    assert "there is no account nobody" in browser.text
    browser.submit("Add person", team="2", person="bob")
    browser.go("/repo/create").submit("Create repository", owner="lab", name="study", visibility="private")
    bob = as_("bob")
    bob.go("/lab/study", 404)
    browser.go("/org/lab/teams").submit("Give repository", team="2", repository="study")
    bob.go("/lab/study")
    assert "Make team" not in bob.go("/org/lab/teams").text
    browser.go("/org/lab/teams").submit("Take away", team="2", repository="study")
    bob.go("/lab/study", 404)
    browser.go("/org/lab/teams")
    browser.submit("Remove")
    assert "bob" not in browser.text
    browser.submit("Remove", 422)
    assert "is the last one" in browser.text


def test_an_administrator_makes_and_closes_accounts(hub: HubInside, as_: Callable[[str], Browser]) -> None:
    hub.person("boss", admin=True)
    eve = as_("eve")
    browser = as_("boss").go("/admin")
    browser.submit("Make an account", name="fresh", email="fresh@example.org", password=PASSWORD)
    assert "fresh@example.org" in browser.text
    browser.submit("Close")
    assert eve.go("/user/settings/keys").at.startswith("/user/login"), "the session has ended"
    eve.go("/eve", 404)
    browser.go("/admin").submit("Open")
    eve.go("/eve")
    hub.repository(hub.person("fresh"), "private")
    assert "fresh/private" in browser.go("/admin/repositories").text
    assert "close account" in browser.go("/admin/audit?of=eve").text
    assert "close account" not in browser.go("/admin/audit?of=fresh").text
