"""The hub's policy and its parsers of what comes from outside, for any values."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.hub.domain import access, names, sshkeys
from rookery.hub.domain.access import (
    Action,
    Actor,
    Decision,
    Level,
    Means,
    Scope,
    Target,
    Visibility,
    allowed,
)
from rookery.hub.domain.errors import BadName
from rookery.hub.domain.keys import content_key
from support.hubs import HubInside, make_hub_inside

levels = st.sampled_from(list(Level))
targets = st.builds(
    Target, st.integers(1, 3), st.sampled_from(list(Visibility)), levels, levels, st.booleans()
)
means = st.builds(
    Means,
    st.frozensets(st.sampled_from(list(Scope))),
    st.none() | st.frozensets(st.integers(1, 3)),
    st.booleans(),
)
accounts = st.builds(Actor, st.none() | st.just(7), st.just("x"), st.booleans(), means)
deploy_keys = st.builds(
    lambda level, only: Actor(None, "key", means=only, deploy_level=level),
    st.sampled_from([Level.READ, Level.WRITE]),
    st.builds(Means, repositories=st.integers(1, 3).map(lambda n: frozenset({n})), append_only=st.booleans()),
)
actors = accounts.map(lambda a: a if a.account else a._replace(admin=False)) | deploy_keys
actions = st.sampled_from(list(Action))
ORDER = [Decision.HIDDEN, Decision.FORBIDDEN, Decision.ALLOWED]


def rank(decision: Decision) -> int:
    return ORDER.index(decision)


@given(actors, targets, actions)
def test_what_one_came_with_only_narrows(actor: Actor, target: Target, action: Action) -> None:
    if actor.deploy_level is Level.NONE:
        free = actor._replace(means=Means())
        assert rank(allowed(actor, target, action)) <= rank(allowed(free, target, action))


@given(actors, targets, actions)
def test_a_higher_level_never_takes_anything_away(actor: Actor, target: Target, action: Action) -> None:
    more = target._replace(level=min(Level.OWNER, target.level + 1))
    assert rank(allowed(actor, target, action)) <= rank(
        allowed(actor, more._replace(level=Level(more.level)), action)
    )


@given(actors, targets)
def test_who_may_do_anything_may_read(actor: Actor, target: Target) -> None:
    decisions = {action: allowed(actor, target, action) for action in Action}
    if Decision.ALLOWED in decisions.values():
        assert decisions[Action.READ] is Decision.ALLOWED
    assert len({d is Decision.HIDDEN for d in decisions.values()}) == 1, (
        "hidden for one action is hidden for all"
    )


@given(actors, targets)
def test_append_only_takes_nothing_back_and_archives_do_not_change(actor: Actor, target: Target) -> None:
    if actor.means.append_only and (
        actor.means.repositories is None or target.repository in actor.means.repositories
    ):
        assert allowed(actor, target, Action.DROP) is not Decision.ALLOWED
        assert allowed(actor, target, Action.OWN) is not Decision.ALLOWED
    if target.archived:
        for action in (Action.STORE, Action.WRITE, Action.DROP):
            assert allowed(actor, target, action) is not Decision.ALLOWED


@given(targets)
def test_strangers_change_nothing_ever(target: Target) -> None:
    for action in set(Action) - {Action.READ}:
        assert allowed(access.STRANGER, target, action) is not Decision.ALLOWED


@given(st.text() | st.from_regex(r"[A-Za-z0-9._/-]{1,50}"))
def test_names_that_are_taken_are_harmless(text: str) -> None:
    try:
        path = names.parse_path(text)
    except BadName:
        return
    for part in path:
        assert part not in (".", "..")
        assert part.isascii()
        assert not set(part) & set("/\\\0 :?#%&<>\"'")
    assert names.parse_path(str(path)) == path


@settings(max_examples=60)
@given(st.text(max_size=20) | st.text("a./-@{~^:?*[ \\\x7f\n", max_size=12))
def test_branches_that_are_taken_are_those_that_git_takes(text: str) -> None:
    try:
        ours = names.branch_name(text) == text
    except BadName:
        ours = False
    if "\0" not in text and text.isprintable():
        argv = ["git", "check-ref-format", "--branch", text]
        gits = subprocess.run(argv, capture_output=True, check=False).returncode == 0
        if gits and not text.startswith("@"):  # `@` and `@{-1}` are ways to say another name
            assert ours
        if ours:
            assert gits


@given(st.text() | st.from_regex(r"[A-Z0-9]{3,6}(-s[0-9]{1,5})?--.{1,80}"))
def test_keys_that_are_taken_name_one_file(text: str) -> None:
    try:
        key = content_key(text)
    except BadName:
        return
    assert "\n" not in key
    assert "\0" not in key


@given(st.text() | st.binary().map(lambda b: "ssh-ed25519 " + b.hex()))
def test_any_text_for_a_public_key_is_read_or_refused(text: str) -> None:
    try:
        key = sshkeys.public_key(text)
    except BadName:
        return
    assert sshkeys.public_key(f"{key.line} comment").fingerprint == key.fingerprint


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> HubInside:
    return make_hub_inside(Path(tmp_path_factory.mktemp("hub")) / "hub")


def test_lists_show_what_the_policy_says(hub: HubInside) -> None:
    owner, invited, outsider = (hub.person(name) for name in ("owner", "invited", "outsider"))
    repositories = hub.opened.hub.repositories
    for visibility in Visibility:
        made = hub.repository(owner, visibility.value, visibility)
        repositories.set_collaborator(owner, made.id, "invited", Level.READ)
    stranger = hub.opened.hub.identity.stranger("")
    for who, level in (
        (owner, Level.OWNER),
        (invited, Level.READ),
        (outsider, Level.NONE),
        (stranger, Level.NONE),
    ):
        shown = {found.visibility for found in repositories.search(who)}
        signed_in = who.account is not None
        assert shown == {v for v in Visibility if access.listed(v, level, signed_in=signed_in)}
