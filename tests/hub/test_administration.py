"""Pages for those who run something: a hub, an organisation, a repository that goes to another owner."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from rookery.hub.app import make_app
from rookery.hub.domain.access import Level, Visibility
from rookery.hub.domain.errors import BadName, Conflict, Forbidden, NeedsSignIn, NotFound, TooMuch
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


KEY = "SHA256-s2000--" + "0" * 64


def test_quotas_of_an_account_and_a_repository_count_at_once(
    hub: HubInside, as_: Callable[[str], Browser]
) -> None:
    ada = hub.person("ada")
    hub.person("boss", admin=True)
    here = hub.repository(ada, "study").id
    contents = hub.opened.hub.contents
    browser = as_("boss").go("/admin/accounts/ada")
    browser.submit("Set quota", quota="1 kB")
    assert b'value="1 kB"' in browser.answer.body
    with pytest.raises(TooMuch, match="ada has a quota of"):
        contents.put_offset(ada, here, KEY)
    browser.submit("Set quota", 422, quota="2000")
    assert "with its unit" in browser.text
    browser.submit("Set quota", 422, quota="10000000000 GB")
    with pytest.raises(TooMuch):
        contents.put_offset(ada, here, KEY)
    browser.submit("Set quota", quota="2 kB")
    assert contents.put_offset(ada, here, KEY) == 0
    browser.go("/admin/repositories").submit("Set quota", repository="ada/study", quota="1.5 kB")
    with pytest.raises(TooMuch, match="ada/study has a quota of"):
        contents.put_offset(ada, here, KEY)
    assert "1.5 kB" in browser.text
    browser.submit("Set quota", 422, repository="ada/nothing", quota="")
    browser.submit("Set quota", repository="ada/study", quota="")
    browser.go("/admin/accounts/ada").submit("Set quota", quota="")
    found, *_ = hub.opened.hub.administration.account(hub.person("boss"), "ada")
    assert found.quota is None, "empty is the hub's own"
    assert "1 kB" in browser.go("/admin/audit?of=ada").text
    as_("ada").go("/admin/accounts/ada", 403)


def test_an_account_that_has_nothing_is_removed_and_its_number_never_comes_again(
    hub: HubInside, as_: Callable[[str], Browser]
) -> None:
    hub.person("boss", admin=True)
    fresh = as_("fresh")
    old = hub.person("fresh")
    _, secret = hub.opened.hub.accounts.add_token(old, "test")
    browser = as_("boss").go("/admin/accounts/fresh")
    browser.submit("Remove this account", 422, confirm="eve")
    browser.submit("Remove this account", confirm="fresh")
    assert browser.at == "/admin"
    assert "fresh" not in browser.text
    assert "remove account" in browser.go("/admin/audit?of=fresh").text
    browser.go("/admin/accounts/fresh", 404)
    assert fresh.go("/user/settings").at.startswith("/user/login")
    with pytest.raises(NeedsSignIn):
        hub.opened.hub.identity.by_token(secret, "")
    new = hub.person("fresh")
    assert new.account != old.account
    made = hub.repository(new, "private")
    with pytest.raises(NotFound):
        hub.opened.hub.repositories.get(old, made.path)


def test_an_account_goes_only_without_what_would_go_with_it(
    hub: HubInside, as_: Callable[[str], Browser]
) -> None:
    ada, boss = hub.person("ada"), hub.person("boss", admin=True)
    services = hub.opened.hub
    study = hub.repository(ada, "study", Visibility.PUBLIC).path
    owner, head, writer, talker = (hub.person(name) for name in ("owner", "head", "writer", "talker"))
    hub.repository(owner, "own")
    services.organisations.create(head, "lab")
    number = services.issues.create(writer, study, "a question").number
    services.issues.comment(talker, study, number, "an answer")
    for name in ("owner", "head", "writer", "talker"):
        with pytest.raises(BadName):
            services.administration.remove_account(boss, name)
        assert "Remove this account" not in as_("boss").go(f"/admin/accounts/{name}").text
    for name in ("boss", "lab"):
        with pytest.raises(BadName):
            services.administration.remove_account(boss, name)
    with pytest.raises(Forbidden):
        services.administration.remove_account(ada, "talker")
    assert len(services.issues.get(ada, study, number).comments) == 1
    team = services.organisations.teams(head, "lab")[0]
    services.organisations.set_member(head, team.id, "ada", inside=True)
    services.administration.remove_account(boss, "head")
    assert [one.name for one in services.organisations.members(ada, team.id)] == ["ada"]


def test_an_organisation_without_repositories_is_removed_by_its_owners(
    hub: HubInside, as_: Callable[[str], Browser]
) -> None:
    ada, bob = hub.person("ada"), hub.person("bob")
    services = hub.opened.hub
    services.organisations.create(ada, "lab")
    team = services.organisations.add_team(ada, "lab", "guests", Level.WRITE, all_repositories=True)
    services.organisations.set_member(ada, team.id, "bob", inside=True)
    made = services.repositories.create(ada, OwnerName("lab"), "study")
    assert "Remove this organisation" not in as_("bob").go("/org/lab/teams").text
    with pytest.raises(Forbidden):
        services.organisations.remove(bob, "lab")
    browser = as_("ada").go("/org/lab/teams")
    browser.submit("Remove this organisation", 422, confirm="lab")
    assert "owns repositories: 1" in browser.text
    assert services.repositories.get(bob, made.path)
    services.repositories.transfer(ada, made.path, OwnerName("ada"))
    browser.submit("Remove this organisation", 422, confirm="")
    browser.submit("Remove this organisation", confirm="lab")
    assert browser.at == "/"
    browser.go("/lab", 404)
    with pytest.raises(NotFound):
        services.organisations.members(ada, team.id)
    assert services.repositories.get(ada, parse_path("ada/study"))
    assert services.organisations.create(bob, "lab").name == "lab", "the name is free"
    assert not services.organisations.mine(ada)
