"""Run records as the hub reads them: DataLad's, ours, and what somebody wrote to look like one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from rookery.git import runrecords
from rookery.hub.domain.access import Actor, Visibility
from rookery.hub.services.browsing import Place
from support.history import History, annexed
from support.hubs import HubInside
from support.programs import Program


@pytest.fixture
def ada(hub: HubInside) -> Actor:
    return hub.person("ada")


def placed(hub: HubInside, ada: Actor, history: History) -> Place:
    made = hub.repository(ada, "data", Visibility.PUBLIC)
    history.write(hub.opened.histories.place(made.id))
    return hub.opened.hub.browsing.at(ada, made.id)


def stored(hub: HubInside, ada: Actor, repository: int, key: str, content: bytes) -> None:
    with hub.opened.hub.contents.receive(ada, repository, key, length=len(content)) as coming:
        coming.write(content)
        assert coming.finish()


def message(**info: Any) -> str:
    return runrecords.build_message("convert", runrecords.to_json({"cmd": "make", "exit": 0, **info}))


def test_the_hub_reads_what_datalad_and_rookery_recorded(
    hub: HubInside, ada: Actor, datalad: Program, cli: Program, git: Program, tmp_path: Path
) -> None:
    here = tmp_path / "ds"
    datalad("create", "-c", "text2git", here)
    (here / "in.txt").write_text("3\n")
    datalad("save", "-d", here, "-m", "an input", cwd=here)
    words = ["-m", "count", "-i", "in.txt", "-o", "out.txt", "wc {inputs} > {outputs}"]
    datalad("run", *words, cwd=here)
    git("config", "datalad.run.record-sidecar", "true", cwd=here)
    cli("run", "-m", "again", "cp in.txt second.txt", cwd=here)
    made = hub.repository(ada, "data")
    git("push", "-q", hub.opened.histories.place(made.id), "HEAD:refs/heads/main", cwd=here)
    place = hub.opened.hub.browsing.at(ada, made.id)
    for file in (here / ".git/annex/objects").glob("*/*/*/*"):  # sidecars are compressed, hence annexed
        stored(hub, ada, made.id, file.name, file.read_bytes())
    second, first = hub.opened.hub.runs.runs(place)
    assert (first.words, first.command, first.exit) == ("count", "wc {inputs} > {outputs}", 0)
    assert (first.inputs, first.outputs, first.folder) == (("in.txt",), ("out.txt",), ".")
    assert second.problem == ""
    assert (second.words, second.command) == ("again", "cp in.txt second.txt")
    assert second.sidecar
    assert hub.opened.hub.runs.runs(place, skip=1) == [first]
    assert hub.opened.hub.runs.runs(place, path="out.txt") == [first]


def test_a_sidecar_in_the_annex_is_read_where_its_content_is(hub: HubInside, ada: Actor) -> None:
    told = {"cmd": ["python", "a b.py"], "inputs": ["x"], "extra_inputs": ["image.sif"]}
    packed, identity = runrecords.pack_sidecar(told), runrecords.identity_of(runrecords.to_json(told))
    key = f"MD5-s{len(packed)}--{hashlib.md5(packed).hexdigest()}"
    text = runrecords.build_message("hidden", runrecords.quoted(identity))
    history = History().commit(text, {f".datalad/runinfo/{identity}": annexed(key, deep=2)})
    place = placed(hub, ada, history)
    (missing,) = hub.opened.hub.runs.runs(place)
    assert "not here" in missing.problem
    stored(hub, ada, place.repository.id, key, packed)
    (run,) = hub.opened.hub.runs.runs(place)
    assert run.command == "python 'a b.py'"
    assert run.extra_inputs == ("image.sif",)


HOSTILE: list[dict[str, Any]] = [
    {"inputs": {"a": 1}, "outputs": 7, "pwd": ["x"], "exit": "no"},
    {"inputs": [1, None, "kept"], "chain": "abc", "extra_info": {"deep": [1]}},
]


@pytest.mark.parametrize("info", HOSTILE, ids=str)
def test_a_record_of_odd_values_is_read_as_far_as_it_makes_sense(
    hub: HubInside, ada: Actor, info: dict[str, Any]
) -> None:
    (run,) = hub.opened.hub.runs.runs(placed(hub, ada, History().commit(message(**info), {"a": b"1"})))
    assert run.command == "make"
    assert set(run.inputs) <= {"kept"}
    assert (run.outputs, run.folder) == ((), ".")


@pytest.mark.parametrize(
    "payload", ["{broken", '"../../etc/passwd"', '"gone"', '{"cmd": 7}', "[" * 5000, json.dumps("x" * 300)]
)
def test_what_cannot_be_read_is_said_and_hides_nothing_else(hub: HubInside, ada: Actor, payload: str) -> None:
    history = History().commit(message(), {"a": b"1"})
    history.commit(runrecords.build_message("bad", payload), {"a": b"2"}).commit("[DATALAD RUNCMD] no record")
    bad, good = hub.opened.hub.runs.runs(placed(hub, ada, history))
    assert bad.problem
    assert (good.command, good.problem) == ("make", "")
