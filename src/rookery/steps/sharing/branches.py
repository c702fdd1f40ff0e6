"""The branches of one dataset on their way to one sibling: which ones, and git-annex's merged before it goes."""

from __future__ import annotations

from collections.abc import Sequence

from rookery.annex import branch as annex_branch
from rookery.annex.branch_merging import merge_fetched
from rookery.annex.nearby.knowledge import Owed
from rookery.annex.remotes import Remote
from rookery.annex.stock_hooks import nothing_to_prevent
from rookery.dataset.model import Dataset
from rookery.git import refs, remotes
from rookery.git.meter import Meter
from rookery.git.remotes import PushReport

GIT_ANNEX = "git-annex"


class Branches:
    """Pushes to one sibling.  `forced`: what the sibling has may be replaced, git-annex's branch never."""

    def __init__(self, dataset: Dataset, sibling: Remote, *, annexed: bool, forced: bool) -> None:
        self.dataset = dataset
        self.repo = dataset.repo
        self.sibling = sibling
        self.annexed = annexed
        self.forced = forced

    def specs(self, branch: str) -> list[str]:
        """Give what has to be pushed: the branch, git-annex, and what the settings add."""
        config, name = self.dataset.config, self.sibling.name
        specs = []
        if "push" in self.sibling.settings or config.get("push.default") == "matching":
            report = remotes.push(self.repo, name, [], options=["--dry-run"])
            specs = [
                f"{ref.source}:{ref.target}"
                for ref in report.refs
                if ref.flag != "=" and not ref.source.startswith("refs/heads/adjusted")
            ]
        for one in (branch, GIT_ANNEX) if self.annexed else (branch,):
            full = refs.HEADS + one
            if not any(full in spec.split(":") for spec in specs):
                specs.append(full if config.get(f"branch.{one}.merge") else f"{full}:{full}")
        if not self.forced:
            return specs
        # git-annex is merged, never forced: what the sibling knows of its content would be lost
        return [spec if spec.startswith(annex_branch.LOCAL) else f"+{spec}" for spec in specs]

    def push(self, specs: Sequence[str], *options: str) -> PushReport:
        """Push once.  Raises CommandError when the sibling cannot be talked to."""
        if self.annexed and nothing_to_prevent(self.repo, self.dataset.config.of_git()):
            options = (*options, "--no-verify")
        meter = Meter(self.dataset.ctx.progress, f"git push {id(self)}", f"Push to {self.sibling.name}")
        try:
            return remotes.push(self.repo, self.sibling.name, specs, options=options, on_progress=meter)
        finally:
            meter.finish()

    def push_all(self, specs: Sequence[str], owed: Owed, *, merge: bool) -> PushReport:
        """Push; if git-annex's branch is refused, pay what is owed, merge what came there meanwhile, and try once more.

        `merge`: it is known to have moved.
        """
        if merge:
            self.merge_annex_branch()
        report = self.push(specs)
        mine = [ref for ref in report.refs if ref.source == annex_branch.LOCAL]
        if all(ref.ok for ref in mine):
            owed.forgive()
            return report
        owed.pay(clock=self.dataset.ctx.clock)
        self.merge_annex_branch()
        again = self.push([spec for spec in specs if spec.split(":")[0] == annex_branch.LOCAL])
        others = [ref for ref in report.refs if ref.source != annex_branch.LOCAL]
        code = again.code or (report.code if any(not ref.ok for ref in others) else 0)
        return PushReport([*again.refs, *others], code, report.said + again.said)

    def merge_annex_branch(self) -> None:
        """Bring in what the sibling's git-annex branch has and ours lacks, so that ours can be pushed."""
        # By the push URL: the other one may be a static mirror that is behind (DataLad does the same).
        source = self.sibling.settings.get("pushurl") or self.sibling.name
        # A pattern, since it is no error if nothing fits: a server that takes content without git-annex has no
        # such branch before the first push.
        spec = f"+{annex_branch.LOCAL}*:{remotes.tracking_ref(self.sibling.name, GIT_ANNEX)}*"
        remotes.fetch(self.repo, source, [spec], options=["--no-recurse-submodules", "--no-tags"])
        merge_fetched(self.repo, clock=self.dataset.ctx.clock)
