"""Pages of webhooks, in a repository's settings."""

from __future__ import annotations

from starlette.responses import Response

from rookery.hub.domain.access import Action
from rookery.hub.domain.hooks import HookEvent, hook_events
from rookery.hub.web.own import number_of
from rookery.hub.web.repository_page import repository_page
from rookery.hub.web.visit import Visit


def show_all(visit: Visit) -> Response:
    """Show the webhooks, and the form for another one."""
    repository = visit.hub.gate.enter(visit.actor, visit.path, Action.MANAGE).repository
    hooks = visit.hub.webhooks.hooks(visit.actor, repository.id)
    return repository_page(
        visit, "hooks.html", repository, tab="settings", part="hooks", hooks=hooks, events=list(HookEvent)
    )


def act_on_all(visit: Visit) -> Response:
    """Make a webhook."""
    visit.hub.gate.enter(visit.actor, visit.path, Action.MANAGE)
    words = [event.value for event in HookEvent if visit.field(f"event-{event}") == "on"]
    made = visit.hub.webhooks.add(
        visit.actor,
        visit.path,
        visit.field("url").strip(),
        secret=visit.field("secret"),
        events=hook_events(words),
    )
    return visit.go(f"/{visit.path}/settings/hooks/{made.id}")


def show(visit: Visit) -> Response:
    """Show a webhook, with its last messages and what became of each."""
    repository = visit.hub.gate.enter(visit.actor, visit.path, Action.MANAGE).repository
    number = number_of(visit.request.path_params["number"])
    hook = visit.hub.webhooks.hook(visit.actor, repository.id, number)
    messages = visit.hub.webhooks.deliveries(visit.actor, repository.id, number)
    return repository_page(
        visit, "hook.html", repository, tab="settings", part="hooks", hook=hook, messages=messages
    )


def act(visit: Visit) -> Response:
    """Send a message to try it out, send one again, switch it on or off, remove it."""
    visit.hub.gate.enter(visit.actor, visit.path, Action.MANAGE)
    number, what, webhooks = (
        number_of(visit.request.path_params["number"]),
        visit.field("what"),
        visit.hub.webhooks,
    )
    home = f"/{visit.path}/settings/hooks"
    if what == "remove":
        webhooks.remove(visit.actor, visit.path, number)
        return visit.go(home)
    if what == "test":
        webhooks.try_out(visit.actor, visit.path, number)
    elif what in ("on", "off"):
        webhooks.change(visit.actor, visit.path, number, active=what == "on")
    else:
        webhooks.redeliver(visit.actor, visit.path, number, number_of(visit.field("again")))
    return visit.go(f"{home}/{number}")
