"""Extensions of keys, and what is large: our judgement beside git-annex's, on whatever hypothesis thinks of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from rookery.annex.keys import kept_extension, parse_key
from rookery.annex.largefiles import Candidate, parse
from support.programs import Program

# The repository is only asked, so that all examples may share it.
ASKING = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)

LETTERS = st.text(alphabet="abT1.. -_~é日", min_size=1, max_size=12)
WORDS = st.lists(
    st.sampled_from(["a", "gz", "tar", "JPEG", "12345", "long5x", "", "x y", "é", "+"]), min_size=1
)
NAMES = st.one_of(LETTERS, WORDS.map(".".join)).filter(lambda name: name not in ("", ".", ".."))


@pytest.fixture
def repository(new_dataset: Callable[..., Path]) -> Path:
    return new_dataset("asked", files={})


@ASKING
@given(
    names=st.lists(NAMES, min_size=20, max_size=40, unique=True),
    longest=st.integers(0, 7),
    most=st.integers(0, 4),
)
def test_keys_keep_the_extensions_that_git_annex_keeps(
    repository: Path, annex: Program, names: list[str], longest: int, most: int
) -> None:
    folder = repository / "some.dir"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    options = ["-c", f"annex.maxextensionlength={longest}", "-c", f"annex.maxextensions={most}"]
    told = annex("calckey", *options, "--", *names, cwd=folder).lines
    judged = 0
    for name, key in zip(names, told, strict=True):
        parsed = parse_key(key)
        assert parsed is not None
        ours = kept_extension(f"some.dir/{name}", longest=longest, most=most)
        if ours is not None:
            assert ours == parsed.extension, name
            judged += 1
        else:
            assert not name.isascii()
    assert judged


GLOBS = st.sampled_from(["*.txt", "sub/*", "*", "?.txt", "*/x*", "a.txt", "text/*", "*.TXT", "b*t", "*.t.t"])
SIZES = st.sampled_from(["0", "5", "5b", "1kb", "1k", "1KiB", "2MB", "1mib", "999", "1000", "1024", "1g"])
TERMS = st.one_of(
    st.sampled_from(["anything", "nothing"]),
    st.builds("{}={}".format, st.sampled_from(["include", "exclude"]), GLOBS),
    st.builds("{}={}".format, st.sampled_from(["largerthan", "smallerthan"]), SIZES),
)
EXPRESSIONS = st.recursive(
    TERMS,
    lambda inner: st.one_of(
        inner.map("not {}".format),
        inner.map("({})".format),
        inner.map("( {} )".format),
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("({}){}({})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("{0} {1} {2} {1} {3}".format, TERMS, st.sampled_from(["and", "or"]), inner, TERMS),
    ),
    max_leaves=6,
)


@settings(ASKING, max_examples=60)
@given(
    expression=EXPRESSIONS,
    path=st.sampled_from(["a.txt", "sub/a.txt", "b.t.t", "x", "sub/deep/x1"]),
    size=st.sampled_from([0, 1, 4, 5, 6, 999, 1000, 1001, 1024, 1025, 2_000_001]),
)
def test_what_is_large_is_what_git_annex_finds_large(
    repository: Path, annex: Program, expression: str, path: str, size: int
) -> None:
    judge = parse(expression, None)
    assume(judge is not None)
    assert judge is not None
    asked = ("--largefiles", f"--file={path}", f"--size={size}", "--mimetype=a/b", "--mimeencoding=binary")
    theirs = annex("matchexpression", *asked, expression, cwd=repository, code=None)
    assert theirs.code in (0, 1), theirs.stderr
    assert judge(Candidate(path, str(repository / path), size)) is (theirs.code == 0)


@pytest.mark.parametrize(
    "expression",
    ["", "true", "largerthan=1 kb", "include=[ab]*", "include='a b'", "a and", "anything or nothing and nothing",
     "anything nothing", "(anything", "anything)", "copies=1", "not", "mimetype=text/*", "largerthan=1kilobyte"],
)  # fmt: skip
def test_what_is_not_understood_is_not_judged(expression: str) -> None:
    assert parse(expression, None) is None
