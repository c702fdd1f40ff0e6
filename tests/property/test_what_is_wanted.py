"""What repositories want: our judgement beside git-annex's, whatever hypothesis makes of groups, trust and copies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from rookery.annex import branch, identity, wishes
from rookery.annex.files import index_files
from rookery.annex.places import read_places
from rookery.annex.wanted import STANDARD, Situation, Subject, parse
from rookery.core.environment import program_environment
from rookery.core.process import Runner
from rookery.git.repo import Repo, open_repo
from support.home import Home
from support.programs import Program

OTHERS = tuple(f"{digit * 8}-2222-4333-8444-555555555555" for digit in "123")
FILES = {
    "a.txt": "a" * 5,
    "sub/b.dat": "b" * 1000,
    "archive/c.txt": "c" * 1001,
    "sub/archive/d": "d" * 7,
    "public/e.dat": "e" * 3000,
    "sub/public/f.txt": "f" * 2,
    "public/deep/g.txt": "g" * 4,
}

GLOBS = st.sampled_from(["*", "*.txt", "sub/*", "*/archive/*", "?.dat"])
SIZES = st.sampled_from(["5b", "1kb", "1KiB", "0"])
WORDS = ("anything", "nothing", "present", "inpreferreddir", "securehash", "standard", "groupwanted")
GROUPS = ("client", "transfer", "archive", "smallarchive", "source", "manual", "public", "mine")
LEVELS = ("trusted", "semitrusted", "untrusted", "trusted+", "semitrusted+", "untrusted+")
WHO = st.sampled_from([*LEVELS, *GROUPS, "nobody"])
NUMBERS = st.integers(0, 4)
TERMS = st.one_of(
    st.sampled_from(WORDS),
    st.builds("{}={}".format, st.sampled_from(["include", "exclude"]), GLOBS),
    st.builds("{}={}".format, st.sampled_from(["largerthan", "smallerthan"]), SIZES),
    st.builds("copies={}".format, NUMBERS),
    st.builds("copies={}:{}".format, WHO, NUMBERS),
    st.builds("{}={}".format, st.sampled_from(["lackingcopies", "approxlackingcopies"]), NUMBERS),
    st.builds("{}={}".format, st.sampled_from(["inallgroup", "onlyingroup"]), st.sampled_from([*GROUPS, "nobody"])),
    st.builds("inbackend={}".format, st.sampled_from(["MD5E", "MD5", "SHA256E"])),
)  # fmt: skip
EXPRESSIONS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        inner.map("not {}".format),
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
    ),
    max_leaves=5,
)


@pytest.fixture
def repo(new_dataset: Callable[..., Path], home: Home, git: Program) -> Repo:
    place = new_dataset("wishes", files=FILES)
    with open(place / ".gitattributes", "a") as out:
        out.write("sub/** annex.numcopies=2\n")
    git("commit", "-qam", "numcopies", cwd=place)
    return open_repo(place, Runner(program_environment(home.env)))


def write_logs(git: Program, repo: Repo, base: str, logs: dict[str, str]) -> None:
    """Make the branch say this, on top of a commit of it."""
    script = [f"commit refs/heads/git-annex\ncommitter A <a@b> 1800000000 +0000\ndata 1\nx\nfrom {base}\n"]
    script += [f"M 100644 inline {name}\ndata {len(text)}\n{text}\n" for name, text in logs.items()]
    git("fast-import", "--quiet", "--force", cwd=repo.root, stdin="".join(script).encode())
    for file in ("index", "index.lck", "mergedrefs"):
        (repo.gitdir / "annex" / file).unlink(missing_ok=True)


def by_uuid(values: dict[str, str]) -> str:
    return "".join(f"{uuid} {value} timestamp=1800000000s\n" for uuid, value in values.items() if value)


@pytest.mark.parametrize("examples", [12, pytest.param(250, marks=pytest.mark.campaign)])
def test_what_is_wanted_is_what_git_annex_says(
    examples: int, repo: Repo, git: Program, annex: Program
) -> None:
    here = identity.uuid(repo)
    assert here is not None
    base = git("rev-parse", "git-annex", cwd=repo.root).text
    files = {f.path: f.key for f in index_files(repo)}
    everybody = (here, *OTHERS)
    judged = []

    # An example takes half a second, so that to make a failing one smaller would take minutes.
    @settings(max_examples=examples, phases=[Phase.explicit, Phase.generate])
    @given(data=st.data())
    def compare(data: st.DataObject) -> None:
        def each(values: st.SearchStrategy[str]) -> dict[str, str]:
            return {uuid: data.draw(values) for uuid in everybody}

        wanted = each(st.one_of(EXPRESSIONS, st.just("standard"), st.just("groupwanted")))
        logs = {
            "group.log": by_uuid(
                each(st.lists(st.sampled_from(GROUPS), max_size=2, unique=True).map(" ".join))
            ),
            "trust.log": by_uuid(each(st.sampled_from(["", "", "?", "1", "0", "X"])) | {here: ""}),
            "uuid.log": by_uuid(dict.fromkeys(everybody, "x")),
            "numcopies.log": f"1800000000s {data.draw(st.integers(1, 3))}\n",
            "preferred-content.log": by_uuid(wanted),
            "group-preferred-content.log": f"1800000000s mine {data.draw(EXPRESSIONS)}\n",
        }
        for key in files.values():
            there = data.draw(st.lists(st.sampled_from(OTHERS), unique=True))
            logs[branch.log_name(key)] = "".join(f"1800000000s 1 {uuid}\n" for uuid in (here, *there))
        write_logs(git, repo, base, logs)
        places = read_places(repo, files.values())
        copies = wishes.copies_of_paths(repo, files)
        for uuid in everybody:
            for verb, missing in (("get", frozenset[str]()), ("drop", frozenset((uuid,)))):
                judge = wishes.judge_of(repo, uuid, "wanted", places, missing=missing)
                if judge is None:
                    continue
                ours = {
                    path
                    for path, key in files.items()
                    if judge(Subject(path, key, {p.uuid for p in places.copies(key)}, copies[path].wanted))
                }
                theirs = annex("find", "--anything", f"--want-{verb}-by={uuid}", cwd=repo.root)
                said = {line for line in theirs.lines if line}
                assert said == (ours if verb == "get" else set(files) - ours), (
                    verb,
                    wanted[uuid],
                    theirs.stderr,
                )
                judged.append(uuid)

    compare()
    assert len(judged) > 2 * examples


@pytest.mark.parametrize(
    "expression",
    ["", "metadata=a=b", "unused", "balanced=client", "sizebalanced=client:2", "mimetype=text/*", "copies=x",
     "copies=:1", "include=[ab]*", "include='a b'", "present and present or present", "standard and", "groupwanted",
     "url=*", "copies=²", "not present", "not (anything and present)"],
)  # fmt: skip
def test_what_is_not_understood_is_not_judged(expression: str) -> None:
    assert parse(expression, Situation(OTHERS[0], {}, {}, {})) is None


def test_every_standard_group_that_is_known_can_be_judged() -> None:
    for group in STANDARD:
        assert parse("standard", Situation(OTHERS[0], {OTHERS[0]: frozenset({group})}, {}, {}))
