"""Content in a RIA store on this machine: what we do there ourselves, DataLad's `ora` reads, and the reverse."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import pytest

from support.counting import Started
from support.inside import Inside
from support.programs import Program
from support.samples import binary, write_tree

pytestmark = pytest.mark.native

Count = Callable[[], AbstractContextManager[Started]]

FILES: dict[str, str | bytes] = {
    "a.dat": binary(1500, seed=1),
    "deep/b.dat": binary(3 << 20, seed=2),
    "deep/c d.dat": binary(400, seed=3),
}


class Place(NamedTuple):
    """A store, the dataset that it was made for, and a clone from it."""

    store: Path
    dataset: Path
    clone: Path

    def objects(self) -> list[Path]:
        """Every file below the store's object trees."""
        found = self.store.glob("*/*/annex/objects/**/*")
        return sorted(path for path in found if path.is_file())

    def folder(self) -> Path:
        """The dataset's folder in the store."""
        (found,) = (path.parent for path in self.store.glob("*/*/ria-layout-version"))
        return found


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ria")


@pytest.fixture(params=["2", "1"])
def place(
    request: pytest.FixtureRequest, made: Path, new_dataset: Callable[..., Path], datalad: Program, inside: Inside,
) -> Place:  # fmt: skip
    """DataLad has made the store, in one of its two layouts, and put all content there."""
    kept, here = (
        made / request.param,
        made / "place",
    )  # always there: the remote's address is part of the dataset
    shutil.rmtree(here, ignore_errors=True)
    if not kept.exists():
        shutil.copytree(new_dataset("ds", files=FILES), here / "ds", symlinks=True)
        place = Place(here / "store", here / "ds", here / "clone")
        url = f"ria+file://{place.store}"
        datalad("create-sibling-ria", "-s", "ria", "--new-store-ok", url, cwd=place.dataset)
        (place.folder() / "ria-layout-version").write_text(f"{request.param}\n")
        datalad("push", "--to", "ria", cwd=place.dataset)
        name = place.folder().parent.name + place.folder().name
        inside("clone", f"{url}#{name}", place.clone)
        shutil.copytree(here, kept, symlinks=True)
        shutil.rmtree(here)
    shutil.copytree(kept, here, symlinks=True)
    return Place(here / "store", here / "ds", here / "clone")


def annexes(started: Started) -> list[tuple[str, ...]]:
    return [argv for argv in started.programs if argv[0] == "git-annex"]


def test_what_datalad_has_put_there_is_got_without_git_annex(
    place: Place, inside: Inside, count_programs: Count, annex: Program
) -> None:
    with count_programs() as started:
        lines = inside("get", ".", cwd=place.clone).lines
    assert not annexes(started)
    assert lines[:3] == [f"get(ok): {path} (file) [from ria-storage...]" for path in FILES]
    for path, content in FILES.items():
        assert (place.clone / path).read_bytes() == content
        assert os.stat(place.clone / path).st_mode & 0o222 == 0
    assert annex("fsck", "-q", cwd=place.clone).text == ""
    assert annex("find", "--in=here", "--and", "--in=ria-storage", cwd=place.clone).lines == sorted(FILES)


def test_datalad_gets_and_drops_what_we_have_put_there(
    place: Place, inside: Inside, count_programs: Count, datalad: Program, annex: Program
) -> None:
    before = place.objects()
    write_tree(place.dataset, {"new.dat": binary(700, seed=9), "again.dat": FILES["a.dat"]})
    inside("save", "-m", "more", cwd=place.dataset)
    with count_programs() as started:
        lines = inside("push", "--to", "ria", cwd=place.dataset).lines
    assert not [argv for argv in annexes(started) if "copy" in argv]
    assert "copy(ok): new.dat (file) [to ria-storage...]" in lines
    (new,) = set(place.objects()) - set(before)
    theirs, ours = before[0].parent.stat(), new.parent.stat()
    assert (new.stat().st_mode, ours.st_mode) == (before[0].stat().st_mode, theirs.st_mode)
    assert not list(place.folder().glob("ora-remote-*/transfer/*"))
    assert annex("fsck", "-q", "--from", "ria-storage", cwd=place.dataset).text == ""
    datalad("update", "-s", "origin", "--how", "merge", cwd=place.clone)
    datalad("get", ".", cwd=place.clone)
    assert (place.clone / "new.dat").read_bytes() == binary(700, seed=9)
    datalad("drop", "new.dat", cwd=place.clone)


