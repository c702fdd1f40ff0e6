"""How much, how long, how often: what a site may set, with what holds otherwise."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """Sizes are bytes (None: without limit), times are seconds."""

    quota_account: int | None = None
    quota_repository: int | None = None
    reserve: int = 100 << 20  # of the disk, kept free
    largest_push: int = 2 << 30  # history only; content goes another way
    largest_request: int = 8 << 20  # a form, a JSON body
    largest_upload: int = 20 << 30  # of files by browser, together
    lock: float = 600.0  # git-annex's own, while nobody keeps a lock
    locks: int = 10_000  # in one repository at one time
    locks_of_one: int = 2_000  # of these for one account or key
    locks_of_stranger: int = 100  # of these for all strangers at one address
    unfinished: float = 7 * 86400.0  # how long a part of an upload is kept
    failures: int = 10  # wrong passwords from one address for one account within `failures_within`
    failures_of_address: int = 100
    wrong_tokens_of_address: int = 100  # after which they are refused without a note of each
    sign_ups_of_address: int = 50  # within the same time; a whole class may sit behind one address
    failures_within: float = 900.0
    session: float = 14 * 86400.0
    git_processes: int = 16  # at the same time over HTTP, half of them for one address; more wait
    git_seconds: float = 3600.0  # how long one may take
    ssh_connections: int = 256  # at the same time, of strangers too
    ssh_commands: int = 64  # at the same time on one connection
    ssh_commands_of_all: int = 512
    ssh_idle: float = 6 * 3600.0  # after which a silent client's channel is closed
    sign_up: bool = True  # whether people can make accounts for themselves
    hooks: int = 20  # webhooks of one repository
    hook_seconds: float = 10.0  # how long one message may take
    hooks_private: bool = False  # whether webhooks reach servers that only this machine's network can reach
