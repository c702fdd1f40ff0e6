"""Commits, branches, tags, and moving between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from rookery.annex import identity
from rookery.core.errors import CommandError
from rookery.dataset.repository.programs import Programs
from rookery.git import refs, worktree

# What `git describe` and `git fetch` take is also taken by keyword: `tags=True` is `--tags`.
Options = str | int | bool | None


def flags(given: dict[str, Any]) -> list[str]:
    """Turn keywords into options of Git."""
    made = []
    for name, value in given.items():
        flag = f"-{name}" if len(name) == 1 else f"--{name.replace('_', '-')}"
        if value is True:
            made.append(flag)
        elif value is not None and value is not False:
            made.append(f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}")
    return made


class History(Programs):
    """The commits of a repository and their names."""

    def get_hexsha(self, commitish: str | None = None, short: bool = False) -> str | None:
        """Give the name of a commit (None: HEAD, which may have none yet).  Raises ValueError for an unknown one."""
        found = refs.resolve(self._repo, commitish or "HEAD")
        if found is None:
            if commitish is None:
                return None
            raise ValueError(f"Unknown commit identifier: {commitish}")
        return self.call_git_oneline(["rev-parse", "--short", found]) if short else found

    def commit_exists(self, commitish: str) -> bool:
        """Say whether a commit is here."""
        return refs.resolve(self._repo, commitish) is not None

    def get_active_branch(self) -> str | None:
        """Give the branch that is checked out, None if none is."""
        return refs.head(self._repo).branch

    def get_corresponding_branch(self, branch: str | None = None) -> str | None:
        """Give the branch that an adjusted one stands for; None if it is not adjusted."""
        name = branch or self.get_active_branch()
        adjusted = identity.parse_adjusted(name) if name else None
        return adjusted.original if adjusted else None

    def is_managed_branch(self, branch: str | None = None) -> bool:
        """Say whether git-annex rewrites a branch (None: the one checked out)."""
        return self.get_corresponding_branch(branch) is not None

    def get_branches(self) -> list[str]:
        """Give the local branches."""
        return [ref.name.removeprefix(refs.HEADS) for ref in refs.for_each_ref(self._repo, "refs/heads")]

    def get_remote_branches(self) -> list[str]:
        """Give the branches of remotes as they were last seen: `gin/main`."""
        found = refs.for_each_ref(self._repo, "refs/remotes")
        return [ref.name.removeprefix("refs/remotes/") for ref in found if ref.symref is None]

    def get_tags(self, output: str | None = None) -> list[Any]:
        """Give the tags, oldest first: dicts with name and hexsha, or only what `output` names."""
        fields = "%(refname:strip=2)%00%(objectname)"
        order = ["--sort=creatordate", "refs/tags"]
        lines = self.call_git_items_(["for-each-ref", f"--format={fields}", *order])
        tags = [dict(zip(("name", "hexsha"), line.split("\0"), strict=True)) for line in lines]
        return [tag[output] for tag in tags] if output else tags

    def for_each_ref_(
        self,
        fields: str | Sequence[str] = ("objectname", "objecttype", "refname"),
        pattern: str | Sequence[str] | None = None,
        points_at: str | None = None,
        sort: str | Sequence[str] | None = None,
        count: int | None = None,
        contains: str | None = None,
    ) -> Iterator[dict[str, str]]:
        """Yield the refs, each with the fields of git-for-each-ref(1) that are asked for."""
        names = [fields] if isinstance(fields, str) else list(fields)
        argv = ["for-each-ref", f"--format={'%00'.join(f'%({name})' for name in names)}"]
        argv += flags({"points_at": points_at, "count": count, "contains": contains})
        argv += [f"--sort={key}" for key in ([sort] if isinstance(sort, str) else sort or ())]
        argv += [pattern] if isinstance(pattern, str) else list(pattern or ())
        for line in self.call_git_items_(argv):
            yield dict(zip(names, line.split("\0"), strict=True))

    def get_revisions(
        self,
        revrange: str | Sequence[str] | None = None,
        fmt: str = "%H",
        options: Sequence[str] | None = None,
    ) -> list[str]:
        """Give the commits of a range (None: all of HEAD's history), newest first, each as `fmt` says."""
        ranges = [revrange] if isinstance(revrange, str) else list(revrange or ["HEAD"])
        if ranges == ["HEAD"] and self.get_hexsha() is None:
            return []
        return list(self.call_git_items_(["log", f"--format={fmt}", *(options or ()), *ranges, "--"]))

    def format_commit(self, fmt: str, commitish: str | None = None) -> str | None:
        """Say something about a commit (None: HEAD, which may not be there yet) in git-log(1)'s format."""
        if commitish is None and self.get_hexsha() is None:
            return None
        return self.call_git(["log", "-1", "-z", f"--format={fmt}", commitish or "HEAD", "--"]).removesuffix(
            "\0"
        )

    def get_commit_date(
        self, branch: str | None = None, date: Literal["authored", "committed"] = "authored"
    ) -> int | None:
        """Give when the last commit was made, in seconds since 1970."""
        text = self.format_commit("%at" if date == "authored" else "%ct", branch)
        return int(text) if text else None

    def describe(self, commitish: str | None = None, **kwargs: Options) -> str | None:
        """Name a commit by the nearest tag, None if there is none; keywords are git-describe(1)'s options."""
        try:
            return self.call_git_oneline(["describe", *flags(kwargs), *([commitish] if commitish else [])])
        except CommandError:
            return None

    def is_ancestor(self, reva: str, revb: str) -> bool:
        """Say whether one commit is in the history of another."""
        return refs.is_ancestor(self._repo, reva, revb)

    def get_merge_base(self, commitishes: str | Sequence[str]) -> str | None:
        """Give the best common ancestor, None if there is none."""
        names = [commitishes] if isinstance(commitishes, str) else list(commitishes)
        if len(names) == 1:
            names.append("HEAD")
        return self._repo.run("merge-base", *names, ok=(0, 1)).text.partition("\n")[0] or None

    def checkout(self, name: str, options: Sequence[str] | None = None) -> None:
        """Switch to a branch or commit."""
        self.call_git(["checkout", *(options or ()), name])

    def tag(
        self,
        tag: str,
        message: str | None = None,
        commit: str | None = None,
        options: Sequence[str] | None = None,
    ) -> None:
        """Tag a commit (None: HEAD)."""
        words = ["-m", message] if message is not None else []
        self.call_git(["tag", *words, *(options or ()), tag, *([commit] if commit else [])])

    def merge(
        self,
        name: str,
        options: Sequence[str] | None = None,
        msg: str | None = None,
        allow_unrelated: bool = False,
        **kwargs: Options,
    ) -> None:
        """Merge a branch or commit.  Raises CommandError on a conflict, which is left to be settled."""
        more = [
            *(options or ()),
            *(["--allow-unrelated-histories"] if allow_unrelated else []),
            *flags(kwargs),
        ]
        merged = worktree.merge(self._repo, name, message=msg, options=more)
        if merged.conflicts:
            raise CommandError(["git", "merge", *more, name], code=1, stderr=merged.said, cwd=self.path)

    def update_ref(self, ref: str, value: str, oldvalue: str | None = None, symbolic: bool = False) -> None:
        """Move a ref, if it still is at `oldvalue`."""
        if symbolic:
            refs.set_symbolic(self._repo, ref, value)
        else:
            refs.update(self._repo, ref, value, oldvalue)

    def remove_branch(self, branch: str) -> None:
        """Delete a local branch, merged or not."""
        self.call_git(["branch", "-D", branch])

    def fetch(
        self,
        remote: str | None = None,
        refspec: str | Sequence[str] | None = None,
        all_: bool = False,
        git_options: Sequence[str] | None = None,
        **kwargs: Options,
    ) -> list[dict[str, Any]]:
        """Fetch; give for each ref that moved its name, what was done and both commits."""
        before = {ref.name: ref.sha for ref in refs.for_each_ref(self._repo)}
        target = ["--all"] if all_ else [remote] if remote else []
        self.call_git(["fetch", *(git_options or ()), *flags(kwargs), *target, *_several(refspec)])
        moved = []
        for ref in refs.for_each_ref(self._repo):
            if before.get(ref.name) != ref.sha:
                done = "new" if ref.name not in before else "moved"
                moved.append({"ref": ref.name, "operations": [done], "old_commit": before.get(ref.name)})
                moved[-1]["new_commit"] = ref.sha
        return moved

    def push(
        self,
        remote: str | None = None,
        refspec: str | Sequence[str] | None = None,
        all_remotes: bool = False,
        all_: bool = False,
        git_options: Sequence[str] | None = None,
        **kwargs: Options,
    ) -> list[dict[str, Any]]:
        """Push; give for each ref where from, where to and what was done.  Raises CommandError if one was refused."""
        names: list[str | None] = [remote]
        if all_remotes:
            names = [*self.call_git(["remote"]).split()]
        found: list[dict[str, Any]] = []
        for name in names:
            argv = ["push", "--porcelain", *(["--all"] if all_ else []), *(git_options or ()), *flags(kwargs)]
            for line in self.call_git([*argv, *([name] if name else []), *_several(refspec)]).splitlines():
                flag, _, rest = line.partition("\t")
                where, _, note = rest.partition("\t")
                if len(flag) == 1 and ":" in where:
                    source, _, target = where.partition(":")
                    found.append({"from_ref": source, "to_ref": target, "note": note, "remote": name})
        return found


def _several(refspec: str | Sequence[str] | None) -> list[str]:
    return [refspec] if isinstance(refspec, str) else list(refspec or ())
