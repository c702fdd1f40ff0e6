"""What has to go to a sibling, decided from values."""

from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from rookery.annex.files import AnnexedFile
from rookery.git.remotes import RefReport
from rookery.git.repo import Repo
from rookery.steps.sharing.transfer import absence_of, plan
from rookery.steps.sharing.verdicts import operations_of

NOBODY = cast(Repo, None)  # a plan asks no repository

KEYS = [f"MD5E-s{size}--{size:032x}.dat" for size in range(1, 6)]


def file(path: str, key: str, present: bool = True) -> AnnexedFile:
    return AnnexedFile(path, key, True, present, NOBODY, f"/objects/{key}")


def test_what_is_here_and_not_there_is_sent_with_its_size() -> None:
    found = plan([file("a", KEYS[0]), file("b", KEYS[1])], {KEYS[0]})
    assert [f.path for f in found.send] == ["b"]
    assert [f.path for f in found.there] == ["a"]
    assert found.size == 2


def test_what_is_nowhere_in_reach_is_absent() -> None:
    found = plan([file("a", KEYS[0], present=False), file("b", KEYS[1], present=False)], {KEYS[0]})
    assert [f.path for f in found.absent] == ["b"]
    absence = absence_of(found.absent)
    assert absence is not None
    assert (absence.number, absence.size, absence.names) == (1, 2, ("b",))


def test_the_log_is_not_believed_on_demand() -> None:
    files = [file("a", KEYS[0]), file("b", KEYS[1], present=False)]
    found = plan(files, set(KEYS), believe_log=False)
    assert [f.path for f in found.send] == ["a"]
    assert [f.path for f in found.there] == ["b"]


FILES = st.lists(
    st.builds(file, st.text("abc", min_size=1), st.sampled_from(KEYS), st.booleans()),
    unique_by=lambda f: f.path,
)


@given(FILES, st.sets(st.sampled_from(KEYS)), st.booleans())
def test_each_file_is_planned_once_and_each_key_is_sent_once(
    files: list[AnnexedFile], there: set[str], believe: bool
) -> None:
    found = plan(files, there, believe_log=believe)
    parts = (*found.send, *found.there, *found.absent, *found.twins)
    assert sorted(parts) == sorted(files)
    leaders = [f.key for f in (*found.send, *found.there, *found.absent)]
    assert len(leaders) == len(set(leaders))
    assert all(f.present for f in found.send)
    if believe:
        assert not {f.key for f in found.send} & there


def test_what_happened_to_a_ref_is_named_as_datalad_names_it() -> None:
    def named(flag: str, summary: str) -> list[str]:
        return operations_of(RefReport(flag, "refs/heads/a", "refs/heads/a", summary, None))

    assert named("*", "[new branch]") == ["new-branch"]
    assert named("*", "[new tag]") == ["new-tag"]
    assert named(" ", "abc..def") == ["fast-forward"]
    assert named("+", "abc...def") == ["forced-update"]
    assert named("=", "[up to date]") == ["uptodate"]
    assert named("!", "[rejected]") == ["rejected", "error"]
    assert named("!", "[remote rejected]") == ["remote-rejected", "error"]
