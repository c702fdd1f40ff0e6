"""Ask a dataset's `.repo` what scripts ask it, with DataLad or with Rookery, and print the answers as JSON.

python ask_repository.py datalad.api /path/to/dataset
"""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

QUESTIONS: dict[str, Callable[[Any], Any]] = {
    "call_git": lambda r: r.call_git(["ls-files", "-s"]),
    "call_git with files": lambda r: r.call_git(["ls-files"], files=["notes.txt", "data"]),
    "call_git fails": lambda r: r.call_git(["rev-parse", "--verify", "nonsense"]),
    "call_git_oneline": lambda r: r.call_git_oneline(["rev-parse", "HEAD^{tree}"]),
    "call_git_oneline of two": lambda r: r.call_git_oneline(["ls-files"]),
    "call_git_items_": lambda r: list(r.call_git_items_(["ls-files"])),
    "call_git_items_ with sep": lambda r: list(r.call_git_items_(["ls-files", "-z"], sep="\0")),
    "call_git_items_ kept": lambda r: list(r.call_git_items_(["ls-files"], keep_ends=True)),
    "call_git_success": lambda r: [
        r.call_git_success(["rev-parse", "HEAD"]),
        r.call_git_success(["nonsense"]),
    ],
    "call_annex_oneline": lambda r: r.call_annex_oneline(["lookupkey", "notes.txt"]),
    "call_annex_records": lambda r: [
        {k: x[k] for k in ("command", "success", "file", "key")}
        for x in r.call_annex_records(["whereis"], files=["notes.txt"])
    ],
    "get_hexsha": lambda r: [
        len(r.get_hexsha()),
        len(r.get_hexsha(short=True)),
        r.get_hexsha("v1") == r.get_hexsha(),
    ],
    "get_hexsha of nothing": lambda r: r.get_hexsha("nonsense"),
    "branches": lambda r: [
        r.get_active_branch(),
        r.get_corresponding_branch(),
        r.get_branches(),
        r.get_remote_branches(),
    ],
    "remotes": lambda r: [
        sorted(r.get_remotes()),
        r.get_remotes(with_urls_only=True),
        r.get_remotes(exclude_special_remotes=True),
        r.get_remote_url("other"),
        r.get_remote_url("nonsense"),
        r.get_remote_url("other", push=True),
    ],
    "get_content_info": lambda r: r.get_content_info(),
    "get_content_info of some": lambda r: r.get_content_info(paths=["data"]),
    "get_content_info of HEAD": lambda r: r.get_content_info(ref="HEAD"),
    "get_content_info without untracked": lambda r: r.get_content_info(untracked="no"),
    "get_content_annexinfo": lambda r: r.get_content_annexinfo(),
    "get_content_annexinfo with availability": lambda r: r.get_content_annexinfo(
        paths=["notes.txt", "data"], init=None, eval_availability=True
    ),
    "get_content_annexinfo of HEAD": lambda r: r.get_content_annexinfo(ref="HEAD", eval_availability=True),
    "get_file_annexinfo": lambda r: r.get_file_annexinfo("notes.txt"),
    "get_file_annexinfo of git": lambda r: r.get_file_annexinfo(".gitattributes"),
    "get_file_annexinfo of nothing": lambda r: r.get_file_annexinfo("nonsense"),
    "status": lambda r: r.status(),
    "status of some": lambda r: r.status(paths=["data"], untracked="no"),
    "diff": lambda r: r.diff("HEAD~1", "HEAD"),
    "diff to worktree": lambda r: r.diff("HEAD", None),
    "diffstatus": lambda r: r.diffstatus("HEAD~1", "HEAD"),
    "dirty": lambda r: r.dirty,
    "untracked_files": lambda r: r.untracked_files,
    "get_revisions": lambda r: [
        len(r.get_revisions()),
        r.get_revisions(fmt="%s"),
        r.get_revisions("HEAD~1..HEAD", "%s"),
    ],
    "format_commit": lambda r: [r.format_commit("%s"), r.format_commit("%s%x00%an", "v1")],
    "get_tags": lambda r: [[t["name"] for t in r.get_tags()], r.get_tags(output="name")],
    "describe": lambda r: [r.describe(), r.describe("HEAD~1")],
    "is_ancestor": lambda r: [r.is_ancestor("HEAD~1", "HEAD"), r.is_ancestor("HEAD", "HEAD~1")],
    "get_merge_base": lambda r: r.get_merge_base(["HEAD", "HEAD~1"]) == r.get_hexsha("HEAD~1"),
    "commit_exists": lambda r: [r.commit_exists("HEAD"), r.commit_exists("nonsense")],
    "get_commit_date": lambda r: isinstance(r.get_commit_date(), int),
    "whereis": lambda r: r.whereis(["notes.txt"]) == [[r.uuid]],
    "whereis of a key": lambda r: len(r.whereis(r.get_file_key("data/one.dat"), key=True)[0]),
    "whereis of one": lambda r: [
        r.whereis("notes.txt") == [r.uuid],
        r.whereis("data/two.dat"),
        r.whereis(["data/two.dat"]),
    ],
    "whereis descriptions": lambda r: r.whereis(["notes.txt"], output="descriptions"),
    "whereis full": lambda r: [
        {k: v for k, v in place.items() if k != "description"}
        for place in r.whereis("notes.txt", output="full").values()
    ],
    "whereis full of several": lambda r: sorted(r.whereis(["notes.txt", "data/one.dat"], output="full")),
    "get_urls": lambda r: [r.get_urls("web.dat"), r.get_urls("notes.txt")],
    "get_metadata": lambda r: list(r.get_metadata(["notes.txt", "data/one.dat"])),
    "get_preferred_content": lambda r: [
        r.get_preferred_content("wanted"),
        r.get_preferred_content("required", "here"),
    ],
    "get_special_remotes": lambda r: sorted(x["name"] for x in r.get_special_remotes().values()),
    "special or not": lambda r: [
        r.is_special_annex_remote("store"),
        r.is_special_annex_remote("other"),
        r.is_remote_annex_ignored("other"),
    ],
    "is_under_annex": lambda r: [
        r.is_under_annex("notes.txt"),
        r.is_under_annex(["notes.txt", ".gitattributes", "new"]),
    ],
    "file_has_content": lambda r: [
        r.file_has_content("notes.txt"),
        r.file_has_content(["notes.txt", "data/two.dat", ".gitattributes"]),
    ],
    "get_file_key": lambda r: [r.get_file_key("notes.txt"), r.get_file_key(["notes.txt", "data/one.dat"])],
    "get_file_key of git": lambda r: r.get_file_key(".gitattributes"),
    "get_file_key of nothing": lambda r: r.get_file_key("nonsense"),
    "get_file_backend": lambda r: r.get_file_backend("notes.txt"),
    "get_contentlocation": lambda r: [
        r.get_contentlocation(r.get_file_key(f)) for f in ("notes.txt", "data/two.dat")
    ],
    "get_annexed_files": lambda r: [
        sorted(r.get_annexed_files()),
        sorted(r.get_annexed_files(with_content_only=True)),
    ],
    "get_indexed_files": lambda r: sorted(r.get_indexed_files()),
    "places": lambda r: [r.path, r.pathobj, r.dot_git, r.bare, len(r.uuid)],
    "kinds": lambda r: [r.is_managed_branch(), r.is_with_annex(), r.is_valid(), r.is_initialized()],
    "config": lambda r: [
        r.config.get("annex.version"),
        r.config.get("no.such"),
        r.config.get("my.list", get_all=True),
    ],
    "repo_info": lambda r: [r.repo_info()[k] for k in ("local annex keys", "annexed files in working tree")],
    "get_gitattributes": lambda r: r.get_gitattributes(["notes.txt", ".gitattributes"]),
    "get_submodules": lambda r: r.get_submodules(),
    "for_each_ref_": lambda r: [
        x["refname"] for x in r.for_each_ref_(fields=("refname", "objecttype"), pattern="refs/heads")
    ],
    "for_each_ref_ one field": lambda r: list(r.for_each_ref_(fields="refname", pattern="refs/tags")),
    "default_backends": lambda r: r.default_backends,
    # what changes something comes last, in this order
    "add": lambda r: [{k: x[k] for k in ("command", "file", "success")} for x in r.add(["new"])],
    "commit": lambda r: [r.commit("by commit"), r.format_commit("%s")],
    "save": lambda r: [
        (r.pathobj / "newer").write_text("x"),
        sorted((x["action"], x["path"], x["status"]) for x in r.save("by save", paths=["newer"])),
        r.format_commit("%s"),
    ],
    "save of nothing": lambda r: r.save("nothing"),
    "tag": lambda r: [r.tag("v2"), r.tag("v3", message="words"), r.get_tags(output="name")],
    "checkout": lambda r: [
        r.checkout("side", ["-b"]),
        r.get_active_branch(),
        r.checkout("main"),
        r.get_active_branch(),
    ],
    "merge": lambda r: [r.merge("side")],
    "drop": lambda r: [
        {k: x[k] for k in ("command", "file", "success", "key")}
        for x in _listed(r.drop(["data/one.dat"], options=["--force"]))
    ],
    "fetch": lambda r: r.fetch("other") is not None,
    "get from": lambda r: [
        {k: x[k] for k in ("command", "file", "success", "key")}
        for x in _listed(r.get(["data/one.dat"], remote="store"))
    ],
    "get what is here": lambda r: _listed(r.get(["data/one.dat"])),
    "copy_to": lambda r: r.copy_to(["notes.txt"], "store"),
    "unlock": lambda r: r.unlock(["notes.txt"]),
    "set_metadata": lambda r: [
        [x["success"] for x in r.set_metadata("data/one.dat", add={"tag": ["a", "b"], "who": "me"})],
        list(r.get_metadata("data/one.dat")),
    ],
    "set_preferred_content": lambda r: [
        r.set_preferred_content("wanted", "anything"),
        r.get_preferred_content("wanted"),
    ],
    "set_gitattributes": lambda r: [
        r.set_gitattributes([("*.md", {"annex.largefiles": "nothing"})]),
        r.get_gitattributes("x.md"),
    ],
    "rm_url": lambda r: [
        r.add_url_to_file("web.dat", "http://example.org/more", options=["--relaxed"])["success"],
        r.get_urls("web.dat"),
        r.rm_url("web.dat", "http://example.org/more"),
        r.get_urls("web.dat"),
    ],
    "init_remote": lambda r: [
        r.init_remote("second", ["type=directory", "encryption=none", f"directory={r.path}/../second"]),
        sorted(r.get_remotes()),
    ],
    "set_remote_dead": lambda r: [
        r.set_remote_dead("second").split()[:3],
        sorted(x["name"] for x in r.get_special_remotes().values()),
    ],
    "fsck": lambda r: [
        {k: x[k] for k in ("command", "file", "success")} for x in r.fsck(["data/one.dat"], fast=True)
    ],
    "set_default_backend": lambda r: [r.set_default_backend("MD5E"), r.default_backends],
    "remove": lambda r: r.remove(["newer"]),
    "precommit": lambda r: r.precommit(),
    "localsync": lambda r: r.localsync(),
}


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in sorted(value.items(), key=str)}
    if isinstance(value, (list, tuple, Iterator)):
        return [_plain(v) for v in value]
    return os.fspath(value) if isinstance(value, Path) else value


def _ask(question: Callable[[Any], Any], repo: Any) -> Any:
    try:
        return _plain(question(repo))
    except Exception as e:  # noqa: BLE001  whatever it is, its name is the answer
        return f"raised {type(e).__name__}" + (f" {e}" if os.environ.get("SAY_WHY") else "")


def main() -> None:
    api = importlib.import_module(sys.argv[1])
    repo = api.Dataset(sys.argv[2]).repo
    wanted = sys.argv[3:] or QUESTIONS
    sys.stdout.write(json.dumps({name: _ask(QUESTIONS[name], repo) for name in wanted}))


if __name__ == "__main__":
    main()
