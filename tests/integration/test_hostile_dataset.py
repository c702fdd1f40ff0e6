"""A dataset that a stranger wrote: its committed files must not make a program run, nor lead us elsewhere.

The configuration that is committed in `.datalad/config` names programs under
every key that any program of ours knows; each would leave a mark.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.home import Home
from support.inside import Inside
from support.programs import Program

# What names a program, its options, or a place to load one from.
PROGRAMS = """
[core]
    fsmonitor = {mark}
    sshCommand = {mark}
    pager = {mark}
    editor = {mark}
    askPass = {mark}
    hooksPath = {hooks}
    gitProxy = {mark}
    alternateRefsCommand = {mark}
    attributesFile = {hooks}/attributes
[alias]
    config = !{mark}
    status = !{mark}
    annex = !{mark}
    ls-files = !{mark}
[pager]
    status = {mark}
    config = {mark}
    log = {mark}
[credential]
    helper = !{mark}
[diff]
    external = {mark}
[diff "evil"]
    command = {mark}
    textconv = {mark}
[filter "evil"]
    clean = {mark}
    smudge = {mark}
    process = {mark}
    required = true
[filter "annex"]
    clean = {mark}
    smudge = {mark}
    process = {mark}
[merge "evil"]
    driver = {mark}
[gpg]
    program = {mark}
[commit]
    gpgSign = true
[sequence]
    editor = {mark}
[uploadpack]
    packObjectsHook = {mark}
[remote "origin"]
    uploadpack = {mark}
    receivepack = {mark}
    vcs = evil
    proxy = {mark}
    annex-shell = {mark}
    annex-ssh-options = -oProxyCommand={mark}
    annex-cost-command = {mark}
    annex-ignore-command = {mark}
[annex]
    freezecontent-command = {mark}
    thawcontent-command = {mark}
    secure-erase-command = {mark}
    pre-init-command = {mark}
    pre-commit-command = {mark}
    post-update-command = {mark}
    youtube-dl-command = {mark}
    web-download-command = {mark}
    commitmessage-command = {mark}
    trashbin = {mark}
    genmetadata = true
[annex "security"]
    allowed-ip-addresses = all
    allowed-url-schemes = file http
[trace2]
    eventTarget = {folder}/trace
[datalad "procedures.cfg_text2git"]
    call-format = {mark} {{script}} {{ds}}
[datalad "locations"]
    user-procedures = {hooks}
    system-procedures = {hooks}
    extra-procedures = {hooks}
    default-dataset = {folder}/elsewhere
[datalad "result-hook.evil"]
    match-json = {{}}
    call-json = run {{"cmd": "{mark}"}}
[datalad "ssh"]
    executable = {mark}
[datalad "extensions"]
    load = evil
[datalad "credentials.githelper"]
    noninteractive = {mark}
"""

# What sends us elsewhere.
REDIRECTS = """
[url "{folder}/elsewhere/"]
    insteadOf = {folder}/origin
    pushInsteadOf = {folder}
    insteadOf = https://
[datalad "clone.url-substitute"]
    evil = ,.*,{folder}/elsewhere
[include]
    path = {folder}/included
    path = ../included
[includeIf "gitdir:/**"]
    path = {folder}/included
[remote "origin"]
    url = {folder}/elsewhere
    pushurl = {folder}/elsewhere
[http]
    proxy = {folder}/elsewhere
[core]
    worktree = {folder}/elsewhere
