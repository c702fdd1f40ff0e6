"""Permissions in shared repositories: what git-annex (10.20261026) was seen to give, number by number."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rookery.annex.permissions import SETTING, permissions

# By setting: a folder made with 0755 and with 0700, both when an object's content is in it, an index made with 0644
# and with 0600, objects that were 0755, 0700, 0600 and 0640.
SEEN = {
    "umask": (0o755, 0o700, 0o555, 0o500, 0o644, 0o600, 0o555, 0o500, 0o400, 0o440),
    "group": (0o775, 0o770, 0o775, 0o770, 0o664, 0o660, 0o555, 0o540, 0o440, 0o440),
    "all": (0o775, 0o775, 0o775, 0o775, 0o664, 0o664, 0o555, 0o544, 0o444, 0o444),
    "0640": (0o2750, 0o2750, 0o2550, 0o2550, 0o640, 0o640, 0o440, 0o440, 0o440, 0o440),
    "0660": (0o2770, 0o2770, 0o2570, 0o2570, 0o660, 0o660, 0o440, 0o440, 0o440, 0o440),
    "0666": (0o2777, 0o2777, 0o2577, 0o2577, 0o666, 0o666, 0o444, 0o444, 0o444, 0o444),
    "0600": (0o700, 0o700, 0o500, 0o500, 0o600, 0o600, 0o400, 0o400, 0o400, 0o400),
    "0604": (0o705, 0o705, 0o505, 0o505, 0o604, 0o604, 0o404, 0o404, 0o404, 0o404),
}


@pytest.mark.parametrize("told", SEEN)
def test_modes_are_those_of_git_annex(told: str) -> None:
    shared = permissions({SETTING: told})
    folders = [shared.folder(mode) for mode in (0o755, 0o700)]
    found = [
        *folders,
        *map(shared.frozen, folders),
        *map(shared.file, (0o644, 0o600)),
        *map(shared.content, (0o755, 0o700, 0o600, 0o640)),
    ]
    assert list(map(oct, found)) == list(map(oct, SEEN[told]))


@pytest.mark.parametrize("told", ["yes", "on", "Group", "660", "0770", "0o660", "0460"])
def test_what_git_and_git_annex_may_read_otherwise_is_refused(told: str) -> None:
    with pytest.raises(ValueError, match=told):
        permissions({SETTING: told})


def test_folders_that_are_made_on_the_way_are_shared_and_others_left(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir(mode=0o700)
    before = os.umask(0o077)
    try:
        permissions({SETTING: "all"}).make_folder(str(there / "one" / "two"))
    finally:
        os.umask(before)
    modes = [oct(folder.stat().st_mode & 0o777) for folder in (there, there / "one", there / "one/two")]
    assert modes == ["0o700", "0o775", "0o775"]