def test_what_the_store_has_may_go_here(
    place: Place, inside: Inside, count_programs: Count, annex: Program
) -> None:
    with count_programs() as started:
        lines = inside("drop", ".", cwd=place.dataset).lines
    assert not annexes(started)
    assert lines[:3] == [f"drop(ok): {path} (file)" for path in FILES]
    assert annex("find", "--in=here", cwd=place.dataset).lines == []
    assert annex("find", "--in=ria-storage", cwd=place.dataset).lines == sorted(FILES)
    assert annex("fsck", "-q", "--fast", cwd=place.dataset).text == ""


def spoilt(place: Place, how: str) -> None:
    """Do something to the store's copy of a.dat."""
    (at,) = (path for path in place.objects() if path.stat().st_size == 1500)
    os.chmod(at, 0o644)
    if how == "gone":
        at.unlink()
    else:
        at.write_bytes(b"x" * (1500 if how == "changed" else 7))


@pytest.mark.parametrize("how", ["gone", "short", "changed"])
def test_content_that_is_not_as_it_should_be_does_not_come(place: Place, inside: Inside, how: str) -> None:
    spoilt(place, how)
    told = inside("get", ".", cwd=place.clone, code=1)
    assert any(line.startswith("get(error): a.dat (file)") for line in told.lines)
    assert not (place.clone / "a.dat").exists()
    assert (place.clone / "deep" / "b.dat").read_bytes() == FILES["deep/b.dat"]


@pytest.mark.parametrize("how", ["gone", "short"])
def test_content_stays_that_the_store_does_not_have_after_all(
    place: Place, inside: Inside, annex: Program, how: str
) -> None:
    spoilt(place, how)
    if how == "short":  # git-annex, which is asked then, takes any file for the content
        (place.folder() / "annex").rename(place.folder() / "moved")
    told = inside("drop", "a.dat", cwd=place.dataset, code=1)
    assert told.lines[0].startswith("drop(error): a.dat (file)")
    assert (place.dataset / "a.dat").read_bytes() == FILES["a.dat"]
    assert annex("find", "--in=here", "a.dat", cwd=place.dataset).lines == ["a.dat"]


def test_more_copies_than_the_store_are_asked_for_if_more_are_needed(
    place: Place, inside: Inside, annex: Program
) -> None:
    annex("numcopies", "2", cwd=place.dataset)
    inside("drop", "a.dat", cwd=place.dataset, code=1)
    assert (place.dataset / "a.dat").exists()
    inside("get", "a.dat", cwd=place.clone)


def test_what_a_killed_push_has_left_is_swept_after_a_day(place: Place, inside: Inside, git: Program) -> None:
    write_tree(place.dataset, {"new.dat": b"new"})
    inside("save", "-m", "more", cwd=place.dataset)
    uuid = git("config", "annex.uuid", cwd=place.dataset).text
    folder = place.folder() / f"ora-remote-{uuid}" / "transfer"
    folder.mkdir(parents=True, exist_ok=True)
    for name in (".rookery.1.2.3", ".rookery.4.5.6", "MD5E-s3--of-another"):
        (folder / name).write_bytes(b"x")
    os.utime(folder / ".rookery.1.2.3", (1, 1))
    os.utime(folder / "MD5E-s3--of-another", (1, 1))
    inside("push", "--to", "ria", cwd=place.dataset)
    assert sorted(path.name for path in folder.iterdir()) == [".rookery.4.5.6", "MD5E-s3--of-another"]


def test_a_store_that_takes_nothing_is_told_of_in_words(place: Place, inside: Inside, git: Program) -> None:
    write_tree(place.dataset, {"new.dat": binary(700, seed=9)})
    inside("save", "-m", "more", cwd=place.dataset)
    uuid = git("config", "annex.uuid", cwd=place.dataset).text
    blocked = place.folder() / f"ora-remote-{uuid}"
    shutil.rmtree(blocked, ignore_errors=True)
    blocked.write_text("in the way")
    told = inside("push", "--to", "ria", cwd=place.dataset, code=1)
    assert any(line.startswith("copy(error): new.dat (file)") for line in told.lines)
    assert (place.dataset / "new.dat").read_bytes() == binary(700, seed=9)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("remote.ria-storage.ora-push-url", "ria+file:///elsewhere"),
        ("remote.ria-storage.annex-cost", "50"),
        ("annex.ora-remote.ria-storage.force-write", "true"),
        ("url.ria+file:///elsewhere.insteadOf", "ria+file://"),
    ],
)
def test_what_is_set_up_otherwise_is_left_to_git_annex(
    place: Place, inside: Inside, count_programs: Count, git: Program, name: str, value: str
) -> None:
    git("config", name, value, cwd=place.clone)
    with count_programs() as started:
        inside("get", "a.dat", cwd=place.clone, code=None)
    assert annexes(started)
