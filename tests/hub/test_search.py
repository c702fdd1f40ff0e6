"""Finding: by names, paths, README, metadata and commands; never what may not be seen; whatever somebody types."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rookery.git import runrecords
from rookery.hub.domain.access import Actor, Level, Means, Visibility
from rookery.hub.domain.records import Repository
from rookery.hub.domain.search import Facet, Order, excerpt_of, parse_query, words_in
from rookery.hub.services import metadata
from support.counting import programs_started
from support.history import History, annexed
from support.hub_histories import key_of, store
from support.hubs import HubInside

KEY = "MD5E-s2000000--" + "0" * 32 + ".nii.gz"


@pytest.fixture
def ada(hub: HubInside) -> Actor:
    return hub.person("ada")


@pytest.fixture
def made(hub: HubInside, ada: Actor) -> Callable[..., Repository]:
    """Give a factory of repositories with files, read by the search."""

    def make(name: str, files: dict[str, object], visibility: Visibility = Visibility.PUBLIC) -> Repository:
        repository = hub.repository(ada, name, visibility)
        history = History().commit("first", files)  # type: ignore[arg-type]  # what a commit takes
        history.write(hub.opened.histories.place(repository.id))
        hub.opened.hub.search.catch_up()
        return repository

    return make


def found(hub: HubInside, who: Actor, text: str, **facets: str) -> list[str]:
    chosen = {Facet(kind): value for kind, value in facets.items()}
    result = hub.opened.hub.search.find(who, text, chosen)
    assert result.total == len(result.hits)
    return [str(hit.repository.name) for hit in result.hits]


BIDS = {
    "dataset_description.json": json.dumps(
        {"Name": "Faces at rest", "License": "CC0", "Authors": ["Grace Hopper"], "Keywords": ["Oscillation"]}
    ),
    "sub-01/ses-a/anat/sub-01_T1w.nii.gz": annexed(KEY, deep=3),
    "sub-01/func/sub-01_task-rest_bold.json": "{}",
}
ANNEXED = {
    "README.md": b"# Songs of whales\n",
    "datacite.yml": b"title: Cetacean songs\nlicense: {name: CC-BY-4.0}\nkeywords: [bioacoustics]\n",
}
RUN = runrecords.build_message("smooth it", runrecords.to_json({"cmd": "fslmaths in -s 3 out"}))


def test_a_dataset_is_found_by_all_that_is_known_of_it(
    hub: HubInside, ada: Actor, made: Callable[..., Repository]
) -> None:
    made("bids", {**BIDS, "README.md": "# Über die Hirnrinde\nTwo words stand here."})
    other = hub.repository(ada, "ran", Visibility.PUBLIC)
    place = hub.opened.histories.place(other.id)
    citation = "title: Cited\nauthors:\n- family-names: Noether\n"
    History().commit(RUN, {"out": b"1", "CITATION.cff": citation}).write(place)
    hub.opened.hub.search.catch_up()
    words = [
        "bids",
        "faces",
        "hopper",
        "oscill",
        "hirnrinde",
        "uber",
        "T1w",
        "task-rest",
        "ses-a",
        '"two_words"',
    ]
    for text in words:
        assert found(hub, ada, text) == ["bids"], text
    for text in ("fslmaths", "smooth", "noether", "cited"):
        assert found(hub, ada, text) == ["ran"], text
    assert found(hub, ada, '"words two"') == []
    assert found(hub, ada, "ada -hopper") == ["ran"]
    assert found(hub, ada, "faces cited") == []
    document = hub.opened.hub.search.document(ada, other.id)
    assert document is not None
    assert document.described.title == "Cited"
    hit = hub.opened.hub.search.find(ada, "words").hits[0]
    assert hit.document is not None
    assert (hit.document.files, hit.document.size > 2_000_000) == (4, True)
    excerpt = excerpt_of(parse_query("words"), hit.document)
    assert excerpt is not None
    assert (excerpt.source, excerpt.word) == ("README", "words")


def test_facets_narrow_and_count(hub: HubInside, ada: Actor, made: Callable[..., Repository]) -> None:
    made("bids", BIDS)
    made("plain", {"a": b"1"}, Visibility.PRIVATE)
    result = hub.opened.hub.search.find(ada, "")
    assert dict(result.values[Facet.MODALITY]) == {"anat": 1, "func": 1}
    assert result.values[Facet.LICENCE] == [("CC0", 1)]
    assert result.values[Facet.KEYWORD] == [("oscillation", 1)]
    assert result.values[Facet.OWNER] == [("ada", 2)]
    assert dict(result.values[Facet.VISIBILITY]) == {"public": 1, "private": 1}
    assert result.values[Facet.CONTENT] == [("none", 2)]
    assert found(hub, ada, "", modality="func", licence="CC0") == ["bids"]
    assert found(hub, ada, "", visibility="private") == ["plain"]
    assert found(hub, ada, "", owner="nobody", content="here") == []
    for order in Order:
        assert len(hub.opened.hub.search.find(ada, "", order=order).hits) == 2
    assert hub.opened.hub.search.find(ada, "", order=Order.SIZE).hits[0].repository.name == "bids"
    assert len(hub.opened.hub.search.find(ada, "", skip=1, limit=1).hits) == 1


def test_nobody_finds_what_is_not_listed_to_them(
    hub: HubInside, ada: Actor, made: Callable[..., Repository]
) -> None:
    eve, stranger = hub.person("eve"), hub.opened.hub.identity.stranger("")
    repositories = {v: made(v.value, {"README": "secret-word"}, v) for v in Visibility}
    seen = {"ada": found(hub, ada, "secret-word"), "eve": found(hub, eve, "secret-word")}
    assert sorted(seen["ada"]) == sorted(v.value for v in Visibility)
    assert sorted(seen["eve"]) == ["internal", "public"]
    assert found(hub, stranger, "secret-word") == ["public"]
    hub.opened.hub.repositories.set_collaborator(ada, repositories[Visibility.UNLISTED].id, "eve", Level.READ)
    assert sorted(found(hub, eve, "secret-word")) == ["internal", "public", "unlisted"]
    limited = ada._replace(means=Means(repositories=frozenset({repositories[Visibility.PRIVATE].id})))
    assert sorted(found(hub, limited, "secret-word")) == ["private", "public"]
    counted = hub.opened.hub.search.find(stranger, "").values[Facet.VISIBILITY]
    assert counted == [("public", 1)], "numbers tell nothing of what is hidden"


def test_what_changed_is_read_again_and_a_crash_forgets_nothing(
    hub: HubInside, ada: Actor, made: Callable[..., Repository]
) -> None:
    search, repositories = hub.opened.hub.search, hub.opened.hub.repositories
    data = made("data", {"README": "apple"})
    assert search.waiting() == []
    History().commit("second", {"README": "banana"}).write(hub.opened.histories.place(data.id))
    repositories.pushed(data.id)
    assert search.waiting() == [data.id], (
        "as it is after a crash too: the mark is in the push's own transaction"
    )
    assert found(hub, ada, "apple") == ["data"]
    search.catch_up()
    assert (found(hub, ada, "banana"), found(hub, ada, "apple")) == (["data"], [])
    repositories.change(ada, data.id, name="other", description="cherry")
    assert found(hub, ada, "cherry") == ["other"], "a name is found before the search has read it again"
    search.catch_up()
    assert (found(hub, ada, "cherry"), found(hub, ada, "data")) == (["other"], [])
    repositories.remove(ada, data.id)
    assert found(hub, ada, "banana") == []
    with hub.opened.database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM search_words").scalar() == 0


def test_a_repository_that_cannot_be_read_stops_no_other(
    hub: HubInside, ada: Actor, made: Callable[..., Repository]
) -> None:
    broken, fine = hub.repository(ada, "broken"), hub.repository(ada, "fine")
    for one in (broken, fine):
        History().commit("first", {"README": "pear"}).write(hub.opened.histories.place(one.id))
    (hub.opened.histories.place(broken.id) / "HEAD").unlink()
    assert hub.opened.hub.search.catch_up() == 2
    assert found(hub, ada, "pear") == ["fine"]
    assert hub.opened.hub.search.waiting() == []


def test_a_large_repository_is_read_by_few_programs_and_bounded(hub: HubInside, ada: Actor) -> None:
    large = hub.repository(ada, "large")
    names = {f"d{n % 50}/file_{n:05}_{'x' * 20}.dat": annexed(KEY, deep=1) for n in range(12_000)}
    History().commit("first", {**names, "README": "word " * 100_000}).write(
        hub.opened.histories.place(large.id)
    )
    with programs_started() as started:
        hub.opened.hub.search.catch_up()
    assert len(started) <= 8
    document = hub.opened.hub.search.document(ada, large.id)
    assert document is not None
    assert (document.files, document.size > 12_000 * 2_000_000) == (12_001, True)
    assert sum(map(len, document[3:7])) < 400_000
    assert found(hub, ada, "file_00001") == ["large"]
    assert hub.opened.hub.search.files(hub.opened.hub.browsing.at(ada, large.id), "D7/ 00107").paths == [
        f"d7/file_00107_{'x' * 20}.dat"
    ]
    assert hub.opened.hub.search.files(hub.opened.hub.browsing.at(ada, large.id), "dat").cut


queries = st.text(
    st.one_of(
        st.sampled_from(list("\"-*():&|!<>'\\^{}[]%_ +~@$\0;,.")),
        st.characters(codec="utf-8", max_codepoint=0x3000),
    ),
    max_size=40,
)


def test_there_is_no_wrong_query(hub: HubInside, ada: Actor, made: Callable[..., Repository]) -> None:
    made("data", {"README": "near and or not match"})

    @settings(max_examples=60, suppress_health_check=list(HealthCheck))
    @given(queries)
    def holds(text: str) -> None:
        hub.opened.hub.search.find(ada, text)

    holds()
    for text in (
        "NEAR(a b)",
        "readme:near",
        "near AND",
        "NOT",
        '"',
        '"near',
        "a*",
        "near*",
        "-near",
        "--",
        "near -",
    ):
        hub.opened.hub.search.find(ada, text)
    assert found(hub, ada, "NEAR AND NOT") == ["data"], "no word is a command"


@given(st.text(max_size=60))
def test_what_a_text_says_is_found_in_it(text: str) -> None:
    assert words_in(" ".join(words_in(text))) == words_in(text)
    query = parse_query(text)
    assert len(query.wanted) <= 12
    assert all(term.words for term in (*query.wanted, *query.unwanted))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["name", "title", "x"]), inner)
    ),
    max_leaves=12,
)


@given(st.sampled_from([*metadata.READERS, "x.jsonld"]), st.dictionaries(st.sampled_from(
    ["title", "Name", "name", "authors", "author", "Authors", "license", "keywords", "doi", "@graph", "identifier"]
), values))  # fmt: skip
def test_any_metadata_is_read_as_far_as_it_makes_sense(name: str, told: dict[str, object]) -> None:
    content = json.dumps(told).encode()
    found = metadata.described({name: content})
    assert all(isinstance(value, str | tuple) for value in found)
    metadata.text_in(name, content)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
)
MERGES = "a: &a {k: 1}\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} {{<<: [{','.join([f'*{chr(97 + n)}'] * 9)}]}}\n" for n in range(12)
)


HOSTILE = ["[" * 100_000, "a: " + "9" * 10_000, "0x" + "f" * 90_000, "!!python/object:os.system x", "\0"]


@pytest.mark.parametrize("content", [BOMB, MERGES, *HOSTILE], ids=range(7))
def test_metadata_that_was_made_to_hurt_does_not(content: str) -> None:
    metadata.described({"datacite.yml": content.encode(), "CITATION.cff": content.encode()})
    assert len(metadata.text_in("datacite.yml", content.encode())) < 10_000_000


def test_each_format_says_the_same_in_its_own_way() -> None:
    person = {"@type": "Person", "givenName": "A", "familyName": "B"}
    root = {"@id": "./", "@type": ["Dataset"], "name": "T", "author": [person], "keywords": ["k", "l"]}
    crate = {
        "@graph": [{"@id": "other", "@type": "Dataset"}, {**root, "license": {"@id": "https://x.org/CC0"}}]
    }
    flat = {"@type": "Dataset", "name": "T", "author": {"name": "A B"}, "license": "https://x.org/CC0/"}
    files = {
        "datacite.yml": "title: T\nauthors: [{firstname: A, lastname: B}]\nkeywords: [k, l]\nlicense: {name: CC0}\n",
        "CITATION.cff": "title: T\nauthors: [{given-names: A, family-names: B}]\nkeywords: [k, l]\nlicense: CC0\n",
        "dataset_description.json": '{"Name": "T", "Authors": ["A B"], "License": "CC0", "Keywords": ["k", "l"]}',
        "x.jsonld": json.dumps({**flat, "keywords": "k, l"}),
        "ro-crate-metadata.json": json.dumps(crate),
    }
    for name, content in files.items():
        told = metadata.described({name: content.encode()})
        assert (told.title, told.authors, told.licence, told.keywords) == (
            "T",
            ("A B",),
            "CC0",
            ("k", "l"),
        ), name


def test_annexed_files_that_describe_a_dataset_count_as_soon_as_their_content_is_here(
    hub: HubInside, ada: Actor, made: Callable[..., Repository]
) -> None:
    large = key_of(b"x") + "0"
    files = {path: annexed(key_of(content)) for path, content in ANNEXED.items()}
    repository = made("songs", {**files, "codemeta.json": annexed(large.replace("-s1-", "-s3-"))})
    service = hub.opened.hub.search
    assert found(hub, ada, "cetacean") == []
    assert service.waiting() == []
    hub.opened.hub.repositories.change(ada, repository.id, description="Recordings")
    service.catch_up()
    for content in ANNEXED.values():
        store(hub, ada, repository, content)
        assert service.waiting() == [repository.id]
        service.catch_up()
    assert service.waiting() == []
    assert found(hub, ada, "cetacean") == found(hub, ada, "whales") == ["songs"]
    assert found(hub, ada, "", licence="CC-BY-4.0") == ["songs"]
    document = service.document(ada, repository.id)
    assert document is not None
    assert (document.described.title, len(document.missing)) == ("Cetacean songs", 1)
