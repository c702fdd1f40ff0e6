"""What the API tells of issues, pull requests and notices, in the fields that Gitea has."""

from __future__ import annotations

from rookery.hub.asking import Site
from rookery.hub.domain.discussion import Activity, Comment, Issue, Label, Notice, Pull, Remark
from rookery.hub.domain.moments import moment
from rookery.hub.domain.records import Repository
from rookery.hub.http_api.shapes import Shape
from rookery.hub.services.changes import Change, Version
from rookery.hub.services.proposals import Comparison, Content

_STATUS = {"A": "added", "D": "deleted", "M": "changed", "T": "changed", "R": "renamed", "C": "copied"}


def person(name: str, site: Site) -> Shape:
    """Tell of somebody, in short."""
    return {"login": name, "username": name, "html_url": f"{site.http}/{name}"}


def label(of: Label) -> Shape:
    """Tell of a label."""
    return {"id": of.id, "name": of.name, "color": of.color, "description": of.description}


def issue(of: Issue, labels: list[Label], where: Repository, site: Site) -> Shape:
    """Tell of an issue, or of what a pull request has of one."""
    kind = "pulls" if of.is_pull else "issues"
    return {
        "id": of.id,
        "number": of.number,
        "title": of.title,
        "body": of.body,
        "user": person(of.author, site),
        "state": "open" if of.open else "closed",
        "labels": [label(one) for one in labels],
        "comments": of.comments,
        "url": f"{site.http}/api/v1/repos/{where.path}/{kind}/{of.number}",
        "html_url": f"{site.page(where.path)}/{kind}/{of.number}",
        "repository": {
            "id": where.id,
            "name": where.name,
            "owner": where.owner,
            "full_name": str(where.path),
        },
        "pull_request": {} if of.is_pull else None,
        "created_at": moment(of.created),
        "updated_at": moment(of.updated),
        "closed_at": None if of.closed is None else moment(of.closed),
    }


def comment(of: Comment, to: Issue, where: Repository, site: Site) -> Shape:
    """Tell of something said; `type` of a note says what was done."""
    kind = "pulls" if to.is_pull else "issues"
    return {
        "id": of.id,
        "type": of.kind.value,
        "body": of.body,
        "user": person(of.author, site),
        "html_url": f"{site.page(where.path)}/{kind}/{to.number}#comment-{of.id}",
        "created_at": moment(of.created),
        "updated_at": moment(of.updated),
    }


def said(comments: list[Comment]) -> list[Comment]:
    """Leave out the notes of what was done."""
    return [one for one in comments if one.kind is Remark.COMMENT]


def pull(of: Issue, what: Pull, labels: list[Label], where: Repository, site: Site) -> Shape:
    """Tell of a pull request."""
    return {
        **issue(of, labels, where, site),
        "merged": what.merged is not None,
        "merged_at": None if what.merged_at is None else moment(what.merged_at),
        "merged_by": None if what.merged_by is None else person(what.merged_by, site),
        "merge_commit_sha": what.merged,
        "merge_base": what.base,
        "head": {
            "label": f"{what.source_name}:{what.source_branch}",
            "ref": what.source_branch,
            "sha": what.head,
            "repo_id": what.source,
        },
        "base": {"label": what.target_branch, "ref": what.target_branch, "repo_id": where.id},
        "fetch": f"refs/pull/{of.number}/head",
    }


def comparison(seen: Comparison, content: Content) -> Shape:
    """Tell whether a proposal can be merged, and where its content is.  All of it but `mergeable` is ours."""
    return {
        "mergeable": not seen.conflicts and not seen.too_old,
        "conflicts": list(seen.conflicts),
        "commits": seen.total,
        "annex": {
            "here": content.here,
            "comes_along": content.there,
            "bytes": content.coming,
            "missing": [{"path": path, "key": key} for path, key in content.missing],
        },
    }


def change(of: Change) -> Shape:
    """Tell of a file that differs."""
    shape: Shape = {"filename": of.path, "status": _STATUS.get(of.status, "changed")}
    if of.from_path:
        shape["previous_filename"] = of.from_path
    if of.patch is not None:
        shape |= {"additions": of.patch.added, "deletions": of.patch.removed}
    for side, version in (("old", of.old), ("new", of.new)):
        if version is not None:
            shape[side] = _version(version)
    return shape


def _version(of: Version) -> Shape:
    shape: Shape = {"sha": of.sha, "mode": f"{of.mode:06o}", "size": of.size}
    if of.key is not None:
        shape["annex"] = {"key": of.key, "present": bool(of.here)}
    return shape


def notice(of: Notice, where: Repository, site: Site) -> Shape:
    """Tell somebody of what they were told."""
    kind = "pulls" if of.issue.is_pull else "issues"
    return {
        "id": of.id,
        "unread": of.unread,
        "reason": of.reason.value,
        "updated_at": moment(of.updated),
        "repository": {"id": where.id, "full_name": str(where.path), "html_url": site.page(where.path)},
        "subject": {
            "title": of.issue.title,
            "type": "Pull" if of.issue.is_pull else "Issue",
            "state": "open" if of.issue.open else "closed",
            "url": f"{site.http}/api/v1/repos/{where.path}/{kind}/{of.issue.number}",
            "html_url": f"{site.page(where.path)}/{kind}/{of.issue.number}",
        },
    }


def activity(of: Activity, where: Repository, site: Site) -> Shape:
    """Tell of something that happened."""
    return {
        "id": of.id,
        "act_user": person(of.actor, site),
        "op_type": of.action,
        "content": of.detail,
        "html_url": f"{site.page(where.path)}{of.link}",
        "created": moment(of.at),
    }
