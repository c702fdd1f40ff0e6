"""What the API says of itself is true: schemathesis asks by its description, and compares the answers with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi import checks

from rookery.hub.app import make_app
from rookery.hub.asking import Site
from rookery.hub.domain.access import Action, Visibility
from rookery.hub.domain.names import parse_path
from rookery.hub.http_api import answers, shapes
from rookery.hub.services.runs import Run
from support.asgi import Caller
from support.home import make_home
from support.hubs import HubInside, make_hub_inside
from support.programs import Program

Described = tuple[schemathesis.BaseSchema, dict[str, str]]

# What is there, for addresses that lead somewhere.
THERE = {
    "owner": "ada",
    "repo": "data",
    "name": "ada",
    "org": "lab",
    "team": "1",
    "branch": "main",
    "sha": "main",
    "file": "read me.txt",
    "archive": "main.zip",
}


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[HubInside]:
    made = make_hub_inside(tmp_path_factory.mktemp("hub") / "hub", database=new_database())
    yield made
    made.opened.database.close()


@pytest.fixture(scope="module")
def described(hub: HubInside, tmp_path_factory: pytest.TempPathFactory) -> Described:
    """Give the description, and the headers of an administrator; have something to ask for."""
    ada = hub.person("ada", admin=True)
    hub.opened.hub.organisations.create(ada, "lab")
    where = hub.repository(ada, "data", Visibility.PUBLIC)
    folder = tmp_path_factory.mktemp("clone")
    git = Program(["git"], make_home(folder / "home", os.environ).env, folder)
    git("init", "-q", "-b", "main")
    (folder / "read me.txt").write_text("text\n")
    git("add", "read me.txt")
    git("commit", "-qm", "first")
    git("push", "-q", hub.opened.histories.place(where.id), "main")
    app = make_app(hub.opened.hub, hub.opened.settings)
    token = hub.opened.hub.accounts.add_token(ada, "all")[1]
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app), {"Authorization": f"token {token}"}


CHECKS = [
    schemathesis.checks.not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
    checks.response_headers_conformance,
]


@pytest.mark.parametrize(
    "examples", [2, pytest.param(40, marks=[pytest.mark.campaign, pytest.mark.timeout(1800)])]
)
def test_answers_are_as_they_are_described(described: Described, examples: int) -> None:
    schema, headers = described
    seen: dict[int, int] = {}
    wrong: list[str] = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @settings(max_examples=examples, database=None, derandomize=True)
        @given(case=operation.as_strategy(), there=st.sampled_from([True, True, False]))
        def ask(case: schemathesis.Case, there: bool) -> None:
            if there:
                case.path_parameters = {
                    name: THERE.get(name, value) for name, value in case.path_parameters.items()
                }
            if case.method == "DELETE" and case.path.endswith("{repo}"):
                case.path_parameters["repo"] = "gone"
            answer = case.call(headers=headers)
            seen[answer.status_code] = seen.get(answer.status_code, 0) + 1
            case.validate_response(answer, checks=CHECKS)

        try:
            ask()
        except Exception as e:  # noqa: BLE001 - all routes are looked at, and all of it told
            wrong.append(f"{operation.method.upper()} {operation.path}: {e}")
    assert not wrong, "\n".join(wrong)
    assert seen[200] > 20


def test_every_answer_is_described(described: Described) -> None:
    told = described[0].raw_schema
    vague = []
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                for kind, content in answer.get("content", {}).items():
                    if kind == "application/json" and not content["schema"]:
                        vague.append(f"{method} {path} {status}")
    assert vague == []
    assert {"token", "basic"} == set(told["components"]["securitySchemes"])


def test_every_field_is_described(hub: HubInside, described: Described) -> None:
    ada = hub.person("ada")
    hubs = hub.opened.hub
    with hub.opened.database.reading() as work:
        account, where = work.accounts.by_name("ada"), work.repositories.by_path(parse_path("ada/data"))
    assert account
    assert where
    site = Site("http://hub", None)
    commit = hubs.browsing.commits(hubs.browsing.at(ada, where.id))[0]
    told = {
        answers.User: shapes.account(account, site),
        answers.Repository: shapes.repository(where, account, frozenset(Action), site, empty=True),
        answers.Token: shapes.token(hubs.accounts.tokens(ada)[0]),
        answers.Commit: shapes.commit(commit, where, site),
        answers.Run: shapes.run(Run(commit), where, site),
        answers.Team: shapes.team(hubs.organisations.teams(ada, "lab")[0]),
    }
    for model, shape in told.items():
        assert set(shape) == set(model.model_fields), model


def test_numbers_that_no_table_has_lead_nowhere(hub: HubInside, described: Described) -> None:
    schema, headers = described
    ask = Caller(make_app(hub.opened.hub, hub.opened.settings))
    asked = 0
    for path, methods in schema.raw_schema["paths"].items():
        for method, operation in methods.items():
            told = [one for one in operation.get("parameters", []) if one["in"] == "path"]
            numbers = [one["name"] for one in told if one["schema"].get("type") == "integer"]
            url = "/api/v1" + path
            for name in (one["name"] for one in told):
                url = url.replace(f"{{{name}}}", "9" * 19 if name in numbers else THERE.get(name, "x"))
            if numbers:
                asked += 1
                assert ask(method.upper(), url, headers=headers).status in (404, 422), (method, url)
    assert asked > 5
    ask.close()
