"""The Python functions as type checkers and people see them, and as DataLad has them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from rookery import api
from rookery.operations.table import TABLE
from support.home import Home
from support.programs import Program

ROOT = Path(__file__).parents[2]

FUNCTIONS = sorted(name.replace("-", "_") for name in TABLE)

OURS_ALONE = {"create_sibling_hub", "deposit", "hub", "whereis"}

SAMPLE = """\
import rookery.api as dl
from rookery.api import Dataset, clone, create

ds = create("x")
print(ds.path, clone("a", "b").path)
ds.save(message="m", path=["a"])
dl.status(dataset=ds, return_type="generator")
dl.get("x", nonsense=1)  # type: ignore[call-arg]
dl.status(annex="nonsense")  # type: ignore[arg-type]
ds.nonsense()  # type: ignore[attr-defined]
dl.nonsense()  # type: ignore[attr-defined]
"""


def test_the_stub_is_what_the_operations_say() -> None:
    check = [sys.executable, ROOT / "docs" / "generate_stub.py", "--check"]
    assert subprocess.run(check).returncode == 0, "run: python docs/generate_stub.py"


def test_a_type_checker_sees_functions_and_methods(home: Home, tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "sample.py").write_text(SAMPLE)
    mypy = Program([sys.executable, "-m", "mypy"], home.env, tmp_path)
    mypy("--strict", "--warn-unused-ignores", "--cache-dir", tmp_path / "cache", "sample.py")


def test_help_tells_the_parameters() -> None:
    assert list(inspect.signature(api.drop).parameters)[:2] == ["path", "what"]
    assert "dataset" not in inspect.signature(api.Dataset(".").drop).parameters
    assert inspect.signature(api.clone).parameters["source"].default is inspect.Parameter.empty


@pytest.fixture(scope="module")
def theirs() -> Any:
    return pytest.importorskip("datalad.api")


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if name not in OURS_ALONE])
def test_parameters_are_datalads_in_its_order_with_its_defaults(theirs: Any, name: str) -> None:
    wanted = inspect.signature(getattr(theirs, name)).parameters
    ours = inspect.signature(getattr(api, name)).parameters
    places = [p.name for p in wanted.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert [p.name for p in ours.values() if p.kind is p.POSITIONAL_OR_KEYWORD][: len(places)] == places
    for parameter in wanted.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not parameter.name.startswith("_"):
            assert parameter.name in ours
            assert _default(ours[parameter.name]) == _default(parameter), parameter.name


def _default(parameter: inspect.Parameter) -> Any:
    """Give the default; None and False are the same "no", and DataLad dresses up the None of what is out of use."""
    if parameter.name in api.COMMON or str(parameter.default).startswith("None"):
        return None
    return parameter.default or None
