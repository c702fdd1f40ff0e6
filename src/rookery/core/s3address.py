"""Where an S3 server is, by the parameters of a special remote as git-annex reads them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote


def endpoint(parameters: Mapping[str, str]) -> str:
    """Give the address of the server, without a slash at the end."""
    port = parameters.get("port")
    plain = parameters.get("protocol", "http" if port and port != "443" else "https") == "http"
    usual = "80" if plain else "443"
    place = parameters.get("host") or "s3.amazonaws.com"
    return f"{'http' if plain else 'https'}://{place}{f':{port}' if port and port != usual else ''}"


def bucket(parameters: Mapping[str, str]) -> str:
    """Give the address of the bucket."""
    return f"{endpoint(parameters)}/{quote(parameters.get('bucket', ''))}"


def region(parameters: Mapping[str, str]) -> str:
    """Give the region that requests are signed for."""
    named = parameters.get("region") or parameters.get("datacenter") or ""
    return named if named not in ("", "US") else "us-east-1"
