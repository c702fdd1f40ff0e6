"""Clones between Rookery and DataLad, both ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.comparison import SideBySide
from support.datasets import DatasetFactory
from support.programs import Program
from support.secure_shell import SecureShell
from support.web import WebServer

NewDataset = Callable[..., Path]


@pytest.fixture(params=["ours from theirs", "theirs from ours"])
def pair(request: pytest.FixtureRequest, cli: Program, datalad: Program) -> tuple[Program, Program]:
    """Who makes the dataset, and who clones it."""
    return (datalad, cli) if request.param == "ours from theirs" else (cli, datalad)


@pytest.fixture
def made(pair: tuple[Program, Program], tmp_path: Path) -> Path:
    """A dataset with a file in Git, one in the annex, and a subdataset, made by the first of the pair."""
    maker, _ = pair
    root = tmp_path / "web" / "made"
    root.parent.mkdir(exist_ok=True)
    maker("create", "-c", "text2git", root)
    maker("create", "-d", ".", "sub", cwd=root)
    (root / "a.txt").write_text("text\n")
    (root / "b.dat").write_bytes(b"\0" * 100)
    (root / "sub" / "c.dat").write_bytes(b"\1" * 100)
    maker("save", "-r", cwd=root)
    return root


def is_good(cloner: Program, clone: Path) -> None:
    assert cloner("status", cwd=clone).lines == ["nothing to save, working tree clean"]
    assert (clone / "a.txt").read_text() == "text\n"
    cloner("get", "-r", ".", cwd=clone)
    assert (clone / "b.dat").read_bytes() == b"\0" * 100
    assert (clone / "sub" / "c.dat").read_bytes() == b"\1" * 100


def test_over_a_path_and_file(pair: tuple[Program, Program], made: Path, tmp_path: Path) -> None:
    _, cloner = pair
    for number, source in enumerate((str(made), f"file://{made}")):
        clone = tmp_path / f"clone{number}"
        cloner("clone", source, clone)
        is_good(cloner, clone)


def test_over_ssh(pair: tuple[Program, Program], made: Path, sshbox: SecureShell, tmp_path: Path) -> None:
    _, cloner = pair
    cloner("clone", sshbox.url(made), tmp_path / "clone")
    is_good(cloner, tmp_path / "clone")


def test_over_http(pair: tuple[Program, Program], git: Program, web: WebServer, tmp_path: Path) -> None:
    maker, cloner = pair
    root = tmp_path / "web" / "made"
    maker("create", root)
    (root / "b.dat").write_bytes(b"\0" * 100)
    maker("save", cwd=root)
    git("update-server-info", cwd=root)
    cloner("clone", f"{web.url}/made", tmp_path / "clone")
    cloner("get", "b.dat", cwd=tmp_path / "clone")
    assert (tmp_path / "clone" / "b.dat").read_bytes() == b"\0" * 100


@pytest.fixture(scope="module")
def store(dataset_factory: DatasetFactory, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A RIA store with a dataset and its subdataset, by id and by alias; gives the store and the id."""
    folder = tmp_path_factory.mktemp("ria")
    ds = dataset_factory.copy(folder / "ds")
    datalad = dataset_factory.datalad.at(ds)
    git = Program(["git"], datalad.env, ds)
    datalad("create", "-d", ".", "sub")
    git("tag", "v1")
    (ds / "later.txt").write_text("later")
    datalad("save")
    url = f"ria+file://{folder}/store"
    datalad("create-sibling-ria", "-r", "-s", "ria", "--new-store-ok", url)
    datalad("push", "-r", "--to", "ria")
    name = git("config", "-f", ".datalad/config", "datalad.dataset.id").text
    (folder / "store" / "alias").mkdir(exist_ok=True)
    (folder / "store" / "alias" / "known").symlink_to(f"../{name[:3]}/{name[3:]}")
    git("push", "-q", "ria", "v1")
    return folder / "store", name