"""

COMMANDS = [
    ["status"],
    ["status", "--annex", "all"],
    ["diff", "--from", "HEAD~1"],
    ["save", "-m", "by us"],
    ["get", "data/one.dat"],
    ["drop", "--reckless", "availability", "data/one.dat"],
    ["get", "."],
    ["unlock", "data/two.dat"],
    ["save", "-m", "again"],
    ["siblings"],
    ["update", "--how", "merge"],
    ["push", "--to", "origin"],
    ["subdatasets"],
    ["create", "-d", ".", "below"],
    ["run", "true"],
    ["run-procedure", "--discover"],
    ["run-procedure", "cfg_text2git"],
    ["configuration"],
    ["wtf", "-S", "*"],
    ["whereis"],
    ["export-archive", "../archive"],
    ["clone", "../clone", "../another"],
]

MAY_FAIL = {"run-procedure", "run"}


@pytest.fixture
def hostile(new_dataset: Callable[..., Path], datalad: Program, git: Program, tmp_path: Path) -> Path:
    """A clone of a dataset whose author has put all of that into it."""
    origin = new_dataset("origin")
    elsewhere = new_dataset("elsewhere")
    (tmp_path / "hooks").mkdir()
    mark = tmp_path / "mark"
    mark.write_text(f"#!/bin/sh\ntouch {tmp_path}/marked\n")
    mark.chmod(0o755)
    for name in ("pre-commit", "post-commit", "post-checkout", "post-merge", "pre-push", "cfg_text2git.sh"):
        (tmp_path / "hooks" / name).write_text(mark.read_text())
        (tmp_path / "hooks" / name).chmod(0o755)
    names = {"mark": mark, "hooks": tmp_path / "hooks", "folder": tmp_path}
    (tmp_path / "included").write_text(PROGRAMS.format(**names))
    with open(origin / ".datalad" / "config", "a") as config:
        config.write(PROGRAMS.format(**names) + REDIRECTS.format(**names))
    # a key of Git's own that the remote must not hear of either
    (origin / ".gitattributes").write_text(
        (origin / ".gitattributes").read_text() + "*.evil diff=evil filter=evil\n"
    )
    (origin / "x.evil").write_text("x\n")
    git("add", ".", cwd=origin)
    git("commit", "-q", "--no-verify", "-m", "evil", cwd=origin)
    git("config", "receive.denyCurrentBranch", "updateInstead", cwd=origin)
    clone = tmp_path / "clone"
    git("clone", "-q", origin, clone)
    git("annex", "init", cwd=clone)
    assert elsewhere.exists()
    assert not (tmp_path / "marked").exists()
    return clone


def test_no_command_runs_what_the_committed_configuration_names(
    inside: Inside, hostile: Path, tmp_path: Path, git: Program
) -> None:
    head = git("rev-parse", "HEAD", cwd=tmp_path / "elsewhere").text
    (hostile / "new.txt").write_text("new\n")
    for words in COMMANDS:
        answer = inside(*words, cwd=hostile, code=None)
        assert answer.code == 0 or words[0] in MAY_FAIL, (words, answer)
        assert not (tmp_path / "marked").exists(), words
    assert not (tmp_path / "trace").exists()
    assert git("rev-parse", "HEAD", cwd=tmp_path / "elsewhere").text == head
    assert git("status", "--porcelain", cwd=tmp_path / "elsewhere").text == ""


def test_it_still_works_beside_all_that(inside: Inside, hostile: Path, tmp_path: Path, git: Program) -> None:
    (hostile / "new.txt").write_text("new\n")
    inside("save", "-m", "by us", cwd=hostile)
    assert git("log", "-1", "--format=%s", cwd=hostile).text == "by us"
    inside("get", "data/one.dat", cwd=hostile)
    answer = inside("-f", "json", "push", "--to", "origin", cwd=hostile)
    assert any(r["action"] == "publish" and r["status"] == "ok" for r in answer.records)
    assert "by us" in git("log", "--format=%s", "main", cwd=tmp_path / "origin").text


def test_a_committed_configuration_that_includes_itself_is_an_error_that_names_it(
    inside: Inside, tiny_dataset: Path
) -> None:
    with open(tiny_dataset / ".datalad" / "config", "a") as config:
        config.write("[include]\n\tpath = config\n")
    answer = inside("status", cwd=tiny_dataset, code=None)
    assert answer.code == 0 or ".datalad/config" in answer.stderr


def test_a_committed_configuration_is_heard_where_it_may_be(
    inside: Inside, hostile: Path, home: Home
) -> None:
    with open(hostile / ".datalad" / "config", "a") as config:
        config.write('[datalad "save"]\n\twindows-compat-warning = error\n')
    assert inside("configuration", "get", "datalad.save.windows-compat-warning", cwd=hostile).text == "error"
    for key in ("core.fsmonitor", "alias.status", "datalad.ssh.executable", "url.x.insteadof"):
        assert inside("configuration", "get", key, cwd=hostile).text == ""
