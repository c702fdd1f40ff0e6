"""Lay a dataset out by the YODA principles: a folder for code, notes at the top, both in Git."""

from __future__ import annotations

from rookery.cli.procedure import entry

if __name__ == "__main__":
    entry("cfg_yoda")
