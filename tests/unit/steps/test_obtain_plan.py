"""What has to be fetched, decided from what is in the index and in the store."""

from __future__ import annotations

from typing import cast

from rookery.annex.files import AnnexedFile
from rookery.git.repo import Repo
from rookery.steps.obtaining.obtain import plan

NOBODY = cast(Repo, None)  # a plan asks no repository


def file(path: str, key: str, *, present: bool) -> AnnexedFile:
    return AnnexedFile(path, key, locked=True, present=present, repo=NOBODY, elsewhere=f"/store/{key}")


def test_only_absent_files_are_fetched_and_each_key_counts_once() -> None:
    todo = plan(
        ["."],
        [
            file("a", "MD5E-s10--a", present=False),
            file("b", "MD5E-s10--a", present=False),
            file("c", "MD5E-s5--c", present=True),
            file("d", "URL--http://x", present=False),
        ],
    )
    assert [f.path for f in todo.absent] == ["a", "b", "d"]
    assert todo.keys == ["MD5E-s10--a", "URL--http://x"]
    assert todo.size == 10
