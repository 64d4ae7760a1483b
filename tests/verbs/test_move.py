"""`push`, and `pull` of what was pushed."""

from pathlib import Path

import pytest

from adapterhub.errors import BadReference, Conflict, Corrupt, NotFound, Refused, WrongUsage
from adapterhub.hub import Hub
from tests.builders import entry, tiny_adapter, tree
from tests.remotes.servers import serving
from tests.verbs.team_ground import team_hub


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return team_hub(tmp_path)


@pytest.fixture
def other(tmp_path: Path) -> Hub:
    hub = Hub.open(tmp_path / "other")
    hub.remote_add("team", f"file://{tmp_path}/team")
    return hub


def test_what_is_pushed_can_be_pulled(hub: Hub, other: Hub) -> None:
    pushed = hub.push(["ada/poet", "ada/x"])
    pulled = other.pull(["ada/poet", "team:ada/x@1"])
    assert [row.digest for row in pulled] == [row.digest for row in pushed]
    assert pulled[0].bytes_received == pushed[0].bytes_sent > 0
    assert [row.bytes_sent for row in hub.push(["ada/poet", "ada/x"])] == [0, 0]
    assert [row.bytes_received for row in other.pull(["ada/poet", "ada/x"])] == [0, 0]
    assert other.check().ok


def test_pushing_many_with_one_bad_name_sends_nothing(hub: Hub, tmp_path: Path) -> None:
    for bad, error in (
        ("ada/none", NotFound),
        ("./run", WrongUsage),
        ("team:ada/x", BadReference),
        ("x", BadReference),
    ):
        with pytest.raises(error):
            hub.push(["ada/poet", bad])
    assert not (tmp_path / "team").exists()


def test_a_version_that_is_taken_there_says_how_to_go_on(hub: Hub, other: Hub, tmp_path: Path) -> None:
    other.add(tiny_adapter(tmp_path / "theirs", seed=9), "ada/poet")
    other.push(["ada/poet"])
    with pytest.raises(Conflict, match="ada/poet@1 is there with another digest") as refusal:
        hub.push(["ada/poet"])
    assert "push with --next" in refusal.value.hint
    assert hub.push(["ada/poet"], next_version=True)[0].reference == "ada/poet@2"
    with pytest.raises(Conflict, match="ada/poet@1 is there with another digest") as refusal:
        hub.pull(["ada/poet@1"], "team")
    *_, word, _, remote = refusal.value.hint.split()
    assert hub.pull([word], remote)[0].reference == "ada/poet@3"  # 2 is free here, and means another there


def test_an_alias_that_is_a_version_there_has_a_hint_of_its_own(hub: Hub) -> None:
    hub.push(["ada/poet"])
    with pytest.raises(Conflict, match="'1' is a version") as refusal:
        hub.push(["ada/poet"], aliases=["1"])
    assert refusal.value.hint == "choose another word"


def test_with_an_alias_that_cannot_be_one_nothing_of_many_is_sent(hub: Hub, tmp_path: Path) -> None:
    hub.add(tmp_path / "1", "ada/x@v")
    hub.push(["ada/x@v"])
    before = tree(tmp_path / "team")
    with pytest.raises(Conflict, match="ada/x: 'v' is a version"):
        hub.push(["ada/poet@1", "ada/x@1"], aliases=["best", "v"])
    with pytest.raises(BadReference, match="not a valid alias: 'a b'"):
        hub.push(["ada/poet@1", "ada/x"], aliases=["best", "a b"])
    assert tree(tmp_path / "team") == before


def rot(store: Path) -> None:
    """Turn the weights of ada/poet into zeros."""
    path = Hub.open(store).desk.store.layout.blob(entry(0).manifest.files[1].blob)
    size = path.stat().st_size
    path.chmod(0o644)
    path.write_bytes(bytes(size))


def test_damage_is_told_with_the_side_it_is_on(hub: Hub, other: Hub, tmp_path: Path) -> None:
    hub.push(["ada/poet"])
    rot(hub.store)
    with pytest.raises(Corrupt, match=f"the copy in this store is damaged: {hub.store}") as refusal:
        hub.push(["ada/poet"], str(tmp_path / "second"))
    assert "check --repair" in refusal.value.hint
    rot(tmp_path / "team")
    with pytest.raises(Corrupt, match="the copy in team is damaged") as refusal:
        other.pull(["ada/poet"], "team")
    assert "whoever keeps team" in refusal.value.hint


