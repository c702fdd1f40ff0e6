"""A hub's own authority: believed by Git for this hub, and by git-annex.

Git has settings by address. Git-annex 10.20261026 does not look at those, only at
`http.sslCAInfo` and `http.sslCAPath`, and believes nothing else then.  So it gets
a folder with the machine's authorities, as a link, and the hubs' own.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from pathlib import Path

from rookery.core import files
from rookery.core.context import Context
from rookery.forges.login.done import Done
from rookery.forges.login.keeping import folder
from rookery.forges.login.person import Person
from rookery.forges.tokens import place_of

FOR_ANNEX = "http.sslCAPath"
MACHINE = "machine.pem"

# Where systems keep all authorities in one file, besides what Python knows: Debian, Fedora, Alpine and macOS.
_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
)


def believe(ctx: Context, url: str, ca: str) -> Iterator[Done]:
    """Have Git and git-annex believe an authority; what they go by is a copy."""
    person = Person(ctx)
    place = folder(ctx) / "authorities"
    copy = place / f"{re.sub(r'[^A-Za-z0-9.-]', '_', place_of(url))}.pem"
    files.write(copy, Path(ca).read_bytes())
    person.set(f"http.{url}.sslCAInfo", str(copy))
    person.note(url, "ca", str(copy))
    hints = (f"programs on Python's requests, DataLad's create-sibling: export REQUESTS_CA_BUNDLE={copy}",)
    yield Done("certificate", f"Git believes {ca} for this hub (a copy of it: {copy})", "ok", hints)
    if person.get(FOR_ANNEX) not in ("", str(place)):
        why = f"{FOR_ANNEX} names a folder of your own: git-annex believes what is in there"
        yield Done("certificate", why, "notneeded", (f"put {copy} there too",))
        return
    _link_machine(ctx, place)
    person.set(FOR_ANNEX, str(place))
    yield Done(
        "certificate",
        f"git-annex believes it too, for all servers: it has no such setting by address ({place})",
    )


def _link_machine(ctx: Context, place: Path) -> None:
    """Put a link to the machine's authorities into the folder, if there is none yet."""
    known = (ctx.env.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile, *_BUNDLES)
    machine = next((name for name in known if name and Path(name).is_file()), None)
    if machine is not None and not (place / MACHINE).is_symlink():
        files.replace_with_link(place / MACHINE, machine, drafts=folder(ctx))


def believe_no_more(ctx: Context, url: str) -> Iterator[Done]:
    """Take that back; the folder goes with the last hub that has an authority of its own."""
    person = Person(ctx)
    noted = person.noted(url, "ca")
    if not noted:
        return
    person.unset(f"http.{url}.sslCAInfo")
    copy = Path(noted)
    copy.unlink(missing_ok=True)
    place = copy.parent
    left = [one for one in place.glob("*.pem") if one.name != MACHINE]
    if not left and person.get(FOR_ANNEX) == str(place):
        person.unset(FOR_ANNEX)
        (place / MACHINE).unlink(missing_ok=True)
    yield Done("certificate", "Git and git-annex do not believe the hub's authority any more")
