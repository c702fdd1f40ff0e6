"""A hub that serves reads what was pushed for its search, by itself; one that was killed does so when it is back."""

from __future__ import annotations

from pathlib import Path

from support.hubs import HubServer
from support.programs import Program

# Each question takes some milliseconds, and the hub looks every two seconds.
QUESTIONS = 20_000


def pushed(served: HubServer, git: Program, token: str, here: Path, word: str) -> None:
    git("init", "-q", "-b", "main", here)
    (here / "README").write_text(f"all about {word}\n")
    git("add", ".", cwd=here)
    git("commit", "-qm", "first", cwd=here)
    served.api("POST", "user/repos", {"name": word, "private": False}, 201, token=token)
    git("push", "-q", served.at("ada", token, f"ada/{word}"), "main", cwd=here)


def is_found(served: HubServer, text: str, repository: str) -> bool:
    """Ask until the list has it."""
    return any(
        f'href="/{repository}"'.encode() in served.ask("GET", f"?q={text}").body for _ in range(QUESTIONS)
    )


def test_what_is_pushed_is_found_also_when_the_hub_is_killed_before_it_was_read(
    served: HubServer, git: Program, tmp_path: Path
) -> None:
    token = served.add_user("ada")
    pushed(served, git, token, tmp_path / "one", "zebra")
    assert is_found(served, "%22all+about+zebra%22", "ada/zebra")
    pushed(served, git, token, tmp_path / "two", "gnu")
    served.kill()
    served.start()
    assert is_found(served, "%22all+about+gnu%22", "ada/gnu")
