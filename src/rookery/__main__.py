"""`python -m rookery` is the `rookery` command."""

from __future__ import annotations

from rookery.cli.start import entry

entry()
