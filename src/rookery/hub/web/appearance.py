"""How pages look to one visitor: light or dark by their own choice; and pictures that stand for names."""

from __future__ import annotations

import functools
import re

from markupsafe import Markup
from starlette.responses import Response

from rookery.hub.content_http import SANDBOX
from rookery.hub.web.look import HERE, hue, initials
from rookery.hub.web.visit import LOOK, LOOKS, Visit, local

_YEAR = 365 * 86400
_A_DAY = 86400

_PICTURE = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" role="img" aria-label="{name}">'
    '<rect width="64" height="64" fill="{colour}"/><text x="32" y="42" text-anchor="middle" fill="{ink}" '
    'font-family="system-ui, sans-serif" font-size="28" font-weight="600">{initials}</text></svg>\n'
)


def choose(visit: Visit) -> Response:
    """Let the browser remember light or dark; without a word it is as the system says again."""
    answer = visit.go(local(visit.field("next") or "/"))
    chosen = visit.field("look")
    if chosen in LOOKS:
        secure = visit.site.http.startswith("https:")
        answer.set_cookie(LOOK, chosen, max_age=_YEAR, path="/", httponly=True, samesite="lax", secure=secure)
    else:
        answer.delete_cookie(LOOK, path="/")
    return answer


def picture(visit: Visit) -> Response:
    """Give the picture of a name: its first letters on its colour, whether somebody has the name or not."""
    name = str(visit.request.path_params["name"])
    drawn = _PICTURE.format(
        name=name, colour=_colours()[f"hue-{hue(name)}"], ink=_colours()["paper"], initials=initials(name)
    )
    headers = {**SANDBOX, "Cache-Control": f"public, max-age={_A_DAY}"}
    return Response(drawn, headers=headers, media_type="image/svg+xml")


@functools.cache
def _colours() -> dict[str, str]:
    style = (HERE / "assets" / "style.css").read_text("utf-8")
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", style))
