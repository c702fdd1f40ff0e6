"""The settings that Rookery knows: what each is for, and what holds when nobody sets it.

Names and meanings are DataLad's, but for those that begin with `rookery.`.  A test holds this list to the settings that
the code asks for.  A name that ends in a dot or a dash begins a family.
"""

from __future__ import annotations

from typing import NamedTuple


class Known(NamedTuple):
    """One setting; `default` is None where absence means something of its own."""

    purpose: str
    default: str | None = None


SETTINGS: dict[str, Known] = {
    "datalad.annex.retry": Known("how often git-annex tries a failed transfer again", "3"),
    "datalad.clone.reckless": Known("how clones are made without being told: auto, ephemeral or shared-..."),
    "datalad.clone.url-substitute.": Known("rewrites of clone sources: ,PATTERN,REPLACEMENT"),
    "datalad.create-sibling-ghlike.extra-remote-settings.": Known(
        "more settings of siblings on a server: HOST.KEY becomes remote.NAME.KEY"
    ),
    "datalad.credential.": Known("properties of credentials: NAME.user, NAME.type, NAME.realm and others"),
    "datalad.credentials.hidden-secret-entry": Known(
        "whether secrets are hidden while they are typed", "yes"
    ),
    "datalad.credentials.repeat-secret-entry": Known("whether secrets are typed twice", "yes"),
    "datalad.dataset.id": Known("the dataset's identity, in its committed configuration"),
    "datalad.datasets.topurl": Known(
        "where clone sources that begin with /// are", "https://datasets.datalad.org/"
    ),
    "datalad.downloaders.retry": Known("how often a failed download is tried again", "5"),
    "datalad.fake-dates": Known("whether commits get invented dates", "no"),
    "datalad.fake-dates-start": Known("the first invented date, in seconds since 1970", "1112911993"),
    "datalad.get.subdataset-source-candidate-": Known(
        "where subdatasets may be obtained from, by cost: 200name"
    ),
    "datalad.install.inherit-local-origin": Known(
        "whether clones of local clones know the origin's origin", "yes"
    ),
    "datalad.locations.dataset-procedures": Known(
        "where a dataset has its procedures", ".datalad/procedures"
    ),
    "datalad.locations.default-dataset": Known("the dataset that -d/// stands for", "~/datalad"),
    "datalad.locations.extra-procedures": Known("one more folder of procedures"),
    "datalad.locations.system-procedures": Known("the machine's folder of procedures"),
    "datalad.locations.user-procedures": Known("the user's folder of procedures"),
    "datalad.log.level": Known("how much is told on standard error", "info"),
    "datalad.procedures.": Known("how a procedure is called (NAME.call-format) and what it does (NAME.help)"),
    "datalad.repo.backend": Known("the key backend of new datasets", "MD5E"),
    "datalad.result-hook.": Known("calls that follow matching results: NAME.match-json and NAME.call-json"),
    "datalad.run.record-directory": Known("where sidecar files of run records are", ".datalad/runinfo"),
    "datalad.run.record-sidecar": Known("whether run records go to sidecar files", "no"),
    "datalad.run.substitutions.": Known("placeholders in commands that are run"),
    "datalad.runtime.max-annex-jobs": Known("how many things git-annex does at the same time", "1"),
    "datalad.runtime.max-jobs": Known("how many datasets are worked on at the same time", "1"),
    "datalad.save.skip-openfiles": Known(
        "what happens to files that other processes have open for writing: none, skip, warning or error",
        "none",
    ),
    "datalad.save.windows-compat-warning": Known(
        "what happens to file names that Windows does not take: warning, error or none", "warning"
    ),
    "datalad.ui.color": Known("whether output is coloured: on, off or auto (on a terminal)", "auto"),
    "datalad.ui.suppress-similar-results": Known(
        "whether more than ten similar results in a row are counted instead of shown on a terminal", "auto"
    ),
    "rookery.hub": Known("the hub that was signed in to last, where create-sibling-hub makes repositories"),
    "rookery.login.": Known("what signing in to a hub has written, to be taken back: URL.KEY"),
    "rookery.engine": Known(
        "who takes files in and moves content: native (Rookery where it can, else git-annex) or stock (git-annex)",
        "native",
    ),
}


def known(key: str) -> Known | None:
    """Find a setting, or the family that it belongs to."""
    if key in SETTINGS:
        return SETTINGS[key]
    family = next((name for name in SETTINGS if name[-1] in ".-" and key.startswith(name)), None)
    return SETTINGS[family] if family is not None else None
