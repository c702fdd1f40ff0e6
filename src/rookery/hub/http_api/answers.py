"""What the API answers, as its description says: the fields of `shapes.py`, with their types.

FastAPI checks each answer against these, so that the description is true.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from rookery.hub.http_api.bodies import LevelWord, VisibilityWord


class Told(BaseModel):
    """An answer.  More fields may come in later versions."""

    model_config = ConfigDict(extra="allow")


class Problem(Told):
    """Why something was refused."""

    message: str
    url: str = ""


class User(Told):
    """An account; `email` only to itself."""

    id: int
    login: str
    username: str
    full_name: str
    email: str
    avatar_url: str
    html_url: str
    is_admin: bool
    created: str


class UserSettings(Told):
    """One's profile."""

    full_name: str
    hide_email: Literal[True]


class Collaborator(User):
    """Somebody who was invited to a repository."""

    permission: LevelWord | Literal["owner"]


class Permissions(Told):
    """What whoever asks may do."""

    admin: bool
    push: bool
    pull: bool
    drop: bool


class Repository(Told):
    """A repository."""

    id: int
    owner: User
    name: str
    full_name: str
    description: str
    private: bool
    internal: bool
    unlisted: bool
    visibility: VisibilityWord
    archived: bool
    fork: bool
    parent: dict[str, Any] | None
    empty: bool
    mirror: bool
    html_url: str
    clone_url: str
    ssh_url: str
    website: str
    stars_count: int
    forks_count: int
    watchers_count: int
    open_issues_count: int
    default_branch: str
    annex_uuid: str
    drop_level: str
    created_at: str
    updated_at: str
    permissions: Permissions


class Found(Told):
    """What a search found."""

    ok: bool
    data: list[Repository]


class Token(Told):
    """A token; `sha1` is its secret, in the answer to its making and nowhere else."""

    id: int
    name: str
    sha1: str
    token_last_eight: str
    hint: str
    scopes: list[str]
    repositories: list[int] | None
    append_only: bool
    created_at: str
    expires_at: str | None


class PublicKey(Told):
    """An SSH key."""

    id: int
    key: str
    title: str
    fingerprint: str
    url: str
    created_at: str
    read_only: bool
    append_only: bool


class Team(Told):
    """A team of an organisation."""

    id: int
    name: str
    permission: str
    includes_all_repositories: bool


class Named(Told):
    """A commit by its name, under the two words that clients look for."""

    id: str
    sha: str


class Ref(Told):
    """A branch or a tag."""

    name: str
    commit: Named


class Object(Told):
    """Something in the history, by its name."""

    sha: str


class Person(Told):
    """Who made a commit, and when."""

    name: str
    email: str
    date: str


class CommitItself(Told):
    """What a commit holds."""

    message: str
    author: Person
    committer: Person
    tree: Object


class Commit(Told):
    """A commit."""

    sha: str
    url: str
    html_url: str
    commit: CommitItself
    parents: list[Object]


class Content(Told):
    """The content of an annexed file: its key, and whether it is here."""

    key: str
    present: bool


class Entry(Told):
    """A file or folder.  `content` (base64) is there for one small file that was asked for."""

    name: str
    path: str
    sha: str
    type: Literal["file", "dir", "symlink", "submodule"]
    size: int
    url: str
    download_url: str | None
    target: str | None = None
    annex: Content | None = None
    encoding: Literal["base64"] | None = None
    content: str | None = None


class Summary(Told):
    """How much content is here."""

    uuid: str
    keys: int
    bytes: int


class Place(Told):
    """A place that is known to have content."""

    uuid: str
    description: str


class Whereis(Told):
    """Where the content of a file is: `here` is this hub's own knowledge, `whereis` what the location log says."""

    key: str
    here: bool
    whereis: list[Place]


class Run(Told):
    """A commit that a command made: its run record.  With `problem` the record cannot be read, and the rest is empty.

    `pwd` is where the command ran, "." for the top of the dataset; `exit` is its code;
    `chain` has the commits whose runs this one repeats; `record` is the record as it is.
    """

    sha: str
    html_url: str
    message: str
    author: Person
    command: str
    inputs: list[str]
    extra_inputs: list[str]
    outputs: list[str]
    pwd: str
    exit: int | None
    chain: list[str]
    sidecar: str | None
    record: dict[str, Any]
    problem: str


class Version(Told):
    """Which Rookery this is; where SSH is spoken, and by whose keys."""

    version: str
    ssh: str | None
    ssh_host_keys: list[str]