def test_a_manifest_that_is_damaged_is_told_with_the_folder_it_lies_in(hub: Hub, tmp_path: Path) -> None:
    path = hub.desk.store.layout.blob(entry(0).digest)
    path.chmod(0o644)
    path.write_bytes(b"{}")
    with pytest.raises(Corrupt, match=f"{hub.store}: manifest"):
        hub.push(["ada/poet"])


def test_aliases_travel_when_they_are_named(hub: Hub, other: Hub) -> None:
    hub.alias("ada/poet", "prod")
    hub.push(["ada/poet@prod"])
    with pytest.raises(NotFound):
        other.pull(["ada/poet@prod"])
    hub.push(["ada/poet"], aliases=["prod"])
    (pulled,) = other.pull(["ada/poet@prod"])
    assert (pulled.reference, other.show("ada/poet").aliases) == ("ada/poet@1", ())
    assert pulled.detail == "prod is no alias here; `adapterhub alias ada/poet@1 prod` makes it mean the same"


def test_a_pull_by_digest_or_by_url_needs_no_remote(hub: Hub, tmp_path: Path) -> None:
    hub.push(["ada/poet"])
    fresh = Hub.open(tmp_path / "fresh")
    word = f"ada/poet@sha256:{entry(0).digest.hex[:10]}"
    assert fresh.pull([word], f"file://{tmp_path}/team")[0].reference == "ada/poet@1"
    with serving(tmp_path / "team") as server:
        again = Hub.open(tmp_path / "again").pull([f"ada/poet@{entry(0).digest}"], server.url)
    assert (again[0].reference, again[0].digest) == ("ada/poet@1", str(entry(0).digest))


def test_a_pull_of_the_newest_from_a_site_says_what_it_went_by(hub: Hub, tmp_path: Path) -> None:
    hub.push(["ada/poet"])
    Hub.open(tmp_path / "team").catalog()
    with serving(tmp_path / "team") as server:
        (row,) = Hub.open(tmp_path / "fresh").pull(["ada/poet"], server.url)
    assert row.detail.startswith("by the catalog made 2")


def test_a_pull_says_which_notes_it_came_without(hub: Hub, tmp_path: Path) -> None:
    hub.push(["ada/poet"])
    (tmp_path / "team" / "catalog.json").write_bytes(b"<html>")
    with serving(tmp_path / "team") as server:
        (row,) = Hub.open(tmp_path / "fresh").pull(["ada/poet@1"], server.url)
    assert row.detail.startswith(f"without notes: {server.url}/catalog.json: ")


def test_a_site_cannot_be_pushed_to(hub: Hub) -> None:
    with pytest.raises(Refused, match="is a web site, which can only be read"):
        hub.push(["ada/poet"], "http://127.0.0.1:1")


def test_notes_and_cards_arrive(hub: Hub, other: Hub, tmp_path: Path) -> None:
    from tests.builders import tiny_base

    hub.tag("ada/poet", ["calm"])
    hub.pin("ada/poet", tiny_base(tmp_path / "base"))
    hub.push(["ada/poet"])
    (pulled,) = other.pull(["ada/poet"])
    shown = other.show("ada/poet")
    assert (shown.tags, shown.base) == (("calm",), hub.show("ada/poet").base)
    assert [base.weights_digest for base in other.base_list()] == [shown.base["weights_digest"]]
    (fits,) = pulled.fits
    assert fits == f"org/tiny [{other.base_list()[0].card[7:19]}]"  # nobody named it here; the adapter's config does
    assert other.audit(["ada/poet"], bases=[fits])[0].base.name == fits


def test_without_a_name_the_only_remote_is_meant_else_origin(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no remote is known here"):
        Hub.open(tmp_path / "none").push([])
    hub.remote_add("second", f"file://{tmp_path}/second")
    with pytest.raises(WrongUsage, match=r"there are 2 remotes: second, team; which one\?") as refusal:
        hub.push(["ada/poet"])
    assert "call one of them origin" in refusal.value.hint
    hub.remote_add("origin", f"file://{tmp_path}/origin")
    hub.push(["ada/poet"])
    assert (tmp_path / "origin" / "registry.json").exists()


def test_a_word_and_an_option_that_disagree_are_wrong_usage(hub: Hub) -> None:
    with pytest.raises(WrongUsage, match="team:ada/poet names the remote team, --from other"):
        hub.pull(["team:ada/poet"], "other")
    with pytest.raises(NotFound, match="no remote is called 'other'; known: team"):
        hub.pull(["ada/poet"], "other")
