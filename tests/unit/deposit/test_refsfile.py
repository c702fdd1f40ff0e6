from __future__ import annotations

import pytest

from rookery.deposit.terms import refsfile
from rookery.deposit.terms.refsfile import Malformed, RefList, choose_head

A, B = "a" * 40, "b" * 40
MAIN, DEV, ANNEX = "refs/heads/main", "refs/heads/dev", "refs/heads/git-annex"


def test_the_text_is_refs_in_order_and_head() -> None:
    state = RefList({"refs/tags/v1": B, MAIN: A}, MAIN)
    text = f"{A} {MAIN}\n{B} refs/tags/v1\n@{MAIN} HEAD\n"
    assert refsfile.build(state) == text
    assert refsfile.parse(text) == state


def test_a_deposit_without_refs_and_one_with_a_header_are_read() -> None:
    assert refsfile.parse(f"@{MAIN} HEAD\n") == RefList({}, MAIN)
    assert refsfile.parse(f"# words\n{A} {MAIN}\n@{MAIN} HEAD\n").refs == {MAIN: A}
    assert refsfile.parse(f"{A} {MAIN}\n{A} HEAD\n").head is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>log in</html>\n",
        f"{A} {MAIN}\n",
        f"{A} refs/heads/../x\n@{MAIN} HEAD\n",
        f"{A} refs/heads/x.lock\n@{MAIN} HEAD\n",
        f"{A} {MAIN}\n{B} {MAIN}\n@{MAIN} HEAD\n",
        f"{A} {MAIN}\n{'c' * 64} {DEV}\n@{MAIN} HEAD\n",
        f"@{MAIN} HEAD\n{A} {MAIN}\n",
        f"{A[:39]} {MAIN}\n@{MAIN} HEAD\n",
    ],
)
def test_what_is_no_list_of_refs_is_not_taken_for_one(text: str) -> None:
    with pytest.raises(Malformed):
        refsfile.parse(text)


@pytest.mark.parametrize(
    ("names", "wanted", "before", "user", "chosen"),
    [
        ([MAIN, DEV], DEV, MAIN, MAIN, DEV),  # asked for
        ([MAIN, DEV], None, MAIN, DEV, MAIN),  # as it was: the default does not follow whoever pushes
        ([MAIN, DEV], None, "refs/heads/gone", DEV, DEV),
        (["refs/heads/trunk"], None, None, "refs/heads/trunk", "refs/heads/trunk"),
        ([DEV, "refs/heads/master"], None, None, None, "refs/heads/master"),
        ([ANNEX, "refs/heads/synced/x", DEV], None, None, None, DEV),
        ([ANNEX], None, None, MAIN, MAIN),  # `main` follows in the next push
        (["refs/tags/v1"], None, None, None, refsfile.FIRST_HEAD),
    ],
)
def test_head_is_the_branch_that_people_want(
    names: list[str], wanted: str | None, before: str | None, user: str | None, chosen: str
) -> None:
    assert choose_head(dict.fromkeys(names, A), wanted=wanted, before=before, user=user) == chosen
