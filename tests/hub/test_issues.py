"""Issues, comments, labels, notices, activity: who may do what, who is told, and what refers to what."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from rookery.hub.domain.access import Actor, Level, Means, Visibility
from rookery.hub.domain.discussion import Reason, Remark, mentions
from rookery.hub.domain.errors import BadName, Conflict, Forbidden, NeedsSignIn, NotFound
from rookery.hub.domain.records import Repository
from support.hub_histories import commit, pushed
from support.hubs import HubInside


class Scene(NamedTuple):
    hub: HubInside
    ada: Actor
    bob: Actor
    eve: Actor
    data: Repository


@pytest.fixture
def scene(hub: HubInside) -> Scene:
    ada, bob, eve = (hub.person(name) for name in ("ada", "bob", "eve"))
    return Scene(hub, ada, bob, eve, hub.repository(ada, visibility=Visibility.INTERNAL))


def remarks(scene: Scene, number: int) -> list[tuple[Remark, str]]:
    found = scene.hub.opened.hub.issues.get(scene.ada, scene.data.id, number)
    return [(one.kind, one.body) for one in found.comments]


def test_numbers_count_in_each_repository_and_everything_said_is_kept(scene: Scene) -> None:
    issues, where = scene.hub.opened.hub.issues, scene.data.id
    first = issues.create(scene.bob, where, "  A   title ", "text\r\n with lines")
    second = issues.create(scene.bob, where, "Another")
    other = issues.create(scene.bob, scene.hub.repository(scene.bob, "other").id, "Elsewhere")
    assert (first.number, second.number, other.number) == (1, 2, 1)
    assert (first.title, first.body) == ("A title", "text\n with lines")
    issues.comment(scene.ada, where, 1, "an answer")
    issues.change(scene.bob, where, 1, title="A better title", open=False)
    issues.change(scene.ada, where, 1, open=True)
    assert remarks(scene, 1) == [
        (Remark.COMMENT, "an answer"),
        (Remark.RENAMED, "A title → A better title"),
        (Remark.CLOSED, ""),
        (Remark.REOPENED, ""),
    ]
    assert issues.get(scene.ada, where, 1).issue.comments == 1
    assert issues.counts(scene.ada, where, pulls=False) == (2, 0)
    assert [one.number for one, _ in issues.listed(scene.ada, where, text="BETTER")] == [1]


def test_strangers_read_and_say_nothing_and_others_change_only_what_is_theirs(scene: Scene) -> None:
    services = scene.hub.opened.hub
    issues, where = services.issues, scene.data.id
    services.repositories.change(scene.ada, where, visibility=Visibility.PUBLIC)
    issues.create(scene.bob, where, "A title")
    said = issues.comment(scene.bob, where, 1, "mine")
    stranger = services.identity.stranger("127.0.0.1")
    assert issues.get(stranger, where, 1).issue.title == "A title"
    with pytest.raises(NeedsSignIn):
        issues.comment(stranger, where, 1, "x")
    key = Actor(None, "key", deploy_level=Level.WRITE, means=Means(repositories=frozenset({where})))
    with pytest.raises(Forbidden):
        issues.create(key, where, "x")
    for act in (
        lambda: issues.change(scene.eve, where, 1, title="x"),
        lambda: issues.change(scene.eve, where, 1, open=False),
        lambda: issues.change_comment(scene.eve, where, said.id, "x"),
        lambda: issues.change_comment(scene.eve, where, said.id, None),
        lambda: issues.add_label(scene.bob, where, "bug", "ff0000"),
    ):
        with pytest.raises(Forbidden):
            act()
    elsewhere = scene.hub.repository(scene.eve, "hers").id
    with pytest.raises(NotFound):
        issues.change_comment(scene.eve, elsewhere, said.id, "x")
    changed = issues.change_comment(scene.bob, where, said.id, "said otherwise")
    assert changed is not None
    assert changed.body == "said otherwise"
    assert issues.change_comment(scene.ada, where, said.id, None) is None
    assert issues.get(scene.ada, where, 1).issue.comments == 0


def test_an_archived_repository_takes_no_more_words(scene: Scene) -> None:
    services = scene.hub.opened.hub
    services.issues.create(scene.bob, scene.data.id, "A title")
    services.repositories.change(scene.ada, scene.data.id, archived=True)
    with pytest.raises(Forbidden):
        services.issues.comment(scene.ada, scene.data.id, 1, "x")


def test_labels_are_the_repositorys_own(scene: Scene) -> None:
    issues, where = scene.hub.opened.hub.issues, scene.data.id
    issues.create(scene.bob, where, "A title")
    bug = issues.add_label(scene.ada, where, "Bug", "#FF0000", "something is wrong")
    other = issues.add_label(scene.ada, where, "data", "00ff00")
    with pytest.raises(Conflict):
        issues.add_label(scene.ada, where, "bug", "ff0000")
    with pytest.raises(BadName):
        issues.add_label(scene.ada, where, "x", "red")
    issues.set_labels(scene.ada, where, 1, [bug.id, other.id, bug.id])
    issues.set_labels(scene.ada, where, 1, [other.id])
    assert remarks(scene, 1) == [(Remark.LABELED, "+Bug +data"), (Remark.LABELED, "-Bug")]
    assert [one.number for one, _ in issues.listed(scene.ada, where, label="DATA")] == [1]
    assert issues.listed(scene.ada, where, label="nothing") == []
    foreign = issues.add_label(scene.eve, scene.hub.repository(scene.eve, "hers").id, "x", "000000")
    with pytest.raises(NotFound):
        issues.set_labels(scene.ada, where, 1, [foreign.id])
    with pytest.raises(NotFound):
        issues.remove_label(scene.ada, where, foreign.id)
    issues.remove_label(scene.ada, where, other.id)
    assert issues.get(scene.ada, where, 1).labels == []


def test_an_issue_that_is_spoken_of_says_so_once(scene: Scene) -> None:
    issues, where = scene.hub.opened.hub.issues, scene.data.id
    issues.create(scene.bob, where, "First")
    issues.create(scene.bob, where, "Second", "as in #1, not a#1 or other/data#1 or #99")
    issues.comment(scene.ada, where, 2, "#1 again, and #2 itself")
    assert remarks(scene, 1) == [(Remark.REFERENCED, "#2")]
    assert [kind for kind, _ in remarks(scene, 2)] == [Remark.COMMENT]


def test_those_whom_it_concerns_are_told_if_they_may_read_it(scene: Scene) -> None:
    services = scene.hub.opened.hub
    issues, notices, where = services.issues, services.notices, scene.data.id
    issues.create(scene.bob, where, "A title", "what does @eve think? `@nobody` @bob")
    (told, repository) = notices.mine(scene.eve)[0]
    assert (told.reason, told.unread, told.issue.number, repository.id) == (Reason.MENTION, True, 1, where)
    assert notices.mine(scene.ada)[0][0].reason is Reason.OWNS
    assert notices.mine(scene.bob) == [], "nobody is told of their own words"
    notices.mark(scene.eve, None)
    assert notices.unread(scene.eve) == 0
    issues.comment(scene.ada, where, 1, "an answer")
    assert [notices.unread(who) for who in (scene.bob, scene.eve, scene.ada)] == [1, 1, 1]
    notices.seen(scene.ada, told.issue.id)
    assert notices.unread(scene.ada) == 0
    services.repositories.change(scene.ada, where, visibility=Visibility.PRIVATE)
    assert (notices.mine(scene.eve), notices.unread(scene.eve)) == ([], 0)
    issues.comment(scene.ada, where, 1, "@eve cannot hear this")
    services.repositories.change(scene.ada, where, visibility=Visibility.PUBLIC)
    assert len(notices.mine(scene.eve)) == 1
    with pytest.raises(NeedsSignIn):
        notices.mine(services.identity.stranger("127.0.0.1"))


def test_what_happened_in_a_repository_is_on_its_page_for_those_who_read_it(scene: Scene) -> None:
    services, where = scene.hub.opened.hub, scene.data.id
    tip = commit(scene.hub, scene.data)
    pushed(scene.hub, scene.ada, scene.data, main=("", tip))
    pushed(scene.hub, scene.ada, scene.data, **{"git-annex": ("", tip)})
    services.issues.create(scene.bob, where, "A title")
    services.forks.fork(scene.bob, where)
    lines = services.notices.activity(scene.eve, where)
    assert [(one.actor, one.action, one.detail) for one in lines] == [
        ("bob", "forked", "to bob/data"),
        ("bob", "opened issue", "#1 A title"),
        ("ada", "created", "main: change file"),
    ]
    assert services.notices.activity(scene.eve, where, before=lines[1].id) == lines[2:]
    services.repositories.change(scene.ada, where, visibility=Visibility.PRIVATE)
    with pytest.raises(NotFound):
        services.notices.activity(scene.eve, where)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@ada and @bob.", ["ada", "bob"]),
        ("mail ada@example.org or a/@b or x@y", []),
        ("`@code` ```\n@block\n``` @real", ["real"]),
        ("(@ada) @ada @Ada-Lovelace", ["ada", "Ada-Lovelace"]),
        ("@" + "a" * 60, ["a" * 39]),
        (" ".join(f"@n{n}" for n in range(50)), [f"n{n}" for n in range(20)]),
    ],
)
def test_names_are_read_off_a_text(text: str, names: list[str]) -> None:
    assert mentions(text) == names


def test_texts_have_an_end(scene: Scene) -> None:
    issues, where = scene.hub.opened.hub.issues, scene.data.id
    for title, body in (("", ""), ("x" * 256, ""), ("a\x00b", ""), ("x", "y" * 70_000)):
        with pytest.raises(BadName):
            issues.create(scene.bob, where, title, body)
    issues.create(scene.bob, where, "x")
    with pytest.raises(BadName):
        issues.comment(scene.bob, where, 1, " \n ")
