"""What people mistype, and what lies about in real folders."""

from pathlib import Path

import pytest

from adapterhub.errors import BadReference, DoesNotFit, Refused, WrongUsage
from adapterhub.hub import Hub
from tests.builders import tiny_adapter, tiny_base


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    return Hub.open(tmp_path / "store")


def test_a_link_that_leads_in_a_circle_does_not_stop_a_scan(hub: Hub, tmp_path: Path) -> None:
    tiny_adapter(tmp_path / "runs" / "one")
    (tmp_path / "runs" / "loop").symlink_to("loop")
    assert len(hub.scan([tmp_path / "runs"])) == 1


@pytest.mark.parametrize("url", ["file:///srv/v#r", "file:///srv/v?q", "https://example.org/?a=b", "file:///a%00b"])
def test_a_url_with_more_than_a_path_is_no_remote(hub: Hub, url: str) -> None:
    with pytest.raises(BadReference, match="more than a path"):
        hub.remote_add("team", url)


def test_an_adapter_is_not_pinned_to_a_base_none_of_whose_modules_it_has(hub: Hub, tmp_path: Path) -> None:
    folder = tiny_adapter(tmp_path / "a", modules=("elsewhere.entirely",))
    with pytest.raises(DoesNotFit, match="a misfit on base, 0 of its modules fit"):
        hub.add(folder, "ada/a", base=tiny_base(tmp_path / "base"))
    assert not hub.store.exists()


def test_only_adapters_are_pinned(hub: Hub, tmp_path: Path) -> None:
    base = tiny_base(tmp_path / "base")
    hub.add(base, "ada/base")
    with pytest.raises(Refused, match="of kind model"):
        hub.pin("ada/base", base)


@pytest.mark.parametrize("grace", [float("nan"), float("inf"), -1.0])
def test_a_grace_period_is_a_number_of_seconds(hub: Hub, grace: float) -> None:
    with pytest.raises(WrongUsage, match="grace period"):
        hub.sweep(grace)


def test_an_empty_word_is_no_folder(hub: Hub) -> None:
    with pytest.raises(BadReference, match="empty word"):
        hub.add("", "ada/a")