@pytest.mark.parametrize("which", ["id", "alias", "version"])
def test_from_a_ria_store_as_datalad_does(
    store: tuple[Path, str],
    side_by_side: Callable[[Path], SideBySide],
    git: Program,
    tmp_path: Path,
    which: str,
) -> None:
    place, name = store
    url = f"ria+file://{place}#" + {"id": name, "alias": "~known", "version": f"{name}@v1"}[which]
    (tmp_path / "empty").mkdir()
    sides = side_by_side(tmp_path / "empty")
    ours, theirs = sides.records("clone", url, "clone")
    assert [(r["action"], r["status"]) for r in ours] == [(r["action"], r["status"]) for r in theirs]
    assert ours[-1]["source"] == theirs[-1]["source"]
    settings = []
    for side in ("ours", "theirs"):
        clone = sides.root / side / "clone"
        listed = git("config", "--local", "--list", cwd=clone).lines
        # the cost is what git-annex remembers of having asked the special remote
        settings.append(
            sorted(x for x in listed if not x.startswith("annex.uuid=") and "annex-cost" not in x)
        )
    assert settings[0] == settings[1]


def test_content_and_subdatasets_come_from_the_store(
    store: tuple[Path, str], cli: Program, tmp_path: Path
) -> None:
    place, name = store
    cli("clone", f"ria+file://{place}#{name}", "clone")
    assert cli("get", "data/one.dat", cwd=tmp_path / "clone").lines[0].endswith("[from ria-storage...]")
    cli("get", "-n", "sub", cwd=tmp_path / "clone")
    assert (tmp_path / "clone" / "sub" / ".datalad" / "config").is_file()


@pytest.mark.parametrize(
    "line",
    [
        "clone source copy",
        "clone nowhere copy",
        "clone source taken",
        "clone -d . source copy",
    ],
)
def test_the_same_lines_and_exit_codes(
    side_by_side: Callable[[Path], SideBySide],
    new_dataset: NewDataset,
    datalad: Program,
    line: str,
    tmp_path: Path,
) -> None:
    world = new_dataset("world")
    source = new_dataset("world/source")
    assert source.is_dir()
    (world / "taken").mkdir()
    (world / "taken" / "file").write_text("x")
    ours, theirs = side_by_side(world).lines(*line.split())
    assert [x.partition(" [")[0] for x in ours if "CommandError" not in x] == [
        x.partition(" [")[0] for x in theirs if "CommandError" not in x
    ]


@pytest.mark.parametrize("mode", ["auto", "ephemeral", "shared-group"])
def test_reckless_leaves_the_same_settings(
    side_by_side: Callable[[Path], SideBySide],
    new_dataset: NewDataset,
    git: Program,
    mode: str,
    tmp_path: Path,
) -> None:
    source = new_dataset("source")
    (tmp_path / "empty").mkdir()
    sides = side_by_side(tmp_path / "empty")
    ours, theirs = sides.records("clone", f"--reckless={mode}", str(source), "clone")
    assert [r["status"] for r in ours] == [r["status"] for r in theirs]
    settings = []
    for side in ("ours", "theirs"):
        clone = sides.root / side / "clone"
        listed = git("config", "--local", "--list", cwd=clone).lines
        settings.append(sorted(x for x in listed if not x.startswith("annex.uuid=")))
        assert (clone / ".git" / "annex").is_symlink() == (mode == "ephemeral")
    assert settings[0] == settings[1]


def test_datalad_refuses_to_drop_from_our_ephemeral_clone(
    cli: Program, datalad: Program, tiny_dataset: Path, tmp_path: Path
) -> None:
    cli("clone", "--reckless=ephemeral", tiny_dataset, tmp_path / "copy")
    datalad("drop", "data/one.dat", cwd=tmp_path / "copy", code=1)
    assert (tiny_dataset / "data" / "one.dat").exists()
