"""Recipe files: what they may say, and every mistake in them told at once."""

from pathlib import Path

import pytest

from adapterhub.errors import NotFound, WrongUsage
from adapterhub.hub import Hub
from tests.builders import adapter_files, tiny_adapter, write_files


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    """Two adapters of different ranks."""
    hub = Hub.open(tmp_path / "store")
    hub.add(tiny_adapter(tmp_path / "a", rank=2), "ada/sql")
    hub.add(tiny_adapter(tmp_path / "b", rank=4, seed=1), "ada/chat")
    return hub


MISTAKES = """
adapters:
  - {adapter: ada/sql, weight: .nan}
  - {adapter: ada/nobody, wieght: 2}
  - {adapter: ada/wide, modules: {"*.x_proj": 1}}
  - {adapter: ada/chat}
method: stir
rules:
  - {modules: "*.q_proj", method: ties, set: {density: 3}, rank: 0}
rank: 4
energy: 0.5
"""


def test_every_mistake_of_a_recipe_is_told_at_once(hub: Hub, tmp_path: Path) -> None:
    hub.add(write_files(tmp_path / "wide", adapter_files(size=8)), "ada/wide")
    path = write_files(tmp_path, {"mix.yaml": MISTAKES.encode()}) / "mix.yaml"
    with pytest.raises(WrongUsage) as caught:
        hub.merge_plan(str(path))
    with pytest.raises(WrongUsage) as made:
        hub.merge(str(path), "ada/mix")
    assert str(caught.value) == str(made.value)
    for said in (
        "adapters.0.weight: Input should be a finite number",
        "adapters.1.wieght: Extra inputs",
        "rules.0.rank: Input should be greater",
        "ada/nobody: no such adapter",
        "no method is called 'stir'",
        "ties: density is 3",
        "both a rank (4) and an energy (0.5)",
        "the pattern '*.x_proj' matches no module of ada/wide",
        "the adapters change weights of different shapes",
    ):
        assert said in str(caught.value)


def test_adapters_that_are_not_there_are_told_together_with_what_else_is_wrong(hub: Hub) -> None:
    with pytest.raises(NotFound) as caught:
        hub.merge_plan("ada/none + ada/sql + ada/nobody", set={"density": 2.0})
    for said in ("ada/none: no such", "ada/nobody: no such", "sum has no parameter 'density'"):
        assert said in str(caught.value)
    with pytest.raises(NotFound, match="ada/x was chosen") as caught:
        hub.merge_plan("ada/sql + ada/chat", "stir", choose="ada/x")
    assert "no method is called 'stir'" in str(caught.value)


def test_an_adapter_that_is_not_there_makes_no_other_mistake(hub: Hub, tmp_path: Path) -> None:
    recipe = b"adapters: [{adapter: ada/none}, {adapter: ada/sql}]\nrules: [{modules: '*.x_proj', rank: 2}]"
    with pytest.raises(NotFound) as caught:
        hub.merge_plan(str(write_files(tmp_path, {"mix.yaml": recipe}) / "mix.yaml"))
    assert "x_proj" not in str(caught.value)


def test_an_adapter_without_a_name_hides_no_other_mistake_and_makes_none(hub: Hub, tmp_path: Path) -> None:
    recipe = b"""
adapters: [{adaptor: ada/chat}, {adapter: ada/sql}, {adapter: ada/nobody}]
method: ties
set: {density: 2}
rules: [{modules: '*.x_proj', method: stir}]
"""
    with pytest.raises(WrongUsage) as caught:
        hub.merge_plan(str(write_files(tmp_path, {"mix.yaml": recipe}) / "mix.yaml"))
    for said in ("adapters.0.adapter: Field required", "ada/nobody: no such", "density is 2", "called 'stir'"):
        assert said in str(caught.value)
    assert "matches no module" not in str(caught.value)


def test_what_is_typed_wins_over_the_recipe_file(hub: Hub, tmp_path: Path) -> None:
    path = (
        write_files(tmp_path, {"mix.yaml": b"adapters: [{adapter: ada/chat}]\nmethod: svd\nenergy: 0.5\n"}) / "mix.yaml"
    )
    assert [one.rank for one in hub.merge_plan(str(path), "iso_c", rank=3).modules] == [3, 3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"adapters: [", "not readable as YAML"),
        (b"- ada/sql", "wanted fields"),
        (b"adapters: []", "names no adapter"),
        (b"adapters: [{adapter: ada/sql, wieght: 1}]", "adapters.0.wieght"),
        (b"adapters: [{adapter: ada/sql, weight: .nan}]", "adapters.0.weight"),
        (b"adapters: [{adapter: ada/sql}]\nrank: 0", "rank: "),
        (b"adapters: [{adapter: ada/sql}]\nrules: [{modules: '*.x_proj', rank: 2}]", "matches no module"),
        (b"\xff\xfe", "not readable"),
        (b"a: &a [1]\nb: [*a]", "the alias"),
        (b"method: svd\nmethod: ties\nadapters: [{adapter: ada/sql}]", "method stands there twice"),
    ],
)
def test_a_recipe_that_is_none_is_wrong_usage(hub: Hub, tmp_path: Path, text: bytes, said: str) -> None:
    path = write_files(tmp_path, {"mix.yaml": text}) / "mix.yaml"
    with pytest.raises(WrongUsage, match=said):
        hub.merge_plan(str(path))


def test_a_recipe_that_is_not_there_is_not_found(hub: Hub, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no such recipe"):
        hub.merge_plan(str(tmp_path / "mix.yaml"))
