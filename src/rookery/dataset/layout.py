"""The files that make a Git repository a dataset, byte for byte as DataLad writes them (contract 2.6)."""

from __future__ import annotations

from pathlib import Path

ID_KEY = "datalad.dataset.id"

DATALAD_DIR = Path(".datalad")
CONFIG_FILE = DATALAD_DIR / "config"
DATALAD_ATTRIBUTES = DATALAD_DIR / ".gitattributes"
ATTRIBUTES = Path(".gitattributes")
NOANNEX = Path(".noannex")
GITMODULES = Path(".gitmodules")

DEFAULT_BACKEND = "MD5E"


def config_text(dataset_id: str) -> str:
    """Give `.datalad/config` of a new dataset."""
    return f'[datalad "dataset"]\n\tid = {dataset_id}\n'


def datalad_attributes() -> list[str]:
    """Give the lines of `.datalad/.gitattributes`: the configuration stays in Git."""
    return ["config annex.largefiles=nothing"]


def attributes(backend: str) -> list[str]:
    """Give the lines of a new dataset's `.gitattributes`: the key backend, and Git's own files stay in Git."""
    return [f"* annex.backend={backend}", "**/.git* annex.largefiles=nothing"]
