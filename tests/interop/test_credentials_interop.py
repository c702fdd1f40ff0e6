"""Credentials that DataLad keeps are found here, and the reverse; records say the same, but for the secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from rookery.credentials.realm import challenges, realm_of
from support.programs import Program

SECRET = "pass word+&%"


def known(program: Program, name: str) -> dict[str, object]:
    """Give what a program tells of a credential, the secret with it."""
    shows = [] if "datalad" in str(program.argv[0]) else ["--show-secret"]
    return program("-f", "json", "credentials", "get", name, *shows).records[0]


@pytest.mark.parametrize(
    "name",
    [
        "webdav-robin-https://dav.example.org/Nest",
        pytest.param("nest", marks=pytest.mark.campaign),
        pytest.param("Capital.and dots", marks=pytest.mark.campaign),
    ],
)
def test_each_finds_what_the_other_keeps(
    cli: Program, datalad: Program, keyring_file: Path, name: str
) -> None:
    for maker, reader in ((datalad, cli), (cli, datalad)):
        properties = ["type=user_password", "user=robin", "realm=https://dav.example.org/Nest"]
        maker("credentials", "set", name, *properties, f"secret={SECRET}")
        told, own = known(reader, name), known(maker, name)
        for record in (told, own):
            record.pop("secret_known", None)
        assert told == own
        assert told["cred_secret"] == SECRET
        reader("credentials", "remove", name)
        maker("credentials", "get", name, code=1)


def test_records_of_a_query_differ_only_in_the_secret(
    cli: Program, datalad: Program, keyring_file: Path
) -> None:
    cli("credentials", "set", "nest", "type=user_password", "user=robin", f"secret={SECRET}")
    ours, theirs = (p("-f", "json", "credentials", "query", "user=robin").records for p in (cli, datalad))
    assert ours[0].pop("secret_known") is True
    assert theirs[0].pop("cred_secret") == SECRET
    assert ours == theirs


def test_datalads_older_credentials_are_found(cli: Program, keyring_file: Path) -> None:
    import keyring

    keyring.set_password("datalad-old", "user", "robin")
    keyring.set_password("datalad-old", "password", SECRET)
    got = cli("-f", "json", "credentials", "get", "old", "type=user_password", "--show-secret").records[0]
    assert (got["cred_user"], got["cred_secret"]) == ("robin", SECRET)
    assert cli("credentials", "remove", "old", "type=user_password").lines == ["old (ok)"]
    assert keyring.get_password("datalad-old", "password") is None


@pytest.mark.parametrize(
    "header",
    ['Basic realm="Nest"', "Basic realm=Nest", 'Basic realm="https://dav.example.org/x", charset="UTF-8"'],
)
def test_a_realm_has_the_name_that_datalad_gives_it(header: str, datalad: Program) -> None:
    url = "https://dav.example.org:8443/some/place"
    ask = (
        "import sys; from datalad_next.utils.http_helpers import get_auth_realm as realm;"
        "from datalad_next.utils.requests_auth import parse_www_authenticate as parse;"
        "print(realm(sys.argv[1], parse(sys.argv[2])))"
    )
    python = Program([Path(datalad.argv[0]).with_name("python")], datalad.env, datalad.cwd)  # type: ignore[arg-type]  # a path, here
    theirs = python("-c", ask, url, header).lines[-1]
    assert realm_of(url, challenges([header])[-1]) == theirs
