"""Where a subdataset could be cloned from, cheapest first (contract 2.6).

200..  templates in the settings, datalad.get.subdataset-source-candidate-NNNname (700 without a number)
590    the address that a person once named (`datalad-url` in .gitmodules)
600    the URL in .gitmodules, seen from a remote of the superdataset
610    the same, spelled with the scheme of that remote
650    the subdataset's path below a remote of the superdataset
900    the URL in .gitmodules, seen from the superdataset itself
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import NamedTuple

from rookery.annex.identity import corresponding_branch
from rookery.core.log import get_log
from rookery.dataset import sources
from rookery.dataset.hierarchy import Subdataset
from rookery.dataset.model import Dataset
from rookery.git import refs, remotes

log = get_log("rookery.clone")

TEMPLATE = "datalad.get.subdataset-source-candidate-"


class Candidate(NamedTuple):
    """One address to try; `template` names the setting that it was made from."""

    cost: int
    name: str
    url: str
    template: str | None = None


class Places:
    """The remotes of a superdataset, asked once for all its subdatasets."""

    def __init__(self, above: Dataset) -> None:
        self.above = above
        self.urls = {
            name: one.url for name, one in remotes.list_remotes(above.repo).items() if one.url is not None
        }
        branch = corresponding_branch(above.repo)
        tracked = above.config.get(f"branch.{branch}.remote") if branch else None
        self.tracked = tracked if tracked in self.urls else None

    def with_commit_of(self, path: str) -> list[str]:
        """Give the remotes to try: the one that is followed, and those that have the last change of a path."""
        first = [self.tracked] if self.tracked else []
        if set(self.urls) <= set(first):
            return first
        repo = self.above.repo
        if refs.head(repo).commit is None:
            return first
        last = repo.text("--literal-pathspecs", "log", "-n1", "--format=%H", "HEAD", "--", path)
        if not last:
            return first
        having = repo.text(
            "for-each-ref", "--format=%(refname)", f"--contains={last}", "refs/remotes"
        ).splitlines()
        more = [n for n in self.urls if any(ref.startswith(f"refs/remotes/{n}/") for ref in having)]
        return list(dict.fromkeys([*first, *more]))


def candidates(places: Places, sub: Subdataset) -> list[Candidate]:
    """Give the addresses to try for a subdataset, each once, in the order to try them."""
    above = places.above
    path = str(above.relative(sub.path))
    own = sub.properties.get("datalad-url")
    found = [Candidate(590, "dl-url", own)] if own else []
    named: dict[str, str] = {}
    for remote in places.with_commit_of(path):
        url = places.urls[remote]
        named[f"remoteurl-{remote}"] = url
        found.append(Candidate(650, remote, sources.beside(path, url)))
        if sub.url:
            found.append(Candidate(600, remote, sources.beside(sub.url, url)))
            if respelled := sources.with_scheme_of(url, sub.url):
                found.append(Candidate(610, remote, respelled))
    found += _from_templates(above, sub, named)
    if sub.url:
        found.append(Candidate(900, "local", sources.beside(sub.url, str(above.path))))
    best: dict[str, Candidate] = {}
    for one in sorted(found, key=lambda c: c.cost):
        if one.url != str(sub.path):  # a subdataset is not cloned from its own empty folder
            best.setdefault(one.url, one)
    return list(best.values())


def _from_templates(above: Dataset, sub: Subdataset, named: dict[str, str]) -> Iterator[Candidate]:
    values = {key.replace("datalad-id", "id"): value for key, value in sub.properties.items()}
    if sub.name is not None:
        values["name"] = sub.name
    values |= {"path_basename": os.path.basename(sub.path), **named}
    for key in above.config.keys(TEMPLATE):
        cost, name = cost_and_name(key.removeprefix(TEMPLATE))
        template = str(above.config.get(key))
        try:
            yield Candidate(cost, name, _filled(template, values), key)
        except KeyError as e:
            log.warning("setting %s: %r wants %s, which is not known of %s", key, template, e, sub.path)


def _filled(template: str, values: dict[str, str]) -> str:
    """Put values into `{key}`; nothing else of Python's format language, since the template may be a stranger's."""
    return re.sub(r"\{([^{}]*)\}", lambda found: values[found[1]], template)


def cost_and_name(text: str) -> tuple[int, str]:
    """Read `400name`: three digits are the cost, which is 700 if there are none."""
    found = re.match(r"(\d{3})(?!\d)", text)
    return (int(found[1]), text[3:]) if found else (700, text)
