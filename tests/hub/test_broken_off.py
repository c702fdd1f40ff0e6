"""A hub that is killed in the middle of a merge or an upload: half of it is never shown, and it can be done again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rookery.git import refs
from rookery.git.objects import read_blob
from rookery.hub.admin import fsck
from rookery.hub.admin.findings import Verdict
from rookery.hub.domain.access import Visibility
from rookery.hub.domain.errors import Conflict
from rookery.hub.opening import open_hub
from rookery.hub.services.last_copy import places_of
from rookery.hub.settings import read_settings
from support.broken_off import DEEDS
from support.hub_histories import begin_annex_branch, commit, key_of, repo_of, store
from support.hubs import HubInside, make_hub_inside

PROPOSED = b"proposed content" * 100
LARGE = bytes(range(256)) * 50
ENV = {name: os.environ[name] for name in ("PATH", "HOME")}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a hub: ada's data, and bob's fork of it with a proposal of two commits."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "small.txt").write_text("text\n")
    (folder / "large.dat").write_bytes(LARGE)
    hub = make_hub_inside(folder / "hub")
    ada, bob = hub.person("ada"), hub.person("bob")
    data = hub.repository(ada, visibility=Visibility.PUBLIC)
    rules = b"* annex.backend=SHA256\n* annex.largefiles=largerthan=1kb\n"
    commit(hub, data, {"old.dat": store(hub, ada, data, b"old"), ".gitattributes": rules})
    begin_annex_branch(hub, data)
    fork = hub.opened.hub.forks.fork(bob, data.id)
    commit(hub, fork, {"new.dat": store(hub, bob, fork, PROPOSED)}, branch="news", who="bob")
    commit(hub, fork, {"words": b"more\n"}, branch="news", who="bob")
    hub.opened.hub.pulls.propose(
        bob, data.id, fork.id, source_branch="news", target_branch="main", title="News"
    )
    hub.opened.database.close()
    return folder


def run(folder: Path, point: int, deed: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "support.broken_off", str(folder / "hub"), str(point), deed]
    env = {**ENV, "PYTHONPATH": str(Path(__file__).parents[1])}
    return subprocess.run(argv, env=env, capture_output=True, text=True)


def opened(folder: Path) -> Iterator[HubInside]:
    hub = open_hub(read_settings(folder / "hub", ENV), ENV, time.time)
    yield HubInside(hub, time.time)  # type: ignore[arg-type]  # no clock is turned here
    hub.database.close()


def check_whole(hub: HubInside) -> None:
    """Fail if Git or the hub finds anything wrong."""
    bad = [one for one in fsck.look(hub.opened) if one.verdict is Verdict.BAD]
    assert not bad


def check_merge(hub: HubInside, before: str) -> None:
    """See that a merge is there or not, wholly; then have it there."""
    services, ada = hub.opened.hub, hub.person("ada")
    where = services.repositories.get(ada, services.browsing.at(ada, 1).repository.path)
    repo = repo_of(hub, where)
    services.merging.settle_all()
    request = services.pulls.get(ada, 1, 1)
    tip = refs.resolve(repo, "refs/heads/main")
    assert (request.pull.merged is None) == (tip == before) == request.issue.open
    if request.pull.merged is None:
        services.merging.merge(ada, 1, 1)
    else:
        assert request.pull.merged == tip
        assert request.pull.merged_by == "ada"
        with pytest.raises(Conflict, match="merged already"):
            services.merging.merge(ada, 1, 1)
    assert services.contents.present(ada, 1, key_of(PROPOSED))
    assert where.uuid in (places_of(repo, key_of(PROPOSED)) or ())
    assert read_blob(repo, "refs/heads/main:words") == b"more\n"
    check_whole(hub)


def check_upload(hub: HubInside, before: str) -> None:
    """See that an upload is there or not, wholly; then have it there."""
    services, ada = hub.opened.hub, hub.person("ada")
    where = services.browsing.at(ada, 1).repository
    repo = repo_of(hub, where)
    if refs.resolve(repo, "refs/heads/main") == before:
        DEEDS["upload"](hub)
    names = {file.name: file for file in services.browsing.folder(services.browsing.at(ada, 1), "new")}
    assert names.keys() == {"small.txt", "large.dat"}
    key = names["large.dat"].key
    assert key is not None
    assert services.contents.present(ada, 1, key)
    assert where.uuid in (places_of(repo, key) or ())
    check_whole(hub)


@pytest.mark.parametrize("steps", [4, pytest.param(1000, marks=pytest.mark.campaign)])
@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.timeout(3600)
def test_what_was_broken_off_is_there_or_not_and_can_be_done_again(
    deed: str, steps: int, template: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    shutil.copytree(template, whole, symlinks=True)
    done = run(whole, 0, deed)
    assert done.returncode == 0, done.stderr
    total = int(done.stdout)
    before = subprocess.run(
        ["git", "rev-parse", "main"], cwd=template / "hub/repositories/1.git", capture_output=True, text=True
    ).stdout.strip()
    # The last points are the interesting ones: the branch moves there.
    points = range(total, 0, -1) if steps >= total else [total - n * n for n in range(steps)]
    for point in points:
        here = tmp_path / f"at-{point}"
        shutil.copytree(template, here, symlinks=True)
        assert run(here, point, deed).returncode == -signal.SIGKILL
        for hub in opened(here):
            (check_upload if deed == "upload" else check_merge)(hub, before)
        shutil.rmtree(here)


def test_a_merge_whose_branch_has_moved_is_seen_as_merged(template: Path, tmp_path: Path) -> None:
    """What nobody noted is noted by whoever looks, once."""
    here = tmp_path / "hub-of-one"
    shutil.copytree(template, here, symlinks=True)
    for hub in opened(here):
        services, ada = hub.opened.hub, hub.person("ada")
        request = services.pulls.get(ada, 1, 1)
        repo = repo_of(hub, request.repository)
        with hub.opened.database.writing() as work:
            work.pulls.begin_merge(request.issue.id, request.pull.head, by=ada.account)
        assert services.merging.settle(request).issue.open, "nothing has moved yet"
        refs.update(repo, "refs/heads/main", request.pull.head)
        settled = services.merging.settle(request)
        assert (settled.issue.open, settled.pull.merged, settled.pull.merged_by) == (
            False,
            request.pull.head,
            "ada",
        )
        assert services.merging.settle(request) == request, "there is nothing to be settled any more"
        remarks = [one.kind for one in services.issues.get(ada, 1, 1).comments]
        assert remarks == ["merged"]
