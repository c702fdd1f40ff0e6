"""`python -m rookery` is the `rookery` command."""

from __future__ import annotations

from rookery.cli.main import entry

entry()
