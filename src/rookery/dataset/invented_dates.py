"""Invented dates: commits of a dataset that must not tell when they were made (`datalad.fake-dates`)."""

from __future__ import annotations

from rookery.dataset.model import Dataset
from rookery.git.repo import Repo

KEY = "datalad.fake-dates"
START_KEY = "datalad.fake-dates-start"
START = 1112911993


def dated(ds: Dataset) -> Repo:
    """Give the repository, for programs that commit: with dates one second after its newest commit, if so set."""
    repo = ds.repo
    if not ds.config.getbool(KEY):
        return repo
    listed = repo.text("for-each-ref", "--format=%(committerdate:unix) %(refname)", "refs/heads").splitlines()
    # what git-annex commits by itself has real dates, which must not be taken over
    dates = [int(line.split()[0]) for line in listed if not line.endswith("/git-annex")]
    at = max([*dates, ds.config.getint(START_KEY, START)]) + 1
    # git-annex stamps the lines of its logs by the second variable
    return repo.with_env(
        GIT_AUTHOR_DATE=f"@{at} +0000", GIT_COMMITTER_DATE=f"@{at} +0000", GIT_ANNEX_VECTOR_CLOCK=f"{at}s"
    )
