"""Text files go to Git, all other content to the annex."""

from __future__ import annotations

from rookery.cli.procedure import entry

if __name__ == "__main__":
    entry("cfg_text2git")
