"""Pull requests: proposed, followed, compared, merged with their content; and what is refused."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from rookery.annex import branch as annex_branch
from rookery.annex.branch import LOCAL, Source, log_name
from rookery.annex.branch_writing import record_presence
from rookery.git import refs, runrecords
from rookery.git.commits import commit_tree, read_commit
from rookery.git.objects import read_blob
from rookery.git.trees import ls_tree
from rookery.hub.domain.access import Actor, Level, Means, Scope, Visibility
from rookery.hub.domain.discussion import Remark
from rookery.hub.domain.errors import Conflict, Forbidden, NeedsSignIn, NotFound, TooMuch
from rookery.hub.domain.names import OwnerName
from rookery.hub.domain.records import Repository
from rookery.hub.services.last_copy import places_of
from rookery.hub.services.merge_styles import Style
from rookery.hub.services.merging import MergeService
from rookery.hub.services.pulls import PullRequest
from rookery.hub.services.sharing import Sharing
from rookery.hub.services.uploads import Arrived, Wish
from support.hub_histories import begin_annex_branch, commit, pushed, repo_of, store
from support.hubs import HubInside, make_hub_inside

LAPTOP = "11111111-2222-3333-4444-555555555555"


class Scene(NamedTuple):
    """A public dataset of ada's, and bob's fork of it."""

    hub: HubInside
    ada: Actor
    bob: Actor
    data: Repository
    fork: Repository

    def propose(self, branch: str = "news", **how: str) -> PullRequest:
        return self.hub.opened.hub.pulls.propose(
            self.bob,
            self.data.id,
            self.fork.id,
            source_branch=branch,
            target_branch=how.get("target_branch", "main"),
            title=how.get("title", "More data"),
            body=how.get("body", ""),
        )

    def tip(self, of: Repository | None = None, branch: str = "main") -> str | None:
        return refs.resolve(repo_of(self.hub, of or self.data), refs.HEADS + branch)


@pytest.fixture
def scene(hub: HubInside) -> Scene:
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    key = store(hub, ada, data, b"old content")
    commit(hub, data, {"old.dat": key, "notes": b"one\ntwo\n"})
    begin_annex_branch(hub, data)
    record_presence(repo_of(hub, data), [(key, data.uuid, True)], now=1_700_000_000)
    return Scene(hub, ada, bob, data, hub.opened.hub.forks.fork(bob, data.id))


def test_a_merge_brings_history_content_and_what_is_known_of_it_and_no_byte_twice(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    key = store(hub, scene.bob, scene.fork, b"new content" * 1000)
    head = commit(hub, scene.fork, {"new.dat": key}, branch="news", who="bob")
    record_presence(repo_of(hub, scene.fork), [(key, LAPTOP, True)], now=1_700_000_000)
    request = scene.propose()
    assert request.issue.number == 1
    assert refs.resolve(repo_of(hub, scene.data), "refs/pull/1/head") == head
    assert not services.contents.present(scene.ada, scene.data.id, key)
    seen = services.pulls.comparison(request)
    assert [one.sha for one in seen.commits] == [head]
    assert (seen.conflicts, seen.fast_forward) == ((), True)
    told = services.pulls.content(request, seen)
    assert (told.here, told.there, told.coming, told.missing) == (0, 1, 11000, [])

    done = services.merging.merge(scene.ada, scene.data.id, 1, head=head)
    made = read_commit(repo_of(hub, scene.data), "refs/heads/main")
    assert (made.sha, made.parents[1], made.author.name) == (done.commit, head, "ada")
    assert services.contents.present(scene.ada, scene.data.id, key)
    places = [hub.opened.objects.path(one.id, key) for one in (scene.data, scene.fork)]  # none in a store
    inodes = {place.stat().st_ino if place else 0 for place in places}
    assert len(inodes) == 1
    assert set(places_of(repo_of(hub, scene.data), key) or ()) == {scene.data.uuid, LAPTOP}
    again = services.pulls.get(scene.ada, scene.data.id, 1)
    assert (again.issue.open, again.pull.merged, again.pull.merged_by) == (False, done.commit, "ada")
    remarks = [one.kind for one in services.issues.get(scene.ada, scene.data.id, 1).comments]
    assert remarks == [Remark.MERGED]
    with pytest.raises(Conflict, match="merged already"):
        services.merging.merge(scene.ada, scene.data.id, 1)
    with pytest.raises(Conflict, match="was merged"):
        services.issues.change(scene.ada, scene.data.id, 1, open=True)


def test_nothing_but_logs_of_the_new_keys_is_taken_from_the_forks_annex_branch(scene: Scene) -> None:
    hub = scene.hub
    key = store(hub, scene.bob, scene.fork, b"new")
    commit(hub, scene.fork, {"new.dat": key}, branch="news")
    fork = repo_of(hub, scene.fork)
    tree = annex_branch.contents(fork, Source(LOCAL, str(refs.resolve(fork, LOCAL))), ["trust.log"])
    assert tree == {}
    script = f"commit {LOCAL}\ncommitter x <x@y> 1700000000 +0000\ndata 1\nx\nfrom {LOCAL}^0\n"
    script += "M 100644 inline trust.log\ndata 4\nevil\nM 100644 inline numcopies.log\ndata 4\nevil\n"
    script += f"M 100644 inline {log_name(key, '.log.web')}\ndata 23\n1700000000s 1 http://x/\n\n"
    fork.run("fast-import", "--quiet", stdin=script.encode())
    scene.propose()
    hub.opened.hub.merging.merge(scene.ada, scene.data.id, 1)
    data = repo_of(hub, scene.data)
    names = data.text("ls-tree", "-r", "--name-only", LOCAL).split("\n")
    assert not {"trust.log", "numcopies.log"} & set(names)
    assert b"http://x/" in read_blob(data, f"{LOCAL}:{log_name(key, '.log.web')}")


def test_content_comes_along_for_all_commits_and_what_is_missing_is_said(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    first = store(hub, scene.bob, scene.fork, b"first try")
    commit(hub, scene.fork, {"new.dat": first}, branch="news")
    lost = "SHA256-s5--" + "0" * 64
    commit(hub, scene.fork, {"new.dat": b"a text now", "lost.dat": lost}, branch="news")
    request = scene.propose()
    told = services.pulls.content(request, services.pulls.comparison(request))
    assert (told.there, told.missing) == (1, [("lost.dat", lost)])
    done = services.merging.merge(scene.ada, scene.data.id, 1)
    assert done.missing == [lost]
    assert services.contents.present(scene.ada, scene.data.id, first)
    assert scene.data.uuid not in (places_of(repo_of(hub, scene.data), lost) or [])


def test_what_contradicts_is_told_with_its_files_and_nothing_moves(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    key = store(hub, scene.bob, scene.fork, b"new")
    commit(hub, scene.fork, {"notes": b"one\nbob\n", "new.dat": key}, branch="news")
    tip = commit(hub, scene.data, {"notes": b"one\nada\n"})
    request = scene.propose()
    assert services.pulls.comparison(request).conflicts == ("notes",)
    with pytest.raises(Conflict, match="contradict each other in notes") as refused:
        services.merging.merge(scene.ada, scene.data.id, 1)
    assert "fetch main of ada/data" in refused.value.hints[0]
    assert scene.tip() == tip
    assert not services.contents.present(scene.ada, scene.data.id, key)
    assert services.pulls.get(scene.ada, scene.data.id, 1).issue.open


def test_changes_on_both_sides_that_fit_are_merged(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    commit(hub, scene.fork, {"bob": b"bob"}, branch="news")
    commit(hub, scene.data, {"ada": b"ada"})
    scene.propose()
    with pytest.raises(Conflict, match="has commits that #1 does not have"):
        services.merging.merge(scene.ada, scene.data.id, 1, style=Style.FAST_FORWARD)
    services.merging.merge(scene.ada, scene.data.id, 1, message="together")
    data = repo_of(hub, scene.data)
    assert data.text("ls-tree", "--name-only", "main").split() == ["ada", "bob", "notes", "old.dat"]
    assert read_commit(data, "main").message == "together\n"


def test_a_fast_forward_moves_the_branch_and_makes_no_commit(scene: Scene) -> None:
    head = commit(scene.hub, scene.fork, {"bob": b"bob"}, branch="news")
    scene.propose()
    done = scene.hub.opened.hub.merging.merge(scene.ada, scene.data.id, 1, style=Style.FAST_FORWARD)
    assert done.commit == head == scene.tip()


class Racing(Sharing):
    """Somebody moves the branch while content is looked for."""

    def __init__(self, scene: Scene) -> None:
        opened = scene.hub.opened
        super().__init__(opened.database, opened.objects, opened.hub.clock)
        self.scene = scene
        self.tip = ""

    def missing(self, keys: Iterable[str], repository: int) -> set[str]:
        self.tip = commit(self.scene.hub, self.scene.data, {"meanwhile": b"x"})
        return super().missing(keys, repository)


def test_a_branch_that_moves_while_it_is_merged_stays_where_it_was_moved_to(scene: Scene) -> None:
    opened, services = scene.hub.opened, scene.hub.opened.hub
    commit(scene.hub, scene.fork, {"bob": b"bob"}, branch="news")
    scene.propose()
    racing, pushes = Racing(scene), services.history._pushes
    parts = (services.gate, services.pulls, pushes, services.limits, services.clock)
    merging = MergeService(opened.database, opened.histories, racing, *parts)
    with pytest.raises(Conflict, match="moved by somebody else"):
        merging.merge(scene.ada, scene.data.id, 1)
    assert scene.tip() == racing.tip
    assert services.pulls.get(scene.ada, scene.data.id, 1).pull.merged is None


def test_a_push_is_followed_and_a_merge_of_what_was_not_looked_at_is_refused(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    first = commit(hub, scene.fork, {"bob": b"1"}, branch="news")
    scene.propose()
    second = commit(hub, scene.fork, {"bob": b"2"}, branch="news")
    pushed(hub, scene.bob, scene.fork, news=(first, second))
    assert services.pulls.get(scene.ada, scene.data.id, 1).pull.head == second
    assert refs.resolve(repo_of(hub, scene.data), "refs/pull/1/head") == second
    with pytest.raises(Conflict, match="has changed since"):
        services.merging.merge(scene.ada, scene.data.id, 1, head=first)
    services.merging.merge(scene.ada, scene.data.id, 1, head=second)


def test_an_upload_by_browser_is_followed_like_a_push(scene: Scene, tmp_path: Path) -> None:
    services, first = scene.hub.opened.hub, commit(scene.hub, scene.fork, {"bob": b"1"}, branch="news")
    scene.propose()
    (tmp_path / "new.txt").write_text("new")
    wish = Wish("news", "", "One more", first)
    made = services.uploads.commit(scene.bob, scene.fork.id, wish, [Arrived("new.txt", tmp_path / "new.txt")])
    assert services.pulls.get(scene.ada, scene.data.id, 1).pull.head == made
    assert services.notices.activity(scene.bob, scene.fork.id)[0].detail == "news: One more"


def test_what_somebody_merges_by_hand_and_pushes_counts_as_merged(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    head = commit(hub, scene.fork, {"bob": b"1"}, branch="news")
    scene.propose()
    tip = scene.tip()
    refs.update(repo_of(hub, scene.data), "refs/heads/main", head)
    pushed(hub, scene.ada, scene.data, main=(str(tip), head))
    request = services.pulls.get(scene.ada, scene.data.id, 1)
    assert (request.issue.open, request.pull.merged) == (False, head)


def test_nobody_merges_who_may_not_write_nor_proposes_what_is_not_theirs(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    commit(hub, scene.fork, {"bob": b"1"}, branch="news")
    eve = hub.person("eve")
    with pytest.raises(Forbidden):
        services.pulls.propose(
            eve, scene.data.id, scene.fork.id, source_branch="news", target_branch="main", title="x"
        )
    scene.propose()
    with pytest.raises(Forbidden):
        services.merging.merge(scene.bob, scene.data.id, 1)
    with pytest.raises(NeedsSignIn):
        services.merging.merge(hub.opened.hub.identity.stranger("127.0.0.1"), scene.data.id, 1)
    reading = scene.ada._replace(means=Means(frozenset({Scope.READ_REPOSITORY})))
    with pytest.raises(Forbidden):
        services.merging.merge(reading, scene.data.id, 1)
    services.issues.change(scene.bob, scene.data.id, 1, open=False)
    with pytest.raises(Conflict, match="closed"):
        services.merging.merge(scene.ada, scene.data.id, 1)


def test_content_of_who_may_not_write_to_the_source_any_more_does_not_come_along(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    carol = hub.person("carol")
    secret = hub.opened.hub.forks.fork(carol, scene.data.id, name="secret")
    services.repositories.change(carol, secret.id, visibility=Visibility.PRIVATE)
    services.repositories.set_collaborator(carol, secret.id, "bob", Level.WRITE)
    key = store(hub, carol, secret, b"of carol's")
    commit(hub, secret, {"new.dat": key}, branch="news")
    services.pulls.propose(
        scene.bob, scene.data.id, secret.id, source_branch="news", target_branch="main", title="x"
    )
    services.repositories.set_collaborator(carol, secret.id, "bob", Level.NONE)
    done = services.merging.merge(scene.ada, scene.data.id, 1)
    assert done.missing == [key]
    assert not services.contents.present(scene.ada, scene.data.id, key)


def test_what_cannot_be_proposed_is_refused(scene: Scene) -> None:
    hub = scene.hub
    with pytest.raises(NotFound, match="has no branch news"):
        scene.propose()
    with pytest.raises(Conflict, match="has all of"):
        scene.propose("main")
    commit(hub, scene.fork, {"bob": b"1"}, branch="news")
    with pytest.raises(NotFound, match="has no branch nowhere"):
        scene.propose(target_branch="nowhere")
    with pytest.raises(NotFound, match="git-annex"):
        scene.propose("git-annex")
    scene.propose()
    with pytest.raises(Conflict, match="proposed already: #1"):
        scene.propose()
    stranger = hub.repository(scene.bob, "unrelated")
    commit(hub, stranger, {"x": b"x"})
    with pytest.raises(Conflict, match="no history in common"):
        hub.opened.hub.pulls.propose(
            scene.bob, scene.data.id, stranger.id, source_branch="main", target_branch="main", title="x"
        )


def test_where_it_comes_from_can_be_said_in_three_ways(scene: Scene) -> None:
    pulls = scene.hub.opened.hub.pulls
    assert [str(pulls.source_of(scene.bob, scene.data.id, text)[0]) for text in ("b", "bob:b", "x/y:b")] == [
        "ada/data",
        "bob/data",
        "x/y",
    ]
    named = scene.hub.opened.hub.forks.fork(scene.ada, scene.fork.id, name="again")
    assert str(pulls.source_of(scene.bob, scene.fork.id, "ada:b")[0]) == str(named.path)


def test_a_branch_of_the_repository_itself_can_be_proposed(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    key = store(hub, scene.ada, scene.data, b"new")
    commit(hub, scene.data, {"new.dat": key}, branch="topic")
    services.pulls.propose(
        scene.ada, scene.data.id, scene.data.id, source_branch="topic", target_branch="main", title="x"
    )
    done = services.merging.merge(scene.ada, scene.data.id, 1)
    assert (done.content.keys, done.missing) == (0, [])


def test_what_was_proposed_stays_when_its_source_is_removed(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    head = commit(hub, scene.fork, {"bob": b"1"}, branch="news")
    scene.propose()
    services.repositories.remove(scene.bob, scene.fork.id)
    repo_of(hub, scene.data).run("gc", "--quiet", "--prune=now")
    request = services.pulls.get(scene.ada, scene.data.id, 1)
    assert (request.pull.source, request.pull.source_name) == (None, "bob/data")
    services.merging.merge(scene.ada, scene.data.id, 1, head=head)


def test_a_quota_refuses_a_merge_before_anything_moves(make: Callable[..., Scene]) -> None:
    scene = make(ROOKERY_HUB_LIMITS_QUOTA_REPOSITORY="5000")
    hub = scene.hub
    keys = [store(hub, scene.bob, scene.fork, bytes([n]) * 2000) for n in range(2)]
    commit(hub, scene.fork, {"a": keys[0], "b": keys[1]}, branch="news")
    store(hub, scene.ada, scene.data, b"x" * 4000)
    scene.propose()
    tip = scene.tip()
    with pytest.raises(TooMuch):
        hub.opened.hub.merging.merge(scene.ada, scene.data.id, 1)
    assert scene.tip() == tip
    hub.opened.database.close()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Scene]:
    def made(**settings: str) -> Scene:
        hub = make_hub_inside(tmp_path / "limited", **settings)
        ada, bob = hub.person("ada"), hub.person("bob")
        data = hub.repository(ada, visibility=Visibility.PUBLIC)
        commit(hub, data, {"notes": b"one"})
        return Scene(hub, ada, bob, data, hub.opened.hub.forks.fork(bob, data.id))

    return made


def test_a_repository_without_an_annex_branch_gets_one_that_knows_the_content(
    make: Callable[..., Scene],
) -> None:
    scene = make()
    hub = scene.hub
    key = store(hub, scene.bob, scene.fork, b"new")
    commit(hub, scene.fork, {"new.dat": key}, branch="news")
    scene.propose()
    hub.opened.hub.merging.merge(scene.ada, scene.data.id, 1)
    assert places_of(repo_of(hub, scene.data), key) == [scene.data.uuid]
    hub.opened.database.close()


def test_an_organisations_fork_is_made_by_its_people_alone(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    services.organisations.create(scene.bob, "lab")
    assert str(services.forks.fork(scene.bob, scene.data.id, owner=OwnerName("lab")).path) == "lab/data"
    with pytest.raises(Forbidden):
        services.forks.fork(hub.person("eve"), scene.data.id, owner=OwnerName("lab"), name="other")
    assert {str(one.path) for one in services.forks.forks(scene.ada, scene.data.id)} == {
        "bob/data",
        "lab/data",
    }


def ran(words: str, **info: object) -> str:
    return runrecords.build_message(words, runrecords.to_json({"cmd": f"make {words}", "exit": 0, **info}))


def proposed_run(scene: Scene, words: str, files: dict[str, bytes | str | None]) -> str:
    """Commit files of a command onto the branch of the fork that is proposed."""
    head = commit(scene.hub, scene.fork, files, branch="news", who="bob")
    repo = repo_of(scene.hub, scene.fork, "bob")
    made = commit_tree(
        repo, f"{head}^{{tree}}", read_commit(repo, head).parents, ran(words, inputs=["old.dat"])
    )
    refs.update(repo, "refs/heads/news", made)
    return made


def test_a_squash_is_one_commit_of_who_proposed_with_all_content_and_every_record(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    first = store(hub, scene.bob, scene.fork, b"first version")
    key = store(hub, scene.bob, scene.fork, b"new content")
    runs = [
        proposed_run(scene, "clean", {"new.dat": first}),
        proposed_run(scene, "plot", {"new.dat": key}),
        commit(hub, scene.fork, {"words": b"1\n"}, branch="news", who="bob"),
    ]
    ours = commit(hub, scene.data, {"ours": b"1\n"})
    scene.propose(title="Clean and plot")
    done = services.merging.merge(scene.ada, scene.data.id, 1, style=Style.SQUASH)
    made = read_commit(repo_of(hub, scene.data), "refs/heads/main")
    assert (made.sha, made.parents) == (done.commit, (ours,))
    assert (made.author.name, made.committer.name) == ("bob", "ada")
    assert made.subject == "Clean and plot (#1)"
    assert not runrecords.holds_record(made.message), "it is none of the two commands"
    lines = made.message.splitlines()[2:]
    assert [line.split(" (")[0] for line in lines if line[0] == "*"] == [
        "* clean",
        "* plot",
        "* change words",
    ]
    assert all(f"({sha[:10]})" in made.message for sha in runs)
    records = [json.loads(line.partition(": ")[2]) for line in lines if "run record" in line]
    assert [one["cmd"] for one in records] == ["make clean", "make plot"]
    assert all(services.contents.present(scene.ada, scene.data.id, one) for one in (first, key))
    files = {e.path for e in ls_tree(repo_of(hub, scene.data), made.sha)}
    assert {"ours", "new.dat", "words", "old.dat"} <= files
    again = services.pulls.get(scene.ada, scene.data.id, 1)
    assert (again.issue.open, again.pull.merged) == (False, done.commit)


def test_one_command_alone_stays_a_command_when_it_is_squashed(scene: Scene) -> None:
    hub, services = scene.hub, scene.hub.opened.hub
    proposed_run(scene, "clean", {"out": b"1\n"})
    commit(hub, scene.data, {"ours": b"1\n"})
    scene.propose()
    services.merging.merge(scene.ada, scene.data.id, 1, style=Style.SQUASH)
    place = services.browsing.at(scene.ada, scene.data.id)
    (run,) = services.runs.runs(place)
    assert (run.commit.sha, run.command, run.words) == (place.commit, "make clean", "clean (#1)")
    lineage = services.lineage.of(place, "out")
    assert [version.path for version in lineage.makers[lineage.root].inputs] == ["old.dat"]  # type: ignore[index]  # it is there
