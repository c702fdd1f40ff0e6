"""How files came to be, told from real histories: commands, renames, lines of work that were merged, and bounds."""

from __future__ import annotations

import itertools
import sys
from typing import Any

import pytest

from rookery.git import runrecords
from rookery.hub.domain.access import Actor, Visibility
from rookery.hub.domain.records import Repository
from rookery.hub.services.browsing import Place
from rookery.hub.services.provenance import (
    MOST_INPUTS,
    MOST_STEPS,
    MOST_USES,
    Lineage,
    Version,
    Wanted,
    wanted_of,
)
from rookery.hub.services.runs import Run
from support.counting import programs_started
from support.history import History
from support.hubs import HubInside


@pytest.fixture
def ada(hub: HubInside) -> Actor:
    return hub.person("ada")


def ran(words: str, **info: Any) -> str:
    return runrecords.build_message(words, runrecords.to_json({"cmd": f"make {words}", "exit": 0, **info}))


def placed(hub: HubInside, ada: Actor, history: History) -> Place:
    made = hub.repository(ada, "data", Visibility.PUBLIC)
    history.write(hub.opened.histories.place(made.id))
    return hub.opened.hub.browsing.at(ada, made.id)


def told(lineage: Lineage, version: Version | None = None) -> Any:
    """Give what made a version as nested values: path, words, inputs; a former name as "was"."""
    version = version or lineage.root
    assert version is not None
    maker = lineage.makers[version]
    words = maker.run.words if maker.run else maker.commit.subject
    below = [told(lineage, one) for one in maker.inputs]
    return (version.path, words, *below, *([("was", told(lineage, maker.renamed))] if maker.renamed else []))


def test_a_result_is_traced_to_what_people_brought_in(hub: HubInside, ada: Actor) -> None:
    history = History().commit("raw", {"raw/a.csv": "1\n" * 9, "code/clean.py": "print()\n", "other": "x"})
    history.commit(
        ran("clean", inputs=["raw/*.csv"], extra_inputs=["code/clean.py"]), {"clean.csv": "2\n" * 9}
    )
    history.commit("unrelated", {"other": "y"})
    history.commit(ran("plot", inputs=["../clean.csv"], pwd="figures"), {"figures/f.svg": "<svg>"})
    history.commit("raw again", {"raw/a.csv": "3\n"})
    place = placed(hub, ada, history)
    with programs_started() as started:
        lineage = hub.opened.hub.lineage.of(place, "figures/f.svg")
    assert len(started) == 1
    clean = ("clean.csv", "clean", ("raw/a.csv", "raw"), ("code/clean.py", "raw"))
    assert told(lineage) == ("figures/f.svg", "plot", clean)
    assert lineage.cut == ()
    assert [use.run.words for use in hub.opened.hub.lineage.of(place, "clean.csv").uses] == ["plot"]
    assert hub.opened.hub.lineage.of(place, "raw/a.csv").uses == (), "it was changed after it was read"
    assert hub.opened.hub.lineage.of(place, "nothing").root is None


def test_what_was_made_of_a_file_is_followed_through_names_and_further_commands(
    hub: HubInside, ada: Actor
) -> None:
    history = History().commit("raw", {"a.csv": "".join(f"{n}\n" for n in range(50))})
    history.commit("a better name").rename("a.csv", "raw/a.csv")
    history.commit(ran("clean", inputs=["raw"]), {"clean.csv": "2\n"})
    history.commit(ran("elsewhere", inputs=["rawer/a.csv"]), {"else": "2\n"})
    history.commit(ran("plot", inputs=["clean.csv"]), {"f.svg": "x\n"})
    place = placed(hub, ada, history)
    lineage = hub.opened.hub.lineage.of(place, "raw/a.csv")
    assert [(use.run.words, use.took, use.made) for use in lineage.uses] == [
        ("clean", ("raw/a.csv",), ("clean.csv",)),
        ("plot", ("clean.csv",), ("f.svg",)),
    ]
    assert told(lineage) == ("raw/a.csv", "a better name", ("was", ("a.csv", "raw")))
    whole = told(hub.opened.hub.lineage.of(place, "f.svg"))
    assert whole[2][2] == ("raw/a.csv", "a better name", ("was", ("a.csv", "raw")))


