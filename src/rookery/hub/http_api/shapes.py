"""What the API tells of things, in the fields that Gogs, Gitea and GIN have."""

from __future__ import annotations

from typing import Any

from rookery.git.commits import Commit, Person
from rookery.hub.asking import Site
from rookery.hub.domain.access import Action, Level, Visibility
from rookery.hub.domain.moments import moment
from rookery.hub.domain.ports.organisations import Team
from rookery.hub.domain.records import Account, PublicKey, Repository, Token
from rookery.hub.services.runs import Run

Shape = dict[str, Any]


def account(of: Account, site: Site, *, own: bool = False) -> Shape:
    """Tell of an account; its e-mail address only to itself."""
    return {
        "id": of.id,
        "login": of.name,
        "username": of.name,
        "full_name": of.full_name,
        "email": (of.email or "") if own else "",
        "avatar_url": f"{site.http}/avatars/{of.name}",
        "html_url": f"{site.http}/{of.name}",
        "is_admin": of.admin if own else False,
        "created": moment(of.created),
    }


def settings(of: Account) -> Shape:
    """Tell of an account's profile."""
    return {"full_name": of.full_name, "hide_email": True}


def repository(of: Repository, owner: Account, may: frozenset[Action], site: Site, *, empty: bool) -> Shape:
    """Tell of a repository, and of what whoever asks may do in it."""
    clone = site.clone(of.path)
    return {
        "id": of.id,
        "owner": account(owner, site),
        "name": of.name,
        "full_name": str(of.path),
        "description": of.description,
        "private": of.visibility in (Visibility.PRIVATE, Visibility.INTERNAL),
        "internal": of.visibility is Visibility.INTERNAL,
        "unlisted": of.visibility is Visibility.UNLISTED,
        "visibility": of.visibility.value,
        "archived": of.archived,
        "fork": False,
        "parent": None,
        "empty": empty,
        "mirror": False,
        "html_url": site.page(of.path),
        "clone_url": clone,
        "ssh_url": site.clone_ssh(of.path) or clone,
        "website": "",
        "stars_count": 0,
        "forks_count": 0,
        "watchers_count": 0,
        "open_issues_count": 0,
        "default_branch": of.default_branch,
        "annex_uuid": of.uuid,
        "drop_level": of.drop_level.name.lower(),
        "created_at": moment(of.created),
        "updated_at": moment(of.updated),
        "permissions": {
            "admin": Action.MANAGE in may,
            "push": Action.WRITE in may,
            "pull": Action.READ in may,
            "drop": Action.DROP in may,
        },
    }


def token(of: Token, secret: str = "") -> Shape:
    """Tell of a token; `secret` only at its making."""
    return {
        "id": of.id,
        "name": of.name,
        "sha1": secret,
        "token_last_eight": "",
        "hint": of.hint,
        "scopes": sorted(of.scopes),
        "repositories": None if of.repositories is None else sorted(of.repositories),
        "append_only": of.append_only,
        "created_at": moment(of.created),
        "expires_at": None if of.expires is None else moment(of.expires),
    }


def public_key(of: PublicKey, site: Site) -> Shape:
    """Tell of an SSH key."""
    return {
        "id": of.id,
        "key": of.line,
        "title": of.title,
        "fingerprint": of.fingerprint,
        "url": f"{site.http}/api/v1/user/keys/{of.id}",
        "created_at": moment(of.created),
        "read_only": of.repository is not None and of.level < Level.WRITE,
        "append_only": of.append_only,
    }


def team(of: Team) -> Shape:
    """Tell of a team."""
    return {
        "id": of.id,
        "name": of.name,
        "permission": of.level.name.lower(),
        "includes_all_repositories": of.all_repositories,
    }


def commit(of: Commit, repository_: Repository, site: Site) -> Shape:
    """Tell of a commit."""
    url = f"{site.http}/api/v1/repos/{repository_.path}/commits/{of.sha}"
    return {
        "sha": of.sha,
        "url": url,
        "html_url": f"{site.page(repository_.path)}/commit/{of.sha}",
        "commit": {
            "message": of.message,
            "author": _person(of.author),
            "committer": _person(of.committer),
            "tree": {"sha": of.tree},
        },
        "parents": [{"sha": parent} for parent in of.parents],
    }


def run(of: Run, repository_: Repository, site: Site) -> Shape:
    """Tell of a run."""
    return {
        "sha": of.commit.sha,
        "html_url": f"{site.page(repository_.path)}/commit/{of.commit.sha}",
        "message": of.words,
        "author": _person(of.commit.author),
        "command": of.command,
        "inputs": list(of.inputs),
        "extra_inputs": list(of.extra_inputs),
        "outputs": list(of.outputs),
        "pwd": of.folder,
        "exit": of.exit,
        "chain": list(of.chain),
        "sidecar": of.sidecar,
        "record": of.info,
        "problem": of.problem,
    }


def _person(of: Person) -> Shape:
    seconds, _, _zone = of.date.partition(" ")
    return {"name": of.name, "email": of.email, "date": moment(float(seconds))}
