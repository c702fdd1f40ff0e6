"""Remotes, what they want, and the repository's own settings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from rookery.annex import identity, program, remotes
from rookery.core.config import Config
from rookery.core.errors import CommandError, RemoteNotAvailableError
from rookery.dataset.repository.history import History
from rookery.dataset.repository.worktree import WorkTree
from rookery.git import remotes as git_remotes

DEAD = "dead"

# git-annex says so now and then, whatever it was asked.
RECORDING = "(recording state in git...)"


class Places(History, WorkTree):
    """Where a repository exchanges history and content."""

    @property
    def config(self) -> Config:
        """The settings that hold here, as they are now."""
        self._model.ctx.settings.forget(self._model.path)
        return self._model.config

    def get_remotes(self, with_urls_only: bool = False, exclude_special_remotes: bool = False) -> list[str]:
        """Give the names of the remotes."""
        found = remotes.configured(self._repo).values()
        return [
            remote.name
            for remote in found
            if not (with_urls_only and remote.url is None)
            and not (exclude_special_remotes and _special(remote))
        ]

    def get_remote_url(self, name: str, push: bool = False) -> str | None:
        """Give where a remote is fetched from, or what it has as its own address for pushing."""
        remote = git_remotes.list_remotes(self._repo).get(name)
        return None if remote is None else remote.pushurl if push else remote.url

    def add_remote(self, name: str, url: str, options: Sequence[str] | None = None) -> tuple[str, str]:
        """Add a remote; give what Git printed, twice nothing."""
        self.call_git(["remote", "add", *(options or ()), name, url])
        return "", ""

    def remove_remote(self, name: str) -> None:
        """Remove a remote.  Raises RemoteNotAvailableError if there is none of that name."""
        if name not in git_remotes.list_remotes(self._repo):
            raise RemoteNotAvailableError(f"Remote {name!r} is not available")
        git_remotes.remove_remote(self._repo, name)

    def set_remote_url(self, name: str, url: str, push: bool = False) -> None:
        """Change where a remote is fetched from, or pushed to."""
        git_remotes.configure(self._repo, name, "pushurl" if push else "url", url)

    def is_special_annex_remote(self, remote: str, check_if_known: bool = True) -> bool:
        """Say whether a remote holds content only.  Raises RemoteNotAvailableError for an unknown one."""
        found = remotes.configured(self._repo).get(remote)
        if found is None:
            if check_if_known:
                raise RemoteNotAvailableError(f"Remote {remote!r} is not available")
            return False
        return _special(found)

    def is_remote_annex_ignored(self, remote: str) -> bool:
        """Say whether git-annex is told to leave a remote alone."""
        found = remotes.configured(self._repo).get(remote)
        return found is not None and found.ignored

    def get_special_remotes(self, include_dead: bool = False) -> dict[str, dict[str, str]]:
        """Give the settings of all special remotes that this repository ever heard of, by uuid."""
        trust = {} if include_dead else remotes.trust(self._repo)
        return {
            uuid: dict(remote.settings)
            for uuid, remote in remotes.special(self._repo).items()
            if trust.get(uuid) != DEAD
        }

    def init_remote(self, name: str, options: Sequence[str]) -> None:
        """Make a special remote; `options` are git-annex's `key=value`.  Raises CommandError."""
        self.call_annex(["initremote", name, *options])

    def enable_remote(
        self, name: str, options: Sequence[str] | None = None, env: dict[str, str] | None = None
    ) -> None:
        """Make a known special remote usable here.  Raises RemoteNotAvailableError."""
        repo = self._repo.with_env(**env) if env else self._repo
        try:
            program.run(repo, "enableremote", name, *(options or ()))
        except CommandError as e:
            raise RemoteNotAvailableError(f"Remote {name!r} is not available: {e.stderr.strip()}") from e

    def set_remote_dead(self, name: str) -> str:
        """Note that a place is lost with all its content; give git-annex's words.  Raises RemoteNotAvailableError."""
        try:
            return program.run(self._repo, "dead", name).stdout.decode("utf-8", "replace")
        except CommandError as e:
            raise RemoteNotAvailableError(f"Remote {name!r} is not available: {e.stderr.strip()}") from e

    def get_preferred_content(self, property: str, remote: str | None = None) -> str | None:
        """Give what a place wants, requires or belongs to (`wanted`, `required`, `group`), None if nothing."""
        return self.call_annex([property, remote or "."]).strip() or None

    def set_preferred_content(self, property: str, expr: str, remote: str | None = None) -> str:
        """Set what a place wants or requires, or put it into a group; give what git-annex said."""
        return self.call_annex([property, remote or ".", expr]).replace(RECORDING, "").strip()

    def get_groupwanted(self, name: str) -> str:
        """Give what the places of a group want."""
        return self.call_annex(["groupwanted", name]).strip()

    def set_groupwanted(self, name: str, expr: str) -> str:
        """Set what the places of a group want."""
        remotes.set_preference(self._repo, "groupwanted", name, expr)
        return expr

    def get_description(self, uuid: str | None = None) -> str | None:
        """Give the description of a place (None: this one)."""
        return identity.descriptions(self._repo).get(uuid or self.uuid or "")

    def is_with_annex(self) -> bool:
        """Say whether there is annexed content to speak of, here or where this came from."""
        return identity.knows_annex(self._repo)

    def is_initialized(self) -> bool:
        """Say whether there is an annex here."""
        return identity.is_annex(self._repo)

    def is_valid(self) -> bool:
        """Say whether a repository is here."""
        return self._model.is_installed()

    def is_crippled_fs(self) -> bool:
        """Say whether the file system has no symbolic links or permissions to speak of."""
        return self.config.getbool("annex.crippledfilesystem")

    def repo_info(self, fast: bool = False, merge_annex_branches: bool = True) -> dict[str, Any]:
        """Give what `git annex info` tells; `fast` leaves out what takes long."""
        argv = ["--json", "--bytes", *(["--fast"] if fast else [])]
        answer = program.run(self._repo, "info", *argv, reading=not merge_annex_branches)
        found: dict[str, Any] = json.loads(answer.stdout)
        return found

    @property
    def default_backends(self) -> list[str] | None:
        """The key backends in order of preference, None if nothing names one."""
        named = self.get_gitattributes(".")["."].get("annex.backend")
        found = named if isinstance(named, str) else self.config.get("annex.backend")
        return str(found).split() if found else None

    def set_default_backend(self, backend: str, persistent: bool = True, commit: bool = True) -> None:
        """Choose the key backend for new files: in `.gitattributes`, saved if `commit`, or in this clone only."""
        if not persistent:
            self.call_git(["config", "annex.backend", backend])
            return
        if self.default_backends == [backend]:
            return
        self.set_gitattributes([("*", {"annex.backend": backend})])
        if commit:
            self.save(f"Set default backend for all files to be {backend}", paths=[".gitattributes"])

    def precommit(self) -> None:
        """Do nothing: no program is kept running that could hold anything back."""

    def localsync(self, remote: str | None = None, managed_only: bool = False) -> None:
        """Bring adjusted and `synced/` branches up to date with each other; nothing is exchanged with others.

        `remote` takes in what was fetched from it, `managed_only` leaves ordinary branches alone.
        """
        if managed_only and not self.is_managed_branch():
            return
        only_here = ["--no-push", "--no-pull", "--no-commit", "--no-resolvemerge", "--no-content"]
        self.call_annex(["sync", *only_here, *([remote] if remote else [])])


def _special(remote: remotes.Remote) -> bool:
    return remote.special or any(
        key.startswith("annex-") and key not in ("annex-uuid", "annex-ignore") and remote.url is None
        for key in remote.settings
    )
