from __future__ import annotations

import pytest

from rookery.git import commits, refs
from rookery.git.commits import Person
from rookery.git.repo import Repo


def test_a_commit_is_written_without_moving_anything(saved: Repo) -> None:
    head = refs.head(saved)
    assert head.commit is not None
    author = Person("Ann Other", "ann@example.org", "1234567890 +0130")
    message = "Subject\n\nBody with ünïcödé\n"
    sha = commits.commit_tree(saved, f"{head.commit}^{{tree}}", [head.commit], message, author=author)
    read = commits.read_commit(saved, sha)
    assert (read.parents, read.author, read.message) == ((head.commit,), author, message)
    assert read.committer.name == "Robin Rook"
    assert read.subject == "Subject"
    assert refs.head(saved) == head


def test_nobody_cannot_commit(saved: Repo) -> None:
    nobody = saved.with_env(GIT_CONFIG_GLOBAL="/dev/null", GIT_AUTHOR_NAME="", GIT_COMMITTER_NAME="")
    with pytest.raises(commits.IdentityMissing) as caught:
        commits.commit_tree(nobody, "HEAD^{tree}", [], "x")
    assert any("user.email" in hint for hint in caught.value.hints)


def test_the_log_is_a_stream_of_whole_commits(saved: Repo) -> None:
    saved.run("commit", "-q", "--allow-empty", "-m", "Second\n\nwith\n\nparagraphs")
    saved.run("commit", "-q", "--allow-empty", "--allow-empty-message", "-m", "")
    found = list(commits.log(saved, "HEAD", options=["--reverse"]))
    assert [c.message for c in found] == ["First\n", "Second\n\nwith\n\nparagraphs\n", ""]
    assert [c.sha for c in commits.log(saved, "HEAD", paths=["sub"])] == [found[0].sha]


def test_messages_are_tidied_as_git_does(saved: Repo) -> None:
    for text in ("\n\n  lead\t \n\n\n\nbody \n# kept\n\n\n", "one", " \n\t\n", "a\r\n\r\n\r\nb\n"):
        cleaned = saved.run("stripspace", stdin=text.encode()).stdout.decode()
        assert commits.clean_message(text) == cleaned


def test_people_are_parsed() -> None:
    assert commits.parse_person("A B <a@b> 12 +0000") == Person("A B", "a@b", "12 +0000")
    assert commits.parse_person(" <> 0 -0100") == Person("", "", "0 -0100")
    with pytest.raises(ValueError, match="not a person"):
        commits.parse_person("nonsense")
