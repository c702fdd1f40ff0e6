"""Git-annex and a hub at a private address: allowed, and tried out with git-annex itself."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rookery.core.context import Context
from rookery.core.process import decode
from rookery.forges.addresses import SETTING, missing, refused_by_annex, without
from rookery.forges.login.done import Done
from rookery.forges.login.person import Person

# A page of a hub that anybody may ask for.
PAGE = "healthz"

# Whoever signs in may not have told Git who they are yet.
NOBODY = {
    "GIT_AUTHOR_NAME": "nobody",
    "GIT_AUTHOR_EMAIL": "nobody@localhost",
    "GIT_COMMITTER_NAME": "nobody",
    "GIT_COMMITTER_EMAIL": "nobody@localhost",
}


def allow_address(ctx: Context, url: str, *, dry_run: bool) -> Done:
    """Let git-annex ask the hub, where it refuses such addresses.  Raises AccessFailedError."""
    person = Person(ctx)
    wanted = refused_by_annex(url)
    allowed = person.get(SETTING) or str(ctx.settings.at(ctx.cwd).get(SETTING, ""))
    more = missing(allowed, wanted)
    if dry_run and not wanted:
        return Done("address", "public: git-annex asks it without more ado", "notneeded")
    if dry_run:
        message = f"would allow git-annex to ask {', '.join(wanted)} ({SETTING})"
        return Done("address", message, "ok" if more else "notneeded")
    if more:
        person.set(SETTING, " ".join([*allowed.split(), *more]))
        person.note(url, "allowed", " ".join(more))
    if trouble := refusal(ctx, url):
        return Done("address", f"git-annex does not ask {url}: {trouble}", "error", (_advice(trouble),))
    if not wanted:
        return Done("address", f"git-annex has asked {url}", "notneeded")
    message = f"git-annex may ask {', '.join(wanted)} ({SETTING}), and has done so"
    return Done("address", message, "ok" if more else "notneeded")


def _advice(trouble: str) -> str:
    if "NameMismatch" in trouble:  # git-annex 10.20261026 reads no IP addresses in certificates
        return "git-annex wants a host name, one that is in the certificate: sign in to https://NAME"
    return f"see all places where it is set: git config --show-origin --get-all {SETTING}"


def refusal(ctx: Context, url: str) -> str:
    """Have git-annex ask the hub for a page, in a repository that is thrown away; give what it complains of."""
    with tempfile.TemporaryDirectory(prefix="rookery-", dir=ctx.env.get("TMPDIR")) as name:
        place = Path(name)
        runner = ctx.runner.with_env(NOBODY)
        runner.run(["git", "init", "--quiet"], cwd=place)
        runner.run(["git", "annex", "init", "--quiet"], cwd=place)
        asked = ["git", "annex", "addurl", "--fast", "--file=page", "--", f"{url}/{PAGE}"]
        answer = runner.run(asked, cwd=place, ok=None)
    if answer.code == 0:
        return ""
    return " ".join(decode(answer.stderr).split()) or "it does not say why"


def forbid_address(ctx: Context, url: str) -> Done:
    """Take back what was allowed."""
    person = Person(ctx)
    given = person.noted(url, "allowed").split()
    if not given:
        return Done("address", f"nothing was allowed for it ({SETTING})", "notneeded")
    left = without(person.get(SETTING), given)
    if left:
        person.set(SETTING, left)
    else:
        person.unset(SETTING)
    return Done("address", f"git-annex may not ask {', '.join(given)} any more ({SETTING})")
