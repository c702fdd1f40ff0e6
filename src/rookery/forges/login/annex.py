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


def allow_address(ctx: Context, url: str, *, dry_run: bool) -> Done:
    """Let git-annex ask the hub, where it refuses such addresses.  Raises AccessFailedError."""
    person = Person(ctx)
    wanted = refused_by_annex(url)
    allowed = person.get(SETTING) or str(ctx.settings.at(ctx.cwd).get(SETTING, ""))
    more = missing(allowed, wanted)
    if not wanted:
        return Done("address", "public: git-annex asks it without more ado", "notneeded")
    if dry_run:
        message = f"would allow git-annex to ask {', '.join(wanted)} ({SETTING})"
        return Done("address", message, "ok" if more else "notneeded")
    if more:
        person.set(SETTING, " ".join([*allowed.split(), *more]))
        person.note(url, "allowed", " ".join(more))
    if trouble := refusal(ctx, url):
        hints = (f"see all places where it is set: git config --show-origin --get-all {SETTING}",)
        return Done("address", f"git-annex does not ask {url}: {trouble}", "error", hints)
    message = f"git-annex may ask {', '.join(wanted)} ({SETTING}), and has done so"
    return Done("address", message, "ok" if more else "notneeded")


def refusal(ctx: Context, url: str) -> str:
    """Have git-annex ask the hub for a page, in a repository that is thrown away; give what it complains of."""
    with tempfile.TemporaryDirectory(prefix="rookery-", dir=ctx.env.get("TMPDIR")) as name:
        place = Path(name)
        git = ["git", "-c", "annex.private=true"]
        ctx.runner.run(["git", "init", "--quiet"], cwd=place)
        ctx.runner.run([*git, "annex", "init", "--quiet"], cwd=place)
        asked = [*git, "annex", "addurl", "--fast", "--file=page", "--", f"{url}/{PAGE}"]
        answer = ctx.runner.run(asked, cwd=place, ok=None)
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
