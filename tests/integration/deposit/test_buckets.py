from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from support.buckets import Buckets
from support.deposits import Deposits
from support.objectstore import BUCKET, KEY_ID, SECRET, ObjectStore

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


def checked(s3: ObjectStore, more: str = "") -> str:
    """Give the URL of a bucket at a server that looks at logins, and at conditions."""
    place = f"host={s3.host}&port={s3.port}&protocol=http&requeststyle=path&bucket={BUCKET}"
    return f"datalad-annex::?type=S3&{place}&encryption=none{more}"


def test_of_two_who_push_to_a_bucket_at_once_one_is_told_to_fetch_first_and_a_wrong_login_gets_nowhere(
    deposits: Deposits, s3: ObjectStore
) -> None:
    known = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
    url = checked(s3, "&dlalock=require")
    source = deposits.repository()
    s3.make_bucket()
    git = deposits.ours.having(known)
    git("push", "-q", url, "main", cwd=source)
    git("clone", "-q", url, "clone")
    git("remote", "add", "origin", url, cwd=source)
    people = [source, deposits.folder / "clone"]
    for folder in people:
        deposits.commit(folder, f"of {folder.name}")
    pushes = [
        subprocess.Popen(["git", "push", "-q", "origin", "main"], cwd=f, env=git.env, stderr=subprocess.PIPE)
        for f in people
    ]
    said = [push.communicate(timeout=250)[1] for push in pushes]
    assert sorted(push.returncode for push in pushes) == [0, 1], said
    assert any(b"fetch first" in words for words in said)

    before = {request.path for request in s3.requests if request.method == "PUT"}
    wrong = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": "mistyped"}
    refused = deposits.ours.having(wrong)("push", url, "main:other", cwd=source, code=1).stderr
    assert "[remote rejected]" in refused and "check the login" in refused and "mistyped" not in refused
    assert {request.path for request in s3.requests if request.method == "PUT"} == before