def test_lines_of_work_are_not_taken_for_each_other(hub: HubInside, ada: Actor) -> None:
    history = History().commit("base", {"in": "0\n", "other": "0\n"})
    history.commit("theirs: in", {"in": "theirs\n"}, branch="side", parent="main")
    history.commit(ran("theirs", inputs=["in"]), {"theirs": "1\n"}, branch="side")
    history.commit("ours: in", {"in": "ours\n"})
    history.commit(ran("ours", inputs=["in"]), {"ours": "1\n"})
    history.commit("merge", {"in": "ours\n", "theirs": "1\n"}, merge="side")
    history.commit(ran("both", inputs=["ours", "theirs"]), {"both": "1\n"})
    lineage = hub.opened.hub.lineage.of(placed(hub, ada, history), "both")
    ours, theirs = ("ours", "ours", ("in", "ours: in")), ("theirs", "theirs", ("in", "theirs: in"))
    found = told(lineage)
    assert (found[0], sorted(found[2:])) == ("both", [ours, theirs])


def test_a_command_that_committed_by_itself_is_one_command(hub: HubInside, ada: Actor) -> None:
    history = History().commit("raw", {"in": "0\n"})
    history.commit("by the command", {"out": "1\n"}, branch="side", parent="main")
    history.commit(ran("wrapped", inputs=["in"]), {"out": "1\n"}, merge="side")
    assert told(hub.opened.hub.lineage.of(placed(hub, ada, history), "out")) == (
        "out",
        "wrapped",
        ("in", "raw"),
    )


def test_all_is_bounded_and_says_so(hub: HubInside, ada: Actor) -> None:
    history = History().commit("raw", {f"many/{n}": "x" for n in range(MOST_INPUTS + 5)} | {"0": "x"})
    for n in range(MOST_USES + MOST_STEPS):
        history.commit(ran(f"{n}", inputs=[f"{n}"]), {f"{n + 1}": f"{n}"})
    history.commit(ran("wide", inputs=["many", "gone", f"{n + 1}"]), {"wide": "1"})
    place = placed(hub, ada, history)
    lineage = hub.opened.hub.lineage.of(place, "wide")
    assert lineage.root is not None
    maker = lineage.makers[lineage.root]
    assert len(maker.inputs) == MOST_INPUTS
    assert maker.unknown == ("gone",)
    assert len(lineage.cut) == 2
    assert len(hub.opened.hub.lineage.of(place, "0").uses) == MOST_USES
    assert hub.opened.hub.lineage.of(place, "0").cut


def all_of(hub: HubInside, ada: Actor, where: Repository, ref: str, paths: list[str]) -> list[Lineage]:
    place = hub.opened.hub.browsing.at(ada, where.id, ref)
    return [hub.opened.hub.lineage.of(place, path) for path in paths]


def test_after_a_push_only_what_came_is_read_and_the_answer_is_that_of_a_fresh_reader(
    hub: HubInside, ada: Actor
) -> None:
    made = hub.repository(ada)
    history = History().commit("raw", {"in": "0\n", "many/a": "a" * 99, "many/b": "b" * 99})
    history.commit(ran("clean", inputs=["in", "many"]), {"out": "1\n"}).tag("before")
    history.commit("side", {"many/c": "c" * 99}, branch="side", parent="main")
    history.commit("name").rename("many/a", "moved")
    history.commit(ran("plot", inputs=["out", "moved", "m*/*"]), {"plot": "2\n"}, merge="side")
    history.commit("in again", {"in": "3\n", "many/b": None})
    history.commit(ran("again", inputs=["many", "in"]), {"again": "4\n"})
    history.write(hub.opened.histories.place(made.id))
    all_of(hub, ada, made, "before", ["out"])
    paths = ["out", "in", "many/a", "moved", "plot", "again"]
    with programs_started() as started:
        read_on = all_of(hub, ada, made, "main", paths)
    assert [word for argv in started.programs for word in argv if word in ("log", "merge-base")] == [
        "merge-base",
        "log",
    ]
    with programs_started() as started:
        assert all_of(hub, ada, made, "main", paths) == read_on
        first = all_of(hub, ada, made, "side", ["out", "plot"])
    assert not [argv for argv in started.programs if "log" in argv]
    assert (first[0].uses, first[1].root) == ((), None), "what came later is not told at an older commit"
    hub.opened.hub.lineage._shelves.clear()
    assert all_of(hub, ada, made, "main", paths) == read_on


