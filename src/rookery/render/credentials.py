"""How credentials read: `work(ok): user=robin, realm=https://...`, and whether the secret is known."""

from __future__ import annotations

from typing import Any

from rookery.render.generic import Generic

PREFIX = "cred_"


class Renderer(Generic):
    """A line for each credential: its name, whether its secret is known, and its properties."""

    def record(self, record: dict[str, Any]) -> None:
        """Show one record."""
        if record["status"] not in ("ok", "notneeded"):
            super().record({**record, "action": f"credentials {record.get('name') or ''}".rstrip()})
            return
        self.tally.add(record)
        self.say(self.credential_line(record))

    def credential_line(self, record: dict[str, Any]) -> str:
        """Give the line of one credential."""
        properties = {key.removeprefix(PREFIX): v for key, v in record.items() if key.startswith(PREFIX)}
        secret = properties.pop("secret", None)
        words = [f"{key}={value}" if value is not None else f":{key}" for key, value in properties.items()]
        if secret is not None:
            words.append(f"secret={secret}")
        elif "secret_known" in record:
            words.append("secret known" if record["secret_known"] else "secret not known")
        name = self.paint(str(record["name"]), "bold")
        status = f" ({record['status']})" if record["status"] != "ok" else ""
        return f"{name}{status}: {', '.join(words)}" if words else f"{name}{status or ' (ok)'}"
