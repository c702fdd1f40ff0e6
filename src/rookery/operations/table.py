"""The commands: name to summary and group, so that help and start-up import nothing else.

The module of `name` is `rookery.operations.name` (dashes become underscores),
and holds an Operation of that name.  A test holds this table to the modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rookery.opkit.declare import Operation


class Entry(NamedTuple):
    """One line of `rookery --help`."""

    group: str
    summary: str


GROUPS = {
    "local": "A dataset and its history",
    "data": "File content",
    "share": "Siblings and collaboration",
    "run": "Provenance",
    "more": "Settings and tools",
}

TABLE: dict[str, Entry] = {
    "create": Entry("local", "Make a new dataset"),
    "save": Entry("local", "Record changes in a dataset's history"),
    "status": Entry("local", "Show what changed since the last save"),
    "diff": Entry("local", "Show what changed between two states"),
    "unlock": Entry("local", "Make annexed files editable"),
    "remove": Entry("local", "Remove files or subdatasets, with their content"),
    "copy-file": Entry("local", "Copy files between datasets, with what is known about their content"),
    "subdatasets": Entry("local", "List and edit a dataset's subdatasets"),
    "get": Entry("data", "Get file content, and subdatasets on the way"),
    "drop": Entry("data", "Remove file content that is safe elsewhere"),
    "whereis": Entry("data", "Show which places have a file's content"),
    "download-url": Entry("data", "Download files and remember where they came from"),
    "addurls": Entry("data", "Make files of a table of URLs, with metadata and subdatasets"),
    "export-archive": Entry("data", "Export a dataset's files as a tar or zip archive"),
    "clone": Entry("share", "Obtain a dataset from a path or URL"),
    "install": Entry("share", "Clone a dataset or get subdatasets (older spelling of clone and get)"),
    "siblings": Entry("share", "List and edit the places a dataset is shared with"),
    "create-sibling-hub": Entry("share", "Make a sibling on a Rookery hub, for history and content"),
    "create-sibling-gin": Entry("share", "Make a sibling on a GIN server, for history and content"),
    "create-sibling-gitea": Entry("share", "Make a sibling on a Gitea server, for history"),
    "create-sibling-gogs": Entry("share", "Make a sibling on a Gogs server, for history"),
    "create-sibling-webdav": Entry("share", "Make a sibling on a WebDAV server, for history and content"),
    "hub": Entry("share", "Run a hub on this machine: a home for datasets"),
    "deposit": Entry("share", "Look after a deposit: a repository inside a special remote"),
    "push": Entry("share", "Send history and file content to a sibling"),
    "update": Entry("share", "Bring in what changed at a sibling"),
    "run": Entry("run", "Run a command and record how its results came to be"),
    "rerun": Entry("run", "Run recorded commands again"),
    "run-procedure": Entry("run", "Run a configured procedure on a dataset"),
    "foreach-dataset": Entry("run", "Run a command in a dataset and each of its subdatasets"),
    "configuration": Entry("more", "Read and write settings"),
    "credentials": Entry("more", "List, show, keep and forget names and secrets"),
    "wtf": Entry("more", "Describe this installation and dataset for a problem report"),
    "shell-completion": Entry("more", "Print the line that makes a shell complete rookery's commands"),
}


def module_of(command: str) -> str:
    """Give the module that defines a command."""
    return f"rookery.operations.{command.replace('-', '_')}"


def load(command: str) -> Operation:
    """Import a command's module and give its operation.  Raises KeyError for a name that is not in the table."""
    if command not in TABLE:
        raise KeyError(command)
    import importlib  # start-up: `--help` loads nothing

    found: Operation = getattr(importlib.import_module(module_of(command)), command.replace("-", "_"))
    return found
