"""URLs that stay with one version of a file: S3 buckets that keep versions say which one they serve."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from rookery.core.errors import DownloadError
from rookery.steps.fetching.web import Web

# bucket.s3.region.amazonaws.com, and the older s3.region.amazonaws.com/bucket
S3_HOST = re.compile(r"(?:.+\.)?s3(?:[.-][a-z0-9-]+)?\.amazonaws\.com")

UNVERSIONED = "null"  # what a bucket says of files from before it kept versions


def versioned(web: Web, url: str) -> str:
    """Name the version that an S3 bucket serves now in a URL; other URLs, and versioned ones, stay as they are.

    Raises DownloadError: s3:// URLs without a version are not supported, and the bucket may not answer.
    """
    parts = urlsplit(url)
    if "versionId=" in parts.query:
        return url
    if parts.scheme == "s3":
        raise DownloadError(
            f"the version of {url} cannot be looked up: this works with http and https URLs of S3 buckets",
            hints=[f"write it as https://{parts.netloc}.s3.amazonaws.com{parts.path}"],
        )
    if parts.scheme not in ("http", "https") or not S3_HOST.fullmatch(parts.hostname or ""):
        return url
    with web.open(url) as answer:
        version = answer.version
    if version in (None, "", UNVERSIONED):
        return url
    query = f"{parts.query}&versionId={version}" if parts.query else f"versionId={version}"
    return urlunsplit(parts._replace(query=query))
