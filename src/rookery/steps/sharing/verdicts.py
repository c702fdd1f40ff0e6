"""What became of each ref in a push, in the words of records, and what to do about a refusal."""

from __future__ import annotations

from rookery.git.remotes import RefReport

# What Git's flags and words in brackets are called in records (contract, appendix B).
_BY_FLAG = {"-": "deleted", "+": "forced-update", " ": "fast-forward", "=": "uptodate"}
_BY_WORDS = {
    "[new tag]": "new-tag",
    "[new branch]": "new-branch",
    "[new reference]": "new-reference",
    "[rejected]": "rejected",
    "[remote rejected]": "remote-rejected",
    "[remote failure]": "remote-failure",
}


def operations_of(ref: RefReport) -> list[str]:
    """Name what happened to a ref, in DataLad's words and order."""
    words = next((word for start, word in _BY_WORDS.items() if ref.summary.startswith(start)), None)
    if ref.flag == "!":
        return [*([words] if words else []), "error"]
    return [words or _BY_FLAG.get(ref.flag, "new-branch")]


def advice(ref: RefReport, said: str, target: str) -> str:
    """Say what to do about a ref that was refused: Git's own hint, then ours."""
    theirs = " ".join(line.removeprefix("hint: ") for line in said.splitlines() if line.startswith("hint: "))
    if ref.summary.startswith("[rejected]"):
        ours = (
            f"{target} has changes that are not here: bring them in with "
            f"`rookery update -s {target} --how merge`, then push again."
        )
    elif "checked out" in (ref.reason or ""):
        ours = (
            f"{target} has this branch checked out. To have its files updated by a push, run there: "
            "git config receive.denyCurrentBranch updateInstead"
        )
    else:
        remote = [
            line.removeprefix("remote:").strip() for line in said.splitlines() if line.startswith("remote:")
        ]
        ours = " ".join(filter(None, remote)) or f"{target} refused it."
    return " ".join(filter(None, (theirs, ours)))
