"""What `drop --dry-run` says is what `drop` then does, in every situation that git-annex treats differently."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from support.inside import Inside
from support.programs import Program
from support.samples import binary, write_tree


class Place(NamedTuple):
    """A clone with everything in it, of a dataset, of which there is a second clone (`other`)."""

    clone: Path
    origin: Path
    annex: Program
    git: Program

    def other(self) -> Path:
        """Make a second place with all content."""
        path = self.clone.with_name("other")
        self.git("clone", "-q", self.origin, path)
        self.annex("init", "-q", "other", cwd=path)
        self.annex("get", "-q", ".", cwd=path)
        self.git("remote", "add", "other", path, cwd=self.clone)
        self.git("fetch", "-q", "other", cwd=self.clone)
        return path

    def trust(self, level: str) -> None:
        self.annex(level, "origin", *(["--force"] if level == "trust" else []), cwd=self.clone)

    def attributes(self, text: str) -> None:
        (self.clone / ".gitattributes").write_text(text)
        self.git("add", ".gitattributes", cwd=self.clone)
        self.git("commit", "-qm", "Attributes", cwd=self.clone)

    def config(self, *words: str) -> None:
        self.git("config", *words, cwd=self.clone)

    def here(self, *words: str) -> None:
        self.annex(*words, cwd=self.clone)


def second_name(place: Place, attributes: str) -> None:
    shutil.copy(place.clone / "data/one.dat", place.clone / "again.dat")
    place.here("add", "-q", "again.dat")
    place.git("commit", "-qm", "Again", cwd=place.clone)
    place.attributes(attributes)


def former_version(place: Place) -> None:
    place.here("unlock", "-q", "notes.txt")
    (place.clone / "notes.txt").write_text("second\n")
    place.here("add", "-q", "notes.txt")
    place.git("commit", "-qm", "Second", cwd=place.clone)


def moved_away(place: Place) -> None:
    place.origin.rename(place.origin.with_name("gone"))


def exported(place: Place) -> None:
    folder = place.clone.with_name("export")
    folder.mkdir()
    place.here(
        "initremote",
        "-q",
        "tree",
        "type=directory",
        f"directory={folder}",
        "exporttree=yes",
        "encryption=none",
    )
    place.here("export", "-q", "HEAD", "--to", "tree")
    place.here("dead", "origin")


def required_and_wanted(place: Place) -> None:
    place.here("wanted", "here", "include=notes.txt")
    place.here("required", "here", "include=data/one.dat")


def two_copies(place: Place) -> None:
    place.other()
    place.here("info", "-q", "--fast", "other")  # git-annex meets it
    place.here("numcopies", "2")


SITUATIONS: dict[str, Callable[[Place], object]] = {
    "one other copy": lambda _: None,
    "origin is out of reach": moved_away,
    "origin is out of reach, yet trusted": lambda p: (p.trust("trust"), moved_away(p)),
    "origin is untrusted": lambda p: p.trust("untrust"),
    "origin is untrusted here alone": lambda p: p.config("remote.origin.annex-trustlevel", "untrusted"),
    "origin is untrusted, not here": lambda p: (
        p.trust("untrust"),
        p.config("remote.origin.annex-trustlevel", "semitrusted"),
    ),
    "origin is dead": lambda p: p.trust("dead"),
    "origin is ignored": lambda p: p.config("remote.origin.annex-ignore", "true"),
    "two wanted, one there": lambda p: p.here("numcopies", "2"),
    "two wanted, two there": two_copies,
    "one of two untrusted": lambda p: (two_copies(p), p.trust("untrust")),
    "two must be proven": lambda p: p.here("mincopies", "2"),
    "the older setting": lambda p: p.config("annex.numcopies", "2"),
    "the log over the older setting": lambda p: (p.here("numcopies", "1"), p.config("annex.numcopies", "3")),
    "an attribute for some": lambda p: p.attributes("*.dat annex.numcopies=2\n"),
    "an attribute asks for less": lambda p: (
        p.here("numcopies", "2"),
        p.attributes("one.dat annex.numcopies=1\n"),
    ),
    "an attribute of least copies": lambda p: p.attributes("one.dat annex.mincopies=2\n"),
    "an attribute that is no number": lambda p: p.attributes(
        "one.dat annex.numcopies=many\ntwo.dat annex.numcopies=0\n"
    ),
    "an attribute of another name": lambda p: second_name(p, "again.dat annex.numcopies=2\n"),
    "required": lambda p: p.here("required", "here", "include=data/*"),
    "required by another name": lambda p: (
        second_name(p, ""),
        p.here("required", "here", "include=again.dat"),
    ),
    "required as long as copies are few": lambda p: p.here("required", "here", "not copies=2"),
    "required by group": lambda p: (
        p.here("group", "here", "backup"),
        p.here("required", "here", "standard"),
    ),
    "required elsewhere": lambda p: p.here("required", "origin", "anything"),
    "only preferred": lambda p: p.here("wanted", "here", "anything"),
    "copies in an exported tree": exported,
    "unlocked": lambda p: p.here("unlock", "-q", "data/one.dat"),
    "a former version": former_version,
}


@pytest.fixture
def place(tiny_dataset: Path, datalad: Program, git: Program, annex: Program, tmp_path: Path) -> Place:
    datalad("clone", tiny_dataset, tmp_path / "clone")
    annex("get", "-q", ".", cwd=tmp_path / "clone")
    return Place(tmp_path / "clone", tiny_dataset, annex, git)


def verdicts(inside: Inside, clone: Path, *words: str) -> dict[tuple[str, str], bool]:
    records: list[dict[str, Any]] = inside("-f", "json", "drop", *words, cwd=clone, code=None).records
    return {
        (record["path"], record.get("key", "")): record["status"] == "ok"
        for record in records
        if record["type"] in ("file", "key")
    }


@pytest.mark.parametrize("what", ["filecontent", "allkeys"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_dry_run_foretells_what_happens(situation: str, what: str, place: Place, inside: Inside) -> None:
    SITUATIONS[situation](place)
    words = ["--what", what, "--reckless", "modification"]
    foretold = verdicts(inside, place.clone, "--dry-run", *words)
    here = place.annex("find", cwd=place.clone).lines
    assert len(here) >= 3, "a dry run drops nothing"
    assert foretold
    assert verdicts(inside, place.clone, *words) == foretold


def test_what_is_required_is_told_from_what_is_only_wanted(place: Place, inside: Inside) -> None:
    required_and_wanted(place)
    records = inside("-f", "json", "drop", "--dry-run", ".", cwd=place.clone, code=1).records
    said = {Path(r["path"]).name: r["status"] for r in records if r["type"] == "file"}
    assert said == {"notes.txt": "ok", "two.dat": "ok", "one.dat": "impossible"}
    inside("drop", ".", cwd=place.clone, code=1)
    assert [
        path for path in ("notes.txt", "data/two.dat", "data/one.dat") if (place.clone / path).exists()
    ] == ["data/one.dat"]


def test_what_git_annex_alone_can_decide_is_not_promised(place: Place, inside: Inside) -> None:
    required_and_wanted(place)
    place.here("required", "here", "include=data/one.dat or metadata=keep=yes")
    records = inside("-f", "json", "drop", "--dry-run", ".", cwd=place.clone, code=1).records
    said = {Path(r["path"]).name: (r["status"], r["message"]) for r in records if r["type"] == "file"}
    assert said["two.dat"][0] == "ok"
    for name in ("notes.txt", "one.dat"):
        assert said[name] == ("impossible", "git-annex decides: required content is configured here")


def test_availability_waived_frees_required_content_too(place: Place, inside: Inside) -> None:
    place.here("required", "here", "anything")
    words = ["--reckless", "availability", "."]
    foretold = verdicts(inside, place.clone, "--dry-run", *words)
    assert set(foretold.values()) == {True}
    assert verdicts(inside, place.clone, *words) == foretold


def test_all_keys_are_named_with_the_sum_of_their_sizes(place: Place, inside: Inside) -> None:
    former_version(place)
    answer = inside("-f", "json", "drop", "--dry-run", "--what", "allkeys", cwd=place.clone, code=1)
    keys = [r for r in answer.records if r["type"] == "key"]
    assert len(keys) == 4
    assert sorted(r["message"].partition(":")[0] for r in keys if not r["key"].endswith(".txt")) == [
        "data/one.dat",
        "data/two.dat",
    ]
    (total,) = [r for r in answer.records if r["type"] == "dataset"]
    assert total["bytesize"] == 1000 + 2000 + len("first line\n")


def test_paths_without_content_and_unknown_ones_are_said_alike(place: Place, inside: Inside) -> None:
    write_tree(place.clone, {"plain.bin": binary(10, seed=9)})
    place.git("add", "plain.bin", cwd=place.clone)
    place.git("commit", "-qm", "Plain", cwd=place.clone)
    words = ["data", "notes.txt", "plain.bin", "nowhere"]

    def said(*more: str) -> list[tuple[str, str, str]]:
        records = inside("-f", "json", "drop", *more, *words, cwd=place.clone, code=1).records
        return sorted(
            (r["path"], r["status"], r["type"])
            for r in records
            if not (r["action"].endswith("]") and r["type"] == "dataset")
        )

    assert said("--dry-run") == said()
