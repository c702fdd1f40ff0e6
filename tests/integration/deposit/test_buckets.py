from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.buckets import Buckets
from support.deposits import Deposits

LOGIN = {"AWS_ACCESS_KEY_ID": "somebody", "AWS_SECRET_ACCESS_KEY": "something"}


@pytest.fixture
def buckets() -> Iterator[Buckets]:
    with Buckets().running() as server:
        yield server


def url(buckets: Buckets, more: str = "") -> str:
    place = f"host=127.0.0.1&port={buckets.port}&protocol=http&requeststyle=path&bucket=shelf"
    return f"datalad-annex::?type=S3&{place}&encryption=none{more}"


@pytest.mark.parametrize("layout", ["", "&exporttree=yes"])
def test_a_bucket_is_made_at_the_first_push_and_takes_more(
    deposits: Deposits, buckets: Buckets, layout: str
) -> None:
    git = deposits.ours.having(LOGIN)
    source = deposits.repository()
    git("push", url(buckets, layout), "main", cwd=source)
    git("clone", "-q", url(buckets, layout), "clone")
    clone = deposits.folder / "clone"
    made = deposits.commit(clone)
    git("push", "-q", "origin", "main", cwd=clone)
    git("pull", "-q", "--ff-only", url(buckets, layout), "main", cwd=source)
    assert deposits.at(source) == made


def test_reading_a_bucket_writes_nothing_into_it(deposits: Deposits, buckets: Buckets) -> None:
    git = deposits.ours.having(LOGIN)
    source = deposits.repository()
    git("push", url(buckets), "main", cwd=source)
    buckets.buckets["shelf"]["annex-uuid"] = b"of another repository\n"
    buckets.requests.clear()
    git("clone", "-q", url(buckets), "clone")
    assert {method for method, _ in buckets.requests} <= {"GET", "HEAD"}


def test_a_named_credential_comes_from_the_environment(deposits: Deposits, buckets: Buckets) -> None:
    source = deposits.repository()
    named = url(buckets, "&dlacredential=shelf")
    refused = deposits.ours("push", named, "main", cwd=source, code=128)
    assert "needs the credential 'shelf', which is not known" in refused.stderr
    known = {"DATALAD_CREDENTIAL_SHELF_USER": "somebody", "DATALAD_CREDENTIAL_SHELF_SECRET": "something"}
    deposits.ours.having(known)("push", named, "main", cwd=source)
    assert "XDLRA--refs" in buckets.buckets["shelf"]
