"""`credentials`: what is kept is found again, and no secret is shown that nobody asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support.programs import Answer, Program
from support.terminal import on_a_terminal

SECRET = "s3cr3t word/%"


def shows_nothing(*answers: Answer) -> None:
    for answer in answers:
        assert SECRET not in answer.stdout + answer.stderr


def test_what_is_set_is_listed_shown_and_removed(cli: Program, keyring_file: Path, git: Program) -> None:
    made = cli(
        "-f",
        "json",
        "credentials",
        "set",
        "work",
        "Type=user_password",
        "user=robin",
        "secret=-",
        stdin=SECRET,
    )
    assert made.records == [
        {
            "action": "credentials",
            "status": "ok",
            "name": "work",
            "secret_known": True,
            "secret_stored": True,
            "cred_type": "user_password",
            "cred_user": "robin",
        }
    ]
    assert git("config", "--global", "datalad.credential.work.user").text == "robin"
    assert SECRET not in (Path(git.env["GIT_CONFIG_GLOBAL"])).read_text()
    again = cli("credentials", "set", "work", "user=robin")
    assert again.lines == ["work (notneeded): secret known"]
    listed = cli("credentials")
    assert listed.lines == ["work: type=user_password, user=robin, secret known"]
    got = cli("-f", "json", "credentials", "get", "work")
    assert got.records[0]["cred_user"] == "robin"
    shows_nothing(made, again, listed, got)
    assert (
        cli("-f", "json", "credentials", "get", "work", "--show-secret").records[0]["cred_secret"] == SECRET
    )
    assert cli("credentials", "remove", "work").lines == ["work (ok)"]
    assert cli("credentials", "remove", "work").lines == ["work (notneeded)"]
    assert cli("credentials").lines == []
    assert SECRET.encode() not in keyring_file.read_bytes()


def test_a_query_takes_properties_and_one_can_be_taken_away(cli: Program, keyring_file: Path) -> None:
    for name, realm in (("a", "here"), ("b.c", "there"), ("b", "there")):
        cli("credentials", "set", name, f"realm={realm}", "user=x", "secret=1")
    assert [r["name"] for r in cli("-f", "json", "credentials", "query", "realm=there").records] == [
        "b",
        "b.c",
    ]
    taken = cli("-f", "json", "credentials", "set", "b", ":realm").records[0]
    assert taken["cred_realm"] is None
    assert [r["name"] for r in cli("-f", "json", "credentials", "query", "realm=there").records] == ["b.c"]


def test_a_committed_file_names_no_credential(cli: Program, tiny_dataset: Path, keyring_file: Path) -> None:
    with open(tiny_dataset / ".datalad" / "config", "a") as config:
        config.write(
            '[datalad "credential.evil"]\n\tuser = eve\n\tsecret = x\n\trealm = https://example.org/\n'
        )
    assert cli("credentials", cwd=tiny_dataset).lines == []
    cli("credentials", "get", "evil", cwd=tiny_dataset, code=1)


def test_the_environment_and_local_settings_hold_credentials_too(
    cli: Program, git: Program, tiny_dataset: Path
) -> None:
    env = {"DATALAD_CREDENTIAL_MY__CRED_USER": "robin", "DATALAD_CREDENTIAL_MY__CRED_SECRET": SECRET}
    got = cli("-f", "json", "credentials", "get", "my-cred", "--show-secret", env=env).records[0]
    assert (got["cred_user"], got["cred_secret"]) == ("robin", SECRET)
    assert cli("credentials", "get", "MY-Cred", env=env).lines == ["MY-Cred: user=robin, secret known"]
    git("config", "datalad.credential.here.user", "local", cwd=tiny_dataset)
    listed = cli("credentials", "-d", tiny_dataset, env=env)
    assert [line.partition(":")[0] for line in listed.lines] == ["here", "my-cred"]
    assert "here: user=local, secret not known" in listed.lines
    shows_nothing(listed)


def test_a_machine_that_keeps_no_secrets_says_so_and_notes_nothing(cli: Program, git: Program) -> None:
    answer = cli("credentials", "set", "work", "user=robin", f"secret={SECRET}", code=1)
    assert "the keyring that is configured keeps nothing" in answer.stdout
    assert "Hint:" in answer.stdout
    shows_nothing(answer)
    assert git("config", "--global", "--get-regexp", "credential", code=1).text == ""


def test_a_locked_configuration_ends_in_words_and_the_same_command_finishes_later(
    cli: Program, keyring_file: Path
) -> None:
    lock = Path(cli.env["GIT_CONFIG_GLOBAL"] + ".lock")
    lock.touch()
    answer = cli("credentials", "set", "work", "user=robin", f"secret={SECRET}", code=1)
    assert "could not be noted" in answer.stdout and "lock" in answer.stdout
    shows_nothing(answer)
    lock.unlink()
    cli("credentials", "set", "work", "user=robin")
    assert cli("credentials").lines == ["work: user=robin, secret known"]


def test_without_the_keyring_library_all_else_works(cli: Program, tmp_path: Path) -> None:
    (tmp_path / "keyring.py").write_text("raise ImportError\n")
    bare = cli.having({"PYTHONPATH": str(tmp_path)})
    answer = bare("credentials", "set", "work", "user=robin", "secret=1", code=1)
    assert "the Python package keyring is not installed" in answer.stdout
    env = {"DATALAD_CREDENTIAL_WORK_USER": "robin", "DATALAD_CREDENTIAL_WORK_SECRET": "1"}
    assert bare("credentials", "get", "work", env=env).lines == ["work: user=robin, secret known"]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["set"], "no credential is named"),
        (["get"], "no credential is named"),
        (["set", "a", "user"], "neither PROPERTY=VALUE nor :PROPERTY"),
        (["set", "a", ":user=x"], "neither PROPERTY=VALUE nor :PROPERTY"),
        (["set", "a", "bad_name=x"], "cannot have a property 'bad_name'"),
        (["set", "a\nb", "user=x"], "cannot be the name of a credential"),
        (["set", "a", "user=x", "--show-secret"], "for get alone"),
    ],
)
def test_what_cannot_be_understood_is_refused(cli: Program, words: list[str], why: str) -> None:
    assert why in cli("credentials", *words, code=2).stderr


def test_set_without_a_secret_wants_one(cli: Program, keyring_file: Path) -> None:
    answer = cli("credentials", "set", "work", "user=robin", code=1)
    assert "has no secret yet" in answer.stdout and "secret=-" in answer.stdout
    assert cli("credentials").lines == []


def test_a_person_types_the_secret_twice_and_unseen(cli: Program, keyring_file: Path) -> None:
    seen = on_a_terminal(cli, "credentials", "set", "work", "user=robin", answers=[SECRET, SECRET])
    assert "secret of work:" in seen and "once more:" in seen
    assert SECRET not in seen
    got = json.loads(cli("-f", "json", "credentials", "get", "work", "--show-secret").text)
    assert got["cred_secret"] == SECRET
    assert "not the same" in on_a_terminal(cli, "credentials", "set", "b", answers=["one", "other"], code=1)


def test_a_person_is_asked_for_what_is_missing(cli: Program, keyring_file: Path) -> None:
    seen = on_a_terminal(
        cli, "credentials", "get", "new", ":user", "--prompt", "Please!", answers=["robin", SECRET]
    )
    assert "Please!" in seen and "new: user=robin, secret known" in seen
    assert SECRET not in seen
    assert cli("credentials").lines == [], "nothing is stored by asking"
