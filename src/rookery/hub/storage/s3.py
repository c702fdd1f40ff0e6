"""An S3 bucket: the requests that the hub makes, and its errors in the hub's words.

botocore speaks to everything that calls itself S3, finds logins where AWS's own
programs do, and tries again what can be tried again.  (obstore, which is
faster, knows no upload in parts that another process can go on with.)  All
bodies are sent with their MD5, which every such store compares: what was hashed here is what is there.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from rookery.hub.domain.errors import Unavailable
from rookery.hub.settings import Bucket

# Requests at the same time that keep their connection for the next one.
CONNECTIONS = 64

# What stores say of an object, a bucket or an upload that is not there; HEAD has no body, and says 404 alone.
_MISSING = ("404", "NoSuchKey", "NoSuchUpload", "NotFound")


class Missing(Exception):
    """There is no such object, or no such upload in parts."""


class S3:
    """The objects of a bucket below a prefix; a name is what stands behind it."""

    def __init__(self, bucket: Bucket) -> None:
        self._bucket = bucket
        login = {}
        if bucket.key_id:
            login = {"aws_access_key_id": bucket.key_id, "aws_secret_access_key": bucket.secret}
        if bucket.key_id and bucket.token:
            login["aws_session_token"] = bucket.token
        self._client = botocore.session.Session().create_client(
            "s3",
            region_name=bucket.region,
            endpoint_url=bucket.endpoint,
            config=Config(
                signature_version="s3v4",
                max_pool_connections=CONNECTIONS,
                connect_timeout=10,
                read_timeout=60,
                retries={"mode": "standard", "total_max_attempts": 4},
                # checksums of a newer kind, which many stores refuse; ours is MD5
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path" if bucket.endpoint else "auto"},
            ),
            **login,
        )

    def _named(self, name: str) -> dict[str, str]:
        return {"Bucket": self._bucket.name, "Key": self._bucket.prefix + name}

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except ClientError as e:
            code = str(e.response.get("Error", {}).get("Code", ""))
            if code in _MISSING:
                raise Missing(what) from e
            raise Unavailable(
                f"the store of contents refuses to {what}: {code}",
                hints=["those who run the hub see why: rookery hub doctor"],
            ) from e
        except NoCredentialsError as e:
            raise Unavailable(
                "there is no login for the store of contents",
                hints=[
                    "set key_id and secret in [s3] of hub.toml, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                ],
            ) from e
        except (BotoCoreError, OSError) as e:
            raise Unavailable(
                f"the store of contents does not answer: {type(e).__name__}", hints=["try again later"]
            ) from e

    def try_out(self) -> None:
        """See that the bucket is there.  Raises Unavailable."""
        try:
            with self._asking(f"tell of the bucket {self._bucket.name}"):
                self._client.head_bucket(Bucket=self._bucket.name)
        except Missing as e:
            raise Unavailable(
                f"there is no bucket {self._bucket.name} at {self._bucket.endpoint or 'Amazon S3'}",
                hints=["make it; or see `content` and [s3] in hub.toml"],
            ) from e

    def size(self, name: str) -> int:
        """Give the size of an object.  Raises Missing."""
        with self._asking("tell of content"):
            return int(self._client.head_object(**self._named(name))["ContentLength"])

    def get(self, name: str, offset: int) -> tuple[Any, int]:
        """Open an object from an offset below its size on; give what reads it, and the whole size.  Raises Missing."""
        part = {"Range": f"bytes={offset}-"} if offset else {}
        with self._asking("give content"):
            said = self._client.get_object(**self._named(name), **part)
        return said["Body"], offset + int(said["ContentLength"])

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Say what goes wrong while a body is read.  Raises Unavailable."""
        try:
            yield
        except (BotoCoreError, OSError, http.client.HTTPException) as e:
            raise Unavailable(f"the store of contents broke off: {type(e).__name__}") from e

    def put(self, name: str, data: bytes) -> None:
        """Write an object, all at once."""
        with self._asking("take content"):
            self._client.put_object(**self._named(name), Body=data, ContentMD5=_md5(data))

    def remove(self, name: str) -> None:
        """Remove an object; it may be gone already."""
        with self._asking("remove content"):
            self._client.delete_object(**self._named(name))

    def names(self, below: str) -> Iterator[str]:
        """Yield the names that begin so."""
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket.name, Prefix=self._bucket.prefix + below
        )
        with self._asking("list what it has"):
            for page in pages:
                for one in page.get("Contents", ()):
                    yield one["Key"].removeprefix(self._bucket.prefix)

    def begin(self, name: str) -> str:
        """Begin an upload in parts; give what it is called."""
        with self._asking("begin an upload"):
            return str(self._client.create_multipart_upload(**self._named(name))["UploadId"])

    def part(self, name: str, upload: str, number: int, data: bytes) -> str:
        """Send a part, 5 MiB or more but for the last; give its tag.  Raises Missing."""
        with self._asking("take a part of content"):
            said = self._client.upload_part(
                **self._named(name), UploadId=upload, PartNumber=number, Body=data, ContentMD5=_md5(data)
            )
        return str(said["ETag"])

    def complete(self, name: str, upload: str, tags: list[str]) -> None:
        """Make an object of parts, numbered from one.  Raises Missing if it has been done, or given up."""
        parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
        with self._asking("make content of its parts"):
            self._client.complete_multipart_upload(
                **self._named(name), UploadId=upload, MultipartUpload={"Parts": parts}
            )

    def give_up(self, name: str, upload: str) -> None:
        """Remove an upload in parts; it may be gone already."""
        try:
            with self._asking("give an upload up"):
                self._client.abort_multipart_upload(**self._named(name), UploadId=upload)
        except Missing:
            pass  # done or given up before

    def address(self, name: str, *, seconds: int, file: str, media_type: str) -> str:
        """Give an address that lets anybody download an object for so many seconds."""
        return str(
            self._client.generate_presigned_url(
                "get_object",
                Params={
                    **self._named(name),
                    "ResponseContentDisposition": f"attachment; filename*=UTF-8''{file}",
                    "ResponseContentType": media_type,
                    "ResponseCacheControl": "private, no-store",
                },
                ExpiresIn=seconds,
            )
        )


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
