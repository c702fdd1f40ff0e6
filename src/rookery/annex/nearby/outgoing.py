"""What of a push is to be sent: the first file of each key that is here, and not there yet."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable

from rookery.annex.nearby.placing import checkable
from rookery.annex.outcome import Item, Outcome
from rookery.annex.store import is_present
from rookery.git.repo import Repo


def to_send(
    repo: Repo,
    items: Iterable[Item],
    *,
    there: Collection[str],
    bound: Collection[str],
    ours: Callable[[str], bool] = checkable,
) -> Generator[Outcome, None, tuple[list[Item], list[Item]]]:
    """Yield the outcomes of what need not be sent; return what is left to git-annex, and what is to be sent.

    `there` are the keys that are taken for being at the other side, `bound`
    those of files that are unlocked here; `ours` says which keys we can send.
    """
    left: list[Item] = []
    todo: dict[str, Item] = {}
    for item in items:
        if item.key in todo or item.key in bound or not ours(item.key):
            left.append(item)
        elif item.key in there or not is_present(repo, item.key):
            yield Outcome(item.path, item.key, ok=True, silent=True)
        else:
            todo[item.key] = item
    return left, list(todo.values())
