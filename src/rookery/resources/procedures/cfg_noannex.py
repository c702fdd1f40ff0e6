"""Make the dataset a plain Git repository: no annex is set up here, now or later."""

from __future__ import annotations

from rookery.cli.procedure import entry

if __name__ == "__main__":
    entry("cfg_noannex")
