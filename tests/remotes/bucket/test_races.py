"""Several writers and no lock: one wins, the others are told, and nobody's deed undoes another's."""

import contextlib
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest

from adapterhub.errors import AdapterHubError, Conflict, NotFound, Refused
from adapterhub.registry import LabelTaken
from adapterhub.remotes.bucket import Bucket
from adapterhub.remotes.bucket_objects import Objects
from tests.builders import POET, entry
from tests.remotes.bucket.trees import get, keys

WRITERS = 8


def at_once(deeds: list[Callable[[], Any]]) -> list[Any]:
    """What each deed answered, or why it did not."""
    barrier = threading.Barrier(len(deeds))

    def run(deed: Callable[[], Any]) -> Any:
        barrier.wait()
        try:
            return deed()
        except AdapterHubError as error:
            return error

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def test_of_many_who_publish_one_version_exactly_one_wins(url: str) -> None:
    answers = at_once([lambda seed=seed: Bucket(url).publish(entry(seed), POET.at("7")) for seed in range(WRITERS)])
    (won,) = (answer for answer in answers if not isinstance(answer, AdapterHubError))
    assert sum(isinstance(answer, LabelTaken) for answer in answers) == WRITERS - 1
    assert Bucket(url).resolve(POET).digest == won.digest
    assert len([key for key in keys(url) if key.startswith("events/")]) == 1


def test_many_who_publish_without_a_version_get_one_each(url: str) -> None:
    answers = at_once([lambda seed=seed: Bucket(url).publish(entry(seed), POET) for seed in range(WRITERS)])
    assert sorted(str(answer.reference.pin) for answer in answers) == [str(n + 1) for n in range(WRITERS)]
    assert {line.digest for line in Bucket(url).list()} == {entry(seed).digest for seed in range(WRITERS)}


def test_of_many_who_move_an_alias_from_what_it_means_one_wins(url: str) -> None:
    for seed in range(3):
        Bucket(url).publish(entry(seed), POET)
    Bucket(url).alias(POET.at("1"), "prod")
    deeds = [lambda n=n: Bucket(url).alias(POET.at(str(2 + n % 2)), "prod", expect="1") for n in range(WRITERS)]
    answers = at_once(deeds)
    (won,) = (answer for answer in answers if not isinstance(answer, AdapterHubError))
    assert sum(isinstance(answer, Conflict) for answer in answers) == WRITERS - 1
    assert Bucket(url).resolve(POET.at("prod")).reference == won.reference


def meanwhile(monkeypatch: pytest.MonkeyPatch, method: str, part: str, deed: Callable[[], object]) -> None:
    """Another writer does something just before one request about a path with this in it."""
    original, done = getattr(Objects, method), []

    def late(self: Objects, path: str, *words: Any) -> Any:
        if part in path and not done:
            done.append(path)
            deed()
        return original(self, path, *words)

    monkeypatch.setattr(Objects, method, late)


@pytest.fixture
def bucket(url: str) -> Bucket:
    bucket = Bucket(url)
    for seed in range(2):
        bucket.publish(entry(seed), POET)
    return bucket


def test_a_version_that_became_an_alias_meanwhile_is_taken_back(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, "swap", "versions/prod", lambda: Bucket(bucket.url).alias(POET.at("1"), "prod"))
    with pytest.raises(LabelTaken, match="prod is an alias of ada/poet"):
        bucket.publish(entry(5), POET.at("prod"))
    assert bucket.resolve(POET.at("prod")).reference == POET.at("1")
    assert "names/ada/poet/versions/prod" not in keys(bucket.url)


def test_a_label_that_was_published_and_removed_meanwhile_stays_taken(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other() -> None:
        Bucket(bucket.url).publish(entry(6), POET.at("7"))
        Bucket(bucket.url).remove(POET.at("7"))

    meanwhile(monkeypatch, "swap", "versions/7", other)
    with pytest.raises(LabelTaken, match="ada/poet@7 was removed, and its label stays taken"):
        bucket.publish(entry(5), POET.at("7"))
    with pytest.raises(NotFound):
        bucket.resolve(POET.at("7"))


@pytest.mark.parametrize("before", [None, "1"])
def test_an_alias_that_became_a_version_meanwhile_goes_back(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    if before:
        bucket.alias(POET.at(before), "prod")
    path = "names/ada/poet/versions/prod"
    line = get(bucket.url, "names/ada/poet/versions/2")
    meanwhile(monkeypatch, "swap", "aliases/prod", lambda: bucket.objects.write(path, line))
    with pytest.raises(Conflict, match="'prod' is a version"):
        bucket.alias(POET.at("2"), "prod")
    assert bucket.names.aliases(POET.name) == ({"prod": before} if before else {})


def test_an_alias_to_a_version_that_is_removed_meanwhile_goes_back(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, "swap", "aliases/prod", lambda: Bucket(bucket.url).remove(POET.at("1")))
    with pytest.raises(NotFound, match="ada/poet@1: no such version"):
        bucket.alias(POET.at("1"), "prod")
    assert bucket.names.aliases(POET.name) == {}


def test_a_version_an_alias_means_since_a_moment_is_not_removed(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    meanwhile(monkeypatch, "delete", "versions/1", lambda: Bucket(bucket.url).alias(POET.at("1"), "prod"))
    with pytest.raises(Refused, match="the alias prod means this version"):
        bucket.remove(POET.at("1"))
    assert bucket.resolve(POET.at("prod")).digest == entry(0).digest


def test_two_who_remove_one_version_do_not_disturb_each_other(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, "swap", "removed/1", lambda: Bucket(bucket.url).remove(POET.at("1")))
    bucket.remove(POET.at("1"))
    with pytest.raises(NotFound):
        bucket.remove(POET.at("1"))
    assert bucket.publish(entry(0), POET.at("1")).reference == POET.at("1")


def test_an_alias_others_moved_meanwhile_is_read_again(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    meanwhile(monkeypatch, "swap", "aliases/prod", lambda: Bucket(bucket.url).alias(POET.at("1"), "prod"))
    assert bucket.alias(POET.at("2"), "prod").aliases == ("prod",)
    assert bucket.names.aliases(POET.name) == {"prod": "2"}


def test_whatever_crosses_a_label_means_one_digest_for_ever(url: str) -> None:
    for seed in range(2):
        Bucket(url).publish(entry(seed), POET)
    words, told = ["v0", "v1", "v2"], []

    def work(seed: int) -> None:
        dice, bucket = Random(seed), Bucket(url)
        for _ in range(10):
            word, other = dice.choice(words), dice.choice(["1", *words])
            deeds: list[Callable[[], object]] = [
                lambda word=word: told.append(bucket.publish(entry(dice.randrange(2, 5)), POET.at(word))),
                lambda word=word, other=other: bucket.alias(POET.at(other), word),
                lambda word=word: bucket.remove(POET.at(word)),
            ]
            with contextlib.suppress(Conflict, NotFound, Refused):
                dice.choice(deeds)()

    at_once([lambda seed=seed: work(seed) for seed in range(5)])
    names = Bucket(url).names
    meant = {(str(one.reference.pin), one.digest) for one in told}
    for word in words:
        meant |= {(word, one.digest) for one in (names.version(POET.name, word), names.removed(POET.name, word)) if one}
    labels = [label for label, _ in meant]
    assert sorted(labels) == sorted(set(labels))