def test_a_branch_that_was_written_anew_is_read_anew(hub: HubInside, ada: Actor) -> None:
    made = hub.repository(ada)
    folder = hub.opened.histories.place(made.id)
    History().commit("raw", {"in": "0\n"}).commit(ran("old", inputs=["in"]), {"out": "1\n"}).write(folder)
    assert told(all_of(hub, ada, made, "main", ["out"])[0])[1] == "old"
    anew = History(1_750_000_000).commit("other", {"in": "5\n"})
    anew.commit(ran("new", inputs=["in"]), {"out": "6\n"}).write(folder)
    assert told(all_of(hub, ada, made, "main", ["out"])[0]) == ("out", "new", ("in", "other"))


def test_what_lies_between_is_passed_over(hub: HubInside, ada: Actor) -> None:
    def calls(unrelated: int) -> int:
        history = History().commit("raw", {"in": "0\n", **{f"many/{n}": f"{n}" for n in range(30)}})
        for n in range(unrelated):
            history.commit(f"{n}", {f"other/{n % 7}": f"{n}\n"})
        history.commit(ran("clean", inputs=["in", "many", "?n"]), {"out": "1\n"})
        made = hub.repository(ada, f"of{unrelated}")
        history.write(hub.opened.histories.place(made.id))
        place = hub.opened.hub.browsing.at(ada, made.id)
        hub.opened.hub.lineage.of(place, "out")
        counted = itertools.count()
        sys.setprofile(lambda *_: next(counted))
        try:
            lineage = hub.opened.hub.lineage.of(place, "out")
        finally:
            sys.setprofile(None)
        assert lineage.root is not None
        assert len(lineage.makers[lineage.root].inputs) == 31
        return next(counted)

    assert calls(2000) < calls(20) * 1.2


@pytest.mark.parametrize(
    ("word", "folder", "fits", "not_"),
    [
        ("a/*.csv", ".", ["a/x.csv"], ["a/b/x.csv", "a/x.csv2", "x.csv"]),
        ("a/**/x", ".", ["a/x", "a/b/c/x"], ["b/x"]),
        ("sub-{n}/[0-9]?.t", ".", ["sub-01/1a.t"], ["sub-01/aa.t", "sub-/x/1a.t"]),
        ("data", "in", ["in/data", "in/data/x"], ["in/data2", "data"]),
        (".", ".", ["anything", "a/b"], []),
        ("a+(b).c", ".", ["a+(b).c"], ["aab.c"]),
        ("[", ".", ["["], ["x"]),
        ("[z-a]", ".", [], ["b"]),
    ],
)
def test_words_of_records_mean_paths(word: str, folder: str, fits: list[str], not_: list[str]) -> None:
    run = Run(None, inputs=(word,), folder=folder)  # type: ignore[arg-type]  # no commit is looked at
    (wanted,) = wanted_of(run)
    assert all(wanted.fits(path) for path in fits)
    assert not any(wanted.fits(path) for path in not_)


@pytest.mark.parametrize("word", ["../out", "/etc/passwd", "a/../../b"])
def test_words_that_lead_out_of_the_dataset_mean_nothing(word: str) -> None:
    found: list[Wanted] = wanted_of(Run(None, inputs=(word,)))  # type: ignore[arg-type]  # no commit is looked at
    assert found == []
