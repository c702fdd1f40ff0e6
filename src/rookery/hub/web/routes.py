"""The addresses of the pages."""

from __future__ import annotations

from pathlib import Path

from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from rookery.hub.web import (
    administration,
    appearance,
    commits,
    entrance,
    explore,
    files,
    hooks,
    issues,
    nested,
    notices,
    organisations,
    own,
    provenance,
    pulls,
    repositories,
    repository_settings,
)
from rookery.hub.web.uploading import upload_page
from rookery.hub.web.visit import pages


def routes() -> list[BaseRoute]:
    """Give the routes; those of repositories come last, since they begin with any name."""
    return [*_of_the_site(), *_of_repositories(), pages("/{owner}", repositories.account)]


def _of_the_site() -> list[BaseRoute]:
    return [
        Mount("/assets", StaticFiles(directory=Path(__file__).parent / "assets"), name="assets"),
        pages("/", explore.explore),
        pages("/user/sign_up", entrance.show_sign_up, entrance.sign_up),
        pages("/user/login", entrance.show_login, entrance.login),
        pages("/user/logout", None, entrance.logout),
        pages("/user/look", None, appearance.choose),
        pages("/avatars/{name}", appearance.picture),
        pages("/user/settings", own.show_profile, own.act_on_profile),
        pages("/user/settings/keys", own.show_keys, own.act_on_keys),
        pages("/user/settings/applications", own.show_tokens, own.act_on_tokens),
        pages("/user/settings/password", own.show_password, own.set_password),
        pages("/admin", administration.show_accounts, administration.act_on_accounts),
        pages("/admin/accounts/{name}", administration.show_account, administration.act_on_account),
        pages("/admin/repositories", administration.show_repositories, administration.act_on_repositories),
        pages("/admin/audit", administration.show_audit),
        pages("/org/create", organisations.show_create, organisations.create),
        pages("/org/{org}/teams", organisations.show_teams, organisations.act_on_teams),
        pages("/notifications", notices.show, notices.act),
        pages("/repo/create", repositories.show_create, repositories.create),
    ]


def _of_repositories() -> list[BaseRoute]:
    here = "/{owner}/{repo}"
    return [
        pages(f"{here}/settings", repository_settings.show, repository_settings.act),
        pages(
            f"{here}/settings/collaboration",
            repository_settings.show_collaboration,
            repository_settings.act_on_collaboration,
        ),
        pages(
            f"{here}/settings/keys",
            repository_settings.show_deploy_keys,
            repository_settings.act_on_deploy_keys,
        ),
        upload_page(f"{here}/upload/{{rest:path}}"),
        *_talk(here),
        pages(f"{here}/find", explore.find_files),
        pages(f"{here}/find/{{rest:path}}", explore.find_files),
        pages(f"{here}/provenance/{{rest:path}}", provenance.show),
        pages(f"{here}/branches", commits.branches),
        pages(f"{here}/tags", commits.tags),
        pages(f"{here}/commits", commits.of_default_branch),
        pages(f"{here}/commits/{{rest:path}}", commits.of_ref),
        pages(f"{here}/commit/{{sha}}", commits.one),
        pages(f"{here}/src/{{rest:path}}", files.browse),
        pages(f"{here}/raw/{{rest:path}}", files.raw),
        pages(f"{here}/archive/{{rest:path}}", files.archive),
        pages(here, files.front),
    ]


def nested_routes() -> list[BaseRoute]:
    """Give what comes behind all others, since it takes any address below a repository."""
    return [pages("/{owner}/{repo}/{below:path}", nested.below)]


def _talk(here: str) -> list[BaseRoute]:
    """Give the routes of what people say to each other about a repository, and of forks."""
    return [
        pages(f"{here}/settings/hooks", hooks.show_all, hooks.act_on_all),
        pages(f"{here}/settings/hooks/{{number}}", hooks.show, hooks.act),
        pages(f"{here}/issues", issues.show_list),
        pages(f"{here}/issues/new", issues.show_new, issues.create),
        pages(f"{here}/issues/{{number}}", issues.show, issues.act),
        pages(f"{here}/labels", issues.show_labels, issues.act_on_labels),
        pages(f"{here}/pulls", pulls.show_list),
        pages(f"{here}/pulls/new", pulls.show_new, pulls.propose),
        pages(f"{here}/pulls/{{number}}", pulls.show, pulls.act),
        pages(f"{here}/pulls/{{number}}/commits", pulls.show_commits),
        pages(f"{here}/pulls/{{number}}/files", pulls.show_files),
        pages(f"{here}/fork", pulls.show_fork, pulls.fork),
        pages(f"{here}/activity", notices.activity),
    ]
