"""A label that is taken is told before the work, and no work is lost."""

import pytest

from adapterhub.errors import Conflict
from tests.builders import tree
from tests.compose.builders import hub_of_two


@pytest.fixture
def hub(tmp_path):
    """Two adapters of a tiny Llama, and the Llama after one of them was fused into it."""
    hub = hub_of_two(tmp_path)
    hub.fuse("ada/sql", tmp_path / "base", tmp_path / "tuned")
    return hub


MADE = {
    "merge": lambda hub, folder, name, weight: hub.merge(f"ada/sql*{weight} + ada/chat", name),
    "fuse": lambda hub, folder, name, weight: hub.fuse(
        f"ada/sql*{weight}", folder / "base", folder / f"out-{name[-1]}-{weight}", name=name
    ),
    "extract": lambda hub, folder, name, weight: hub.extract(
        folder / "base", folder / "tuned", name, rank=int(4 * weight)
    ),
}
WORK = {
    "merge": "adapterhub.compose.merging.merge.merge_module",
    "fuse": "adapterhub.compose.checkpoints.fuse.fuse",
    "extract": "adapterhub.compose.checkpoints.extract.difference",
}


@pytest.mark.parametrize("verb", MADE)
def test_a_label_of_another_version_is_told_before_the_work(hub, tmp_path, monkeypatch, verb):
    MADE[verb](hub, tmp_path, "ada/it@1", 1.0)
    before = tree(hub.store)
    monkeypatch.setattr(WORK[verb], lambda *_, **__: pytest.fail("the work has begun"))
    with pytest.raises(Conflict, match="ada/it@1: 1 is there and was made otherwise") as caught:
        MADE[verb](hub, tmp_path, "ada/it@1", 0.5)
    assert "leave the label out" in caught.value.hint
    assert tree(hub.store) == before


LESS = {
    "merge": lambda hub, folder, **more: hub.merge("ada/sql + ada/chat", "ada/it@1", "ties", **more),
    "extract": lambda hub, folder, **more: hub.extract(folder / "base", folder / "tuned", "ada/it@1", rank=4, **more),
}
MORE = {"merge": {"set": {"density": 0.5}}, "extract": {"targets": "*.q_proj"}}


@pytest.mark.parametrize("verb", LESS)
def test_what_was_asked_then_and_is_not_now_is_another_way_too(hub, tmp_path, monkeypatch, verb):
    LESS[verb](hub, tmp_path, **MORE[verb])
    monkeypatch.setattr(WORK[verb], lambda *_, **__: pytest.fail("the work has begun"))
    with pytest.raises(Conflict, match="ada/it@1: 1 is there and was made otherwise"):
        LESS[verb](hub, tmp_path)


@pytest.mark.parametrize("verb", MADE)
def test_the_same_again_is_the_same_version(hub, tmp_path, verb):
    first = MADE[verb](hub, tmp_path, "ada/it@1", 1.0)
    if verb == "fuse":
        (tmp_path / "out-1-1.0").rename(tmp_path / "moved")
    assert MADE[verb](hub, tmp_path, "ada/it@1", 1.0).digest == first.digest


@pytest.mark.parametrize("verb", MADE)
def test_an_alias_and_a_removed_version_are_no_free_labels(hub, tmp_path, verb):
    hub.alias("ada/sql@1", "prod")
    with pytest.raises(Conflict, match="prod is an alias of ada/sql"):
        MADE[verb](hub, tmp_path, "ada/sql@prod", 1.0)
    hub.remove("ada/chat@1") if verb != "merge" else hub.add(tmp_path / "chat", "ada/chat@2")
    name = "ada/chat@1" if verb != "merge" else "ada/chat@2"
    with pytest.raises(Conflict, match="made otherwise"):
        MADE[verb](hub, tmp_path, name, 1.0)


def test_plans_tell_it_as_a_finding(hub, tmp_path):
    base, tuned = tmp_path / "base", tmp_path / "tuned"
    plans = (
        hub.merge_plan("ada/sql + ada/chat", name="ada/sql@1"),
        hub.fuse_plan("ada/chat", base, name="ada/sql@1"),
        hub.extract_plan(base, tuned, "ada/sql@1", rank=2),
    )
    assert [[(found.check, found.severity) for found in plan.findings] for plan in plans] == [
        [("name-taken", "error")]
    ] * 3
    assert hub.fuse_plan("ada/chat", base, name="ada/sql").findings == ()
