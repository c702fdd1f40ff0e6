"""Where to push to: the siblings of a dataset, the one that is meant, and the order among them."""

from __future__ import annotations

from collections.abc import Mapping

from rookery.annex.identity import parse_adjusted
from rookery.annex.remotes import Remote
from rookery.dataset.model import Dataset
from rookery.git import refs


def siblings_of(dataset: Dataset) -> dict[str, Remote]:
    """Give the siblings that the settings tell of, special remotes included."""
    config = dataset.config
    found: dict[str, dict[str, str]] = {}
    for key in config.keys("remote."):
        name, dot, variable = key.removeprefix("remote.").rpartition(".")
        if dot:
            found.setdefault(name, {})[variable] = config.get(key)
    return {name: Remote(name, keys) for name, keys in found.items()}


def target_of(dataset: Dataset, siblings: Mapping[str, Remote]) -> str | None:
    """Find the sibling to push to when none was named; None if it is not clear.

    The one that the branch follows (or is set to push to), else the only
    sibling whose settings say what to push.
    """
    config = dataset.config
    current = refs.head(dataset.repo).branch
    name = meant(current) if current else None
    keys = [f"branch.{name}.pushremote", "remote.pushdefault", f"branch.{name}.remote"] if name else []
    for key in keys:
        if (found := config.get(key)) in siblings:
            return str(found)
    set_up = [one.name for one in siblings.values() if one.url is not None and "push" in one.settings]
    return set_up[0] if len(set_up) == 1 else None


def meant(branch: str) -> str:
    """Give the branch that people mean by one that git-annex may have adjusted."""
    adjusted = parse_adjusted(branch)
    return adjusted.original if adjusted else branch


def in_order(dataset: Dataset, target: str) -> tuple[list[str], tuple[str, ...]]:
    """Give the siblings to publish to, dependencies first, and a circle among them if there is one."""
    ordered: list[str] = []
    under_way: list[str] = []

    def visit(name: str) -> tuple[str, ...]:
        if name in ordered:
            return ()
        if name in under_way:
            return (*under_way[under_way.index(name) :], name)
        under_way.append(name)
        for other in dataset.config.values(f"remote.{name}.datalad-publish-depends"):
            if circle := visit(other):
                return circle
        under_way.pop()
        ordered.append(name)
        return ()

    circle = visit(target)
    return ordered, circle
