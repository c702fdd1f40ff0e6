"""Making locked files editable."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rookery.annex import program
from rookery.annex.content import argument_groups
from rookery.annex.program import Names, failure_text
from rookery.core.errors import CommandError
from rookery.git.repo import Repo


def unlock(repo: Repo, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Unlock files by stock git-annex; yields (path, what went wrong) for each, an empty text for success."""
    literal = repo.with_env(GIT_LITERAL_PATHSPECS="1")
    for group in argument_groups(paths):
        names = Names(group)
        seen: set[str] = set()
        failure = "git-annex said nothing about it"
        try:
            for record in program.records(literal, "unlock", "--", *group):
                path = names.of(record)
                seen.add(path)
                yield (
                    path,
                    "" if record.get("success") else failure_text(record) or "git-annex gave no reason",
                )
        except CommandError as e:
            failure = e.stderr.strip() or str(e)
        for path in group:
            if path not in seen:
                yield path, failure
