"""The files that git-annex reads of a repository over plain HTTP.

    GET PLACE/config                            the annex's uuid, and where its protocol is spoken
    GET PLACE/annex/objects/f87/4d5/KEY/KEY     content; both orders of folders; Range, HEAD

A config that cannot be read makes git-annex set `annex-ignore` for good, so
that it is made of values, not read from the disk.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rookery.annex.keys import file_key
from rookery.hub.asking import actor_of, hub_of, refused, site_of
from rookery.hub.content_http import content_response
from rookery.hub.domain.errors import HubError, NotFound
from rookery.hub.git_http.places import place_of

CONFIG = """[core]
\trepositoryformatversion = 0
\tbare = true
[annex]
\tuuid = {uuid}
\tversion = 10
"""


def config(request: Request) -> Response:
    """Say which annex this is, under the address by which the client came."""
    try:
        repository = hub_of(request).repositories.get(actor_of(request), place_of(request))
    except HubError as e:
        return refused(e)
    text = CONFIG.format(uuid=repository.uuid)
    if request.app.state.speaks_p2p:
        text += f"\turl = {site_of(request).annex}\n"
    return PlainTextResponse(text, headers={"Cache-Control": "no-cache"})


def annex_object(request: Request) -> Response:
    """Give content.  The folders in the address follow from the key: whatever they are, the key counts."""
    try:
        folder, name = request.path_params["folder"], request.path_params["file"]
        if folder != name:
            raise NotFound("there is no such file")
        return content_response(request, actor_of(request), place_of(request), file_key(name))
    except HubError as e:
        return refused(e)
