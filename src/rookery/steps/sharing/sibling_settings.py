"""What is written about a sibling: publication, preferences of its annex, what its superdataset's sibling has."""

from __future__ import annotations

from typing import NamedTuple

from rookery.annex import identity, program
from rookery.annex import remotes as annex_remotes
from rookery.annex.remotes import Preference
from rookery.core.errors import CommandError
from rookery.core.log import get_log
from rookery.dataset import siblings as model
from rookery.dataset.hierarchy import superdataset_of
from rookery.dataset.model import Dataset
from rookery.git import remotes

log = get_log("rookery.siblings")

# How long another machine may take to answer before its annex counts as not reachable, in seconds.
PATIENCE = 20


class Asked(NamedTuple):
    """What a person wants of one sibling in one dataset."""

    name: str | None
    url: str | None
    pushurl: str | None
    description: str | None
    fetch: bool
    as_common_datasrc: str | None
    publish_depends: list[str]
    publish_by_default: list[str]
    preferences: dict[Preference, str | None]
    inherit: bool
    annex_info: bool


def write_lists(ds: Dataset, asked: Asked) -> None:
    """Write what is published with the sibling, and before it."""
    if asked.publish_depends:
        for one in asked.publish_depends:
            log.info('Configure additional publication dependency on "%s"', one)
        remotes.configure(ds.repo, str(asked.name), "datalad-publish-depends", *asked.publish_depends)
    if asked.publish_by_default:
        for one in asked.publish_by_default:
            log.info('Configure additional default publication refspec "%s"', one)
        remotes.configure(ds.repo, str(asked.name), "push", *asked.publish_by_default)


def inherited(ds: Dataset, asked: Asked) -> Asked:
    """Fill in what is not given from the superdataset's sibling of the same name."""
    above = superdataset_of(ds)
    if above is None:
        log.warning("Cannot determine super dataset for %s, thus nothing is inherited", ds.path)
        return asked
    theirs = remotes.list_remotes(above.repo).get(str(asked.name))
    if theirs is None:
        return asked
    given = dict(asked.preferences)
    if identity.is_annex(above.repo) and (uuid := theirs.get("annex-uuid")):
        known = annex_remotes.preferences(above.repo)
        for kind in ("wanted", "required", "group"):
            given[kind] = given[kind] if given[kind] is not None else known[kind].get(uuid)
        if given["wanted"] == "groupwanted" and given["groupwanted"] is None and given["group"]:
            given["groupwanted"] = known["groupwanted"].get(given["group"])
    return asked._replace(
        publish_depends=asked.publish_depends or list(theirs.settings.get("datalad-publish-depends", ())),
        publish_by_default=asked.publish_by_default or list(theirs.settings.get("push", ())),
        preferences=given,
    )


def ask_for_annex(ds: Dataset, name: str) -> None:
    """Let git-annex find out whether a sibling has an annex; it notes the answer in the settings.

    A sibling that does not answer stays a sibling for Git.
    """
    ds.forget()
    if model.is_ignored(ds.config.get(f"remote.{name}.annex-ignore")):
        return
    options = f"{ds.config.get(f'remote.{name}.annex-ssh-options', '')} -oConnectTimeout={PATIENCE}".strip()
    try:
        program.run(ds.repo, "enableremote", "-c", f"remote.{name}.annex-ssh-options={options}", name)
    except CommandError as e:
        ds.forget()
        if model.is_ignored(ds.config.get(f"remote.{name}.annex-ignore")):
            log.info("Could not annex-enable %s: %s", name, e.stderr)
    ds.forget()


def make_common(ds: Dataset, name: str, common: str) -> str | None:
    """Make a special remote of a sibling's URL, for everybody; give a reason if that cannot be."""
    url = str(ds.config.get(f"remote.{name}.url", ""))
    if not url.startswith(("http://", "https://")):
        return "cannot configure as a common data source, URL protocol is not http or https"
    annex_remotes.initialize(ds.repo, common, {"type": "git", "location": url, "autoenable": "true"})
    return None


def write_preferences(ds: Dataset, asked: Asked) -> None:
    """Tell git-annex what the sibling wants, and describe it."""
    which = "." if asked.name == model.HERE else str(asked.name)
    for kind in ("wanted", "required", "group"):
        value = asked.preferences[kind]
        if value is not None:
            annex_remotes.set_preference(ds.repo, kind, which, value)
    if asked.preferences["groupwanted"]:
        group = str(asked.preferences["group"])
        annex_remotes.set_preference(ds.repo, "groupwanted", group, asked.preferences["groupwanted"])
    if asked.description:
        identity.describe(ds.repo, asked.description, which=str(asked.name))
