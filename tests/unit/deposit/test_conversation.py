from __future__ import annotations

import pytest

from rookery.deposit.talk.conversation import Conversation, NotUnderstood, Say, Serve, Stop


def test_git_is_told_what_we_can() -> None:
    assert Conversation().hear("capabilities\n") == Say("option\nconnect\n\n")


def test_verbosity_is_kept_and_other_options_are_refused() -> None:
    talk = Conversation()
    assert talk.hear("option verbosity 3\n") == Say("ok\n")
    assert talk.verbosity == 3
    assert talk.hear("option dry-run true\n") == Say("unsupported\n")
    assert talk.hear("option verbosity much\n") == Say("error 'much' is no number\n")


def test_services_of_git_are_served_and_no_others() -> None:
    talk = Conversation()
    assert talk.hear("connect git-receive-pack\n") == Serve("git-receive-pack")
    assert talk.hear("connect git-shell\n") == Say("fallback\n")


def test_an_empty_line_ends_it_and_anything_else_is_an_error() -> None:
    talk = Conversation()
    assert talk.hear("\n") == Stop()
    with pytest.raises(NotUnderstood):
        talk.hear("import refs/heads/main\n")
