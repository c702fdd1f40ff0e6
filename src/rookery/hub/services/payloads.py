"""What webhooks are told of things, in the fields that Gitea has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rookery.git.commits import Commit
from rookery.hub.domain.access import Visibility
from rookery.hub.domain.discussion import Comment, Issue, Pull
from rookery.hub.domain.moments import moment
from rookery.hub.domain.records import Repository

Payload = dict[str, Any]

NOTHING = "0" * 40


def person(name: str) -> Payload:
    """Tell of somebody."""
    return {"login": name, "username": name}


def repository(of: Repository, home: str) -> Payload:
    """Tell of a repository; `home` is what the hub's addresses begin with."""
    return {
        "id": of.id,
        "name": of.name,
        "full_name": str(of.path),
        "owner": person(of.owner),
        "description": of.description,
        "private": of.visibility in (Visibility.PRIVATE, Visibility.INTERNAL),
        "html_url": f"{home}/{of.path}",
        "clone_url": f"{home}/{of.path}.git",
        "default_branch": of.default_branch,
    }


def _issue(of: Issue, where: Repository, home: str) -> Payload:
    kind = "pulls" if of.is_pull else "issues"
    return {
        "id": of.id,
        "number": of.number,
        "title": of.title,
        "body": of.body,
        "user": person(of.author),
        "state": "open" if of.open else "closed",
        "comments": of.comments,
        "html_url": f"{home}/{where.path}/{kind}/{of.number}",
        "created_at": moment(of.created),
        "updated_at": moment(of.updated),
        "closed_at": None if of.closed is None else moment(of.closed),
    }


def _pull(of: Issue, pull: Pull, where: Repository, home: str) -> Payload:
    return {
        **_issue(of, where, home),
        "merged": pull.merged is not None,
        "merge_commit_sha": pull.merged,
        "merge_base": pull.base,
        "head": {
            "ref": pull.source_branch,
            "sha": pull.head,
            "label": pull.source_name,
            "repo_id": pull.source,
        },
        "base": {"ref": pull.target_branch, "sha": pull.base, "label": str(where.path), "repo_id": where.id},
    }


def issue(
    action: str, of: Issue, where: Repository, sender: str, home: str, pull: Pull | None = None
) -> Payload:
    """Tell what was done with an issue, or a pull request."""
    told = (
        {"issue": _issue(of, where, home)} if pull is None else {"pull_request": _pull(of, pull, where, home)}
    )
    return {
        "action": action,
        "number": of.number,
        **told,
        "repository": repository(where, home),
        "sender": person(sender),
    }


def comment(said: Comment, of: Issue, where: Repository, home: str) -> Payload:
    """Tell of a comment."""
    page = f"{_issue(of, where, home)['html_url']}#comment-{said.id}"
    return {
        "action": "created",
        "issue": _issue(of, where, home),
        "is_pull": of.is_pull,
        "comment": {
            "id": said.id,
            "body": said.body,
            "user": person(said.author),
            "html_url": page,
            "created_at": moment(said.created),
        },
        "repository": repository(where, home),
        "sender": person(said.author),
    }


def push(
    ref: str, before: str, after: str, commits: Sequence[Commit], where: Repository, sender: str, home: str
) -> Payload:
    """Tell that a branch or tag was moved; `commits` are the newest of those that came, newest first."""
    page = f"{home}/{where.path}"
    told = [
        {
            "id": one.sha,
            "message": one.message,
            "url": f"{page}/commit/{one.sha}",
            "author": {"name": one.author.name, "email": one.author.email},
            "committer": {"name": one.committer.name, "email": one.committer.email},
        }
        for one in commits
    ]
    return {
        "ref": ref,
        "before": before or NOTHING,
        "after": after or NOTHING,
        "commits": told,
        "head_commit": told[0] if told else None,
        "total_commits": len(told),
        "repository": repository(where, home),
        "pusher": person(sender),
        "sender": person(sender),
    }


def fork(made: Repository, of: Repository, sender: str, home: str) -> Payload:
    """Tell that a repository was forked."""
    return {"forkee": repository(of, home), "repository": repository(made, home), "sender": person(sender)}
