"""What clients send.  Go's clients do not care about the case of a first letter, so neither do we where they differ."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, BaseModel, Field

LevelWord = Literal["read", "write", "admin"]
VisibilityWord = Literal["private", "internal", "unlisted", "public"]


class NewToken(BaseModel):
    """A token.  `expires_in_days`, `repositories` (as owner/name) and `append_only` are ours."""

    name: str = Field(validation_alias=AliasChoices("name", "Name"))
    scopes: list[str] = []
    repositories: list[str] | None = None
    append_only: bool = False
    expires_in_days: int | None = Field(None, ge=1, le=36500)


class UserSettingsChange(BaseModel):
    """What is to be otherwise in one's profile."""

    full_name: str | None = None
    hide_email: Literal[True] | None = None  # nobody else ever sees it


class NewKey(BaseModel):
    """An SSH key."""

    title: str = Field("", validation_alias=AliasChoices("title", "Title"))
    key: str = Field(validation_alias=AliasChoices("key", "Key"))


class NewDeployKey(NewKey):
    """An SSH key of one repository."""

    read_only: bool = True
    append_only: bool = False


class NewRepository(BaseModel):
    """A repository.  `visibility` is ours and wins over `private`."""

    name: str
    description: str = ""
    private: bool = True
    visibility: VisibilityWord | None = None
    default_branch: str | None = None
    auto_init: Literal[False] = False  # a dataset brings its own first commit


class NewFork(BaseModel):
    """A fork: of one's own, or of an organisation."""

    organization: str | None = None
    name: str | None = None


class RepositoryChange(BaseModel):
    """What is to be otherwise in a repository."""

    name: str | None = None
    description: str | None = None
    private: bool | None = None
    visibility: VisibilityWord | None = None
    default_branch: str | None = None
    archived: bool | None = None
    drop_level: Literal["write", "admin", "owner"] | None = None
    keep_last: bool | None = None


class Collaboration(BaseModel):
    """The level of a collaborator."""

    permission: LevelWord = "write"


class NewOrganisation(BaseModel):
    """An organisation."""

    username: str
    full_name: str = ""


class NewTeam(BaseModel):
    """A team."""

    name: str
    permission: Literal["read", "write", "admin", "owner"] = "read"
    includes_all_repositories: bool = False


class NewUser(BaseModel):
    """An account, made by an administrator."""

    username: str
    email: str
    password: str


class NewIssue(BaseModel):
    """An issue."""

    title: str
    body: str = ""
    labels: list[int] = []


class IssueChange(BaseModel):
    """What is to be otherwise in an issue or a pull request."""

    title: str | None = None
    body: str | None = None
    state: Literal["open", "closed"] | None = None


class NewComment(BaseModel):
    """Something said."""

    body: str


class NewLabel(BaseModel):
    """A label."""

    name: str
    color: str
    description: str = ""


class IssueLabels(BaseModel):
    """The labels that an issue is to bear."""

    labels: list[int]


class NewPull(BaseModel):
    """A pull request; `head` is BRANCH, OWNER:BRANCH or OWNER/NAME:BRANCH."""

    title: str
    head: str
    base: str
    body: str = ""


class MergeOrder(BaseModel):
    """How to merge; `head_commit_id` is the commit that was looked at."""

    Do: Literal["merge", "squash", "fast-forward-only"] = "merge"
    MergeTitleField: str = ""
    MergeMessageField: str = ""
    head_commit_id: str = ""


class HookConfig(BaseModel):
    """Where a webhook leads, and what signs its messages."""

    url: str | None = None
    content_type: Literal["json"] = "json"
    secret: str | None = None


class NewHook(BaseModel):
    """A webhook; `type` says for which kind of receiver, and all get the same."""

    type: Literal["gitea", "gogs", "forgejo"] = "gitea"
    config: HookConfig
    events: list[str] = []
    active: bool = True


class HookChange(BaseModel):
    """What is to be otherwise in a webhook."""

    config: HookConfig | None = None
    events: list[str] | None = None
    active: bool | None = None
