"""The API of webhooks and of their messages."""

from __future__ import annotations

from fastapi import APIRouter

from rookery.hub.domain.errors import BadName
from rookery.hub.domain.hooks import Delivery, Hook, hook_events
from rookery.hub.domain.moments import moment
from rookery.hub.http_api.asked import AskedBy, AskedHub, AskedPage, AskedPath
from rookery.hub.http_api.bodies import HookChange, HookConfig, NewHook
from rookery.hub.http_api.shapes import Shape

router = APIRouter(prefix="/repos/{owner}/{repo}/hooks")


def _shape(of: Hook) -> Shape:
    """Tell of a hook; its secret is told to nobody."""
    return {
        "id": of.id,
        "type": "gitea",
        "config": {"url": of.url, "content_type": "json"},
        "events": sorted(of.events),
        "active": of.active,
        "created_at": moment(of.created),
    }


def _delivery(of: Delivery) -> Shape:
    return {
        "id": of.id,
        "uuid": of.uuid,
        "event": of.event.value,
        "state": of.state.value,
        "tries": of.tries,
        "status": of.status,
        "answer": of.answer,
        "made_at": moment(of.made),
        "payload": of.payload,
    }


@router.get("")
def hooks(path: AskedPath, asked_by: AskedBy, hub: AskedHub, page: AskedPage) -> list[Shape]:
    """Tell of the webhooks."""
    return [_shape(one) for one in page.of(hub.webhooks.hooks(asked_by, path))]


@router.post("", status_code=201)
def add(path: AskedPath, body: NewHook, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Make a webhook; without events it is told everything."""
    url = body.config.url
    if url is None:
        raise BadName("config.url is missing: where is it to lead?")
    made = hub.webhooks.add(
        asked_by,
        path,
        url,
        secret=body.config.secret or "",
        events=hook_events(body.events),
        active=body.active,
    )
    return _shape(made)


@router.get("/{number}")
def one_hook(path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Tell of a webhook."""
    return _shape(hub.webhooks.hook(asked_by, path, number))


@router.patch("/{number}")
def change(path: AskedPath, number: int, body: HookChange, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Change a webhook."""
    config = body.config or HookConfig()
    events = None if body.events is None else hook_events(body.events)
    changed = hub.webhooks.change(
        asked_by, path, number, url=config.url, secret=config.secret, events=events, active=body.active
    )
    return _shape(changed)


@router.delete("/{number}", status_code=204)
def remove(path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub) -> None:
    """Remove a webhook."""
    hub.webhooks.remove(asked_by, path, number)


@router.post("/{number}/tests", status_code=204)
def try_out(path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub) -> None:
    """Send a message of a push that changed nothing."""
    hub.webhooks.try_out(asked_by, path, number)


@router.get("/{number}/deliveries")
def deliveries(
    path: AskedPath, number: int, asked_by: AskedBy, hub: AskedHub, page: AskedPage
) -> list[Shape]:
    """Tell of the last messages, newest first, and of what became of each."""
    return [_delivery(one) for one in page.of(hub.webhooks.deliveries(asked_by, path, number, limit=500))]


@router.post("/{number}/deliveries/{delivery}", status_code=201)
def redeliver(path: AskedPath, number: int, delivery: int, asked_by: AskedBy, hub: AskedHub) -> Shape:
    """Send a message again."""
    return _delivery(hub.webhooks.redeliver(asked_by, path, number, delivery))
