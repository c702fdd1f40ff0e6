"""One script, imported API exchanged: `rookery.api` answers as `datalad.api` does."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from rookery import api
from support.comparison import normalised
from support.home import Home, make_home
from support.programs import Program

SCRIPT = """
import importlib, inspect, json, os, sys
api = importlib.import_module(sys.argv[1])
root = os.getcwd()
seen = {}

def kind(value):
    if isinstance(value, dict):
        return {k: value[k] for k in ("action", "status", "type", "path", "refds") if k in value}
    if isinstance(value, (list, tuple)):
        return [kind(v) for v in value]
    if inspect.isgenerator(value):
        return ["generator", *kind(list(value))]
    if type(value).__name__ == "Dataset":
        return repr(value)
    return value if value is None or isinstance(value, (str, int, bool)) else type(value).__name__

def case(name, call):
    try:
        seen[name] = kind(call())
    except Exception as e:
        names = [c.__name__ for c in type(e).__mro__]
        seen[name] = {"raises": [n for n in ("IncompleteResultsError", "NoDatasetFound", "InsufficientArgumentsError",
                                             "CommandError", "ValueError", "TypeError") if n in names],
                      "failed": kind(list(getattr(e, "failed", None) or []))}

def put(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)

quiet = dict(result_renderer="disabled")
case("create gives a dataset", lambda: api.create("ds", **quiet))
ds = api.Dataset("ds")
case("a dataset has a path", lambda: [ds.path, str(ds.pathobj), str(ds), repr(ds)])
case("a dataset has an identity", lambda: [len(ds.id), ds.id == api.Dataset(ds.path).id])
case("equal", lambda: [ds == api.Dataset(ds.path), ds == api.Dataset("other"), ds.is_installed()])
case("none there", lambda: [api.Dataset("other").is_installed(), api.Dataset("other").id, api.Dataset("other").repo])
case("create where one is", lambda: api.create("ds", **quiet))
case("create where one is, ignored", lambda: api.create("ds", on_failure="ignore", **quiet))
case("save nothing", lambda: ds.save(**quiet))
put("ds/a/one.txt", "one")
put("ds/a/two.txt", "two")
case("save", lambda: ds.save(message="Add", **quiet))
put("ds/three.txt", "three")
case("paths", lambda: ds.save(result_xfm="paths", **quiet))
put("ds/four.txt", "four")
case("relpaths", lambda: ds.save(result_xfm="relpaths", **quiet))
put("ds/five.txt", "five")
case("filter", lambda: ds.save(result_filter=lambda r: r["action"] == "add", **quiet))
put("ds/six.txt", "six")
case("function", lambda: ds.save(result_xfm=lambda r: r["action"] + "!", **quiet))
put("ds/seven.txt", "seven")
case("generator", lambda: ds.save(return_type="generator", **quiet))
put("ds/eight.txt", "eight")
case("item", lambda: ds.save(return_type="item-or-list", result_filter=lambda r: r["action"] == "save", **quiet))
put("ds/nine.txt", "nine")
case("datasets", lambda: ds.save(result_xfm="datasets", **quiet))
case("drop fails", lambda: ds.drop("a", **quiet))
case("drop fails, stops", lambda: ds.drop(["a/one.txt", "a/two.txt"], on_failure="stop", **quiet))
case("drop fails, ignored", lambda: ds.drop("a/one.txt", on_failure="ignore", **quiet))
case("drop", lambda: ds.drop("a/one.txt", reckless="availability", **quiet))
case("a bound method starts at the root", lambda: ds.get("a/two.txt", on_failure="ignore", **quiet))
os.chdir("ds/a")
case("a path starts at the current folder", lambda: api.get("two.txt", dataset=ds.path, on_failure="ignore", **quiet))
case("an instance starts at the root", lambda: api.get("a/two.txt", dataset=ds, on_failure="ignore", **quiet))
case("around the current folder", lambda: api.status(path="two.txt", annex="basic", **quiet))
os.chdir(root)
case("no dataset", lambda: api.status(**quiet))
case("no such dataset", lambda: api.save(dataset="nowhere", **quiet))
case("nothing to get", lambda: api.get(**quiet))
case("no such parameter", lambda: ds.get("a", nonsense=1))
case("clone", lambda: api.clone(ds.path, "clone", **quiet))
case("clone again", lambda: api.clone(ds.path, "clone", **quiet))
case("clone of nothing", lambda: api.clone("nowhere", "clone2", **quiet))
clone = api.Dataset("clone")
case("get", lambda: clone.get("a/two.txt", **quiet))
case("get again", lambda: clone.get("a/two.txt", **quiet))
case("get what is lost", lambda: clone.get("a/one.txt", **quiet))
case("siblings", lambda: [r["name"] for r in clone.siblings(**quiet)])
case("create in", lambda: ds.create("sub", **quiet))
sub = api.Dataset("ds/sub")
case("above", lambda: [sub.get_superdataset(), ds.get_superdataset(), sub.get_superdataset(topmost=True)])
case("subdatasets", lambda: ds.subdatasets(**quiet))
case("subdatasets as datasets", lambda: ds.subdatasets(result_xfm="datasets", **quiet))
case("run", lambda: [r["action"] for r in ds.run("echo x > out.txt", **quiet)])
case("run fails", lambda: ds.run("false", **quiet))
case("setting", lambda: [ds.config.get("datalad.dataset.id") == ds.id, ds.config.get("a.b"), ds.config.get("a.b", 1),
                         "datalad.dataset.id" in ds.config])
case("functions", lambda: sorted(n for n in sys.argv[2].split(",") if callable(getattr(api, n, None))))
json.dump(seen, open(sys.argv[3], "w"))
"""

FUNCTIONS = (
    "clone,configuration,copy_file,create,diff,download_url,drop,export_archive,foreach_dataset,get,install,push,"
    "remove,rerun,run,run_procedure,save,siblings,status,subdatasets,unlock,update,wtf"
)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What both say to each call."""
    found = {}
    for name in ("rookery", "datalad"):
        folder = tmp_path_factory.mktemp(name)
        env = make_home(folder / "home", os.environ).env
        (folder / "work").mkdir()
        python = Program([sys.executable], env, folder / "work")
        python("-c", SCRIPT, f"{name}.api", FUNCTIONS, folder / "seen.json")
        seen = json.loads((folder / "seen.json").read_text())
        found[name] = normalised(seen, {str(folder / "work"): "<here>"})
    return found


NAMES = [line.split('"')[1] for line in SCRIPT.splitlines() if line.startswith('case("')]


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_is_the_same(answers: dict[str, dict[str, Any]], name: str) -> None:
    assert answers["rookery"][name] == answers["datalad"][name]


def test_a_failure_can_be_caught_under_the_names_of_the_face(home: Home, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    with pytest.raises(api.IncompleteResultsError) as failure:
        api.create(str(tmp_path / "full"), result_renderer="disabled")
    assert [r["status"] for r in failure.value.failed] == ["error"]
