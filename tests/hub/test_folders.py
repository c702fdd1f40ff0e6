"""Folders page by page, and what a dataset is all in all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rookery.git.trees import ls_tree, parse_tree
from rookery.hub.domain.access import Visibility
from rookery.hub.domain.errors import NotFound
from rookery.hub.services.folders import folder_page
from rookery.hub.services.summaries import Summary
from support.hubs import HubInside
from support.planting import Annexed, Dataset, plant
from support.samples import ODD_NAMES, UNDECODABLE_NAME

FILES = {
    "README.md": "# Hello\n",
    "sub/inner/deep.txt": "x" * 5000,
    "sub/annexed.dat": Annexed(b"content"),
    "sub/missing.dat": Annexed(b"not there", here=False),
    "again.dat": Annexed(b"content"),
    "dataset": Dataset(),
    **{f"odd/{name}": name for name in ODD_NAMES if "\n" not in name},
}


def test_a_page_of_a_folder_is_what_git_lists(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada, visibility=Visibility.PUBLIC)
    plant(hub, ada, where, {**FILES, "odd/new\nline/file": "x"})
    browsing = hub.opened.hub.browsing
    place = browsing.at(ada, where.id)
    for folder in ("", "sub", "sub/inner", "odd"):
        whole = folder_page(place, folder)
        assert sorted(whole.files) == sorted(browsing.folder(place, folder)), folder
        assert whole.total == len(whole.files)
        for file in whole.files:
            assert browsing.file(place, file.path) == file
        pieces = [
            f for at in range(0, whole.total, 2) for f in folder_page(place, folder, first=at, limit=2).files
        ]
        assert pieces == whole.files
    kinds = [file.kind for file in folder_page(place, "").files]
    assert kinds == ["dataset", "directory", "directory", "file", "symlink"], "folders first"
    assert [f.name for f in folder_page(place, "odd/new\nline").files] == ["file"]
    page = folder_page(place, "", first=4, limit=1)
    assert page.readme is not None
    assert page.readme.name == "README.md"
    assert page.others(1) == (3, None)
    for missing in ("none", "README.md", "sub/none", "sub/annexed.dat", "dataset", "..", "sub/../odd"):
        with pytest.raises(NotFound):
            folder_page(place, missing)


def test_a_file_whose_name_is_no_text_has_a_page(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    plant(hub, ada, where, {"x": "x"})
    repo = hub.opened.histories.open(where.id)
    blob = repo.run("hash-object", "-w", "--stdin", stdin=b"odd").text
    entry = f"100644 blob {blob}\t".encode() + UNDECODABLE_NAME.encode("utf-8", "surrogateescape") + b"\0"
    tree = repo.run("mktree", "-z", stdin=entry).text
    commit = repo.run("-c", "user.name=a", "-c", "user.email=a@b", "commit-tree", "-m", "x", tree).text
    repo.run("update-ref", "refs/heads/main", commit)
    place = hub.opened.hub.browsing.at(ada, where.id)
    assert [f.name for f in folder_page(place, "").files] == [UNDECODABLE_NAME]
    assert hub.opened.hub.browsing.file(place, UNDECODABLE_NAME).size == 3


def test_a_summary_counts_files_and_what_is_missing(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    plant(hub, ada, where, {k: v for k, v in FILES.items() if not k.startswith("odd/")})
    services = hub.opened.hub
    place = services.browsing.at(ada, where.id)
    expected = Summary(
        files=5,
        size=8 + 5000 + 7 + 9 + 7,
        annexed=3,
        present=2,
        missing_size=9,
        subdatasets=1,
        nested=("dataset",),
    )
    assert services.summaries.of(ada, place, patience=60) == expected
    plant(hub, ada, where, {"more.dat": Annexed(b"not there")})
    now = services.browsing.at(ada, where.id)
    found = services.summaries.of(ada, now, patience=60)
    assert found is not None
    assert (found.files, found.missing) == (6, 0), "the same content under another name came with it"
    old = services.summaries.of(ada, place, patience=60)
    assert old is not None
    assert old.missing == 0, "what has come since counts for an older commit too"


def test_a_summary_has_the_last_runs(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    record = '\n\n=== Do not change lines below ===\n{"cmd": "true"}\n^^^ Do not change lines above ^^^'
    for name in ("one", "two", "three", "four"):
        plant(hub, ada, where, {name: name}, message=f"[DATALAD RUNCMD] make {name}{record}")
    plant(hub, ada, where, {"other": "by hand"}, message="save by hand")
    place = hub.opened.hub.browsing.at(ada, where.id)
    found = hub.opened.hub.summaries.of(ada, place, patience=60)
    assert found is not None
    assert [run.subject for run in found.runs] == [
        f"[DATALAD RUNCMD] make {name}" for name in ("four", "three", "two")
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["40000", "100644", "120000"]),
            st.binary(min_size=1),
            st.binary(min_size=20, max_size=20),
        )
    )
)
def test_a_tree_is_taken_apart_as_it_was_put_together(entries: list[tuple[str, bytes, bytes]]) -> None:
    told = [(mode.encode(), name.replace(b"\0", b"0"), sha) for mode, name, sha in entries]
    assert parse_tree(b"".join(b"%b %b\0%b" % one for one in told)) == told


def test_git_and_we_read_the_same_tree(hub: HubInside) -> None:
    ada = hub.person("ada")
    where = hub.repository(ada)
    plant(hub, ada, where, FILES)
    repo = hub.opened.histories.open(where.id)
    raw = repo.run("cat-file", "tree", "refs/heads/main^{tree}").stdout
    ours = [(int(mode, 8), name.decode(), sha.hex()) for mode, name, sha in parse_tree(raw)]
    assert ours == [(e.mode, e.path, e.sha) for e in ls_tree(repo, "refs/heads/main", recursive=False)]
