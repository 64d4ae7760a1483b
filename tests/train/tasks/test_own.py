"""The module of a task of one's own: where it was looked for is told where it is missing, its mistakes as its own."""

from itertools import count

import pytest

from adapterhub.errors import WrongUsage
from adapterhub.train.tasks.own import own_task
from tests.train.tasks.builders import asked

NUMBERS = count()


@pytest.fixture
def write(tmp_path):
    """Write a module under a name no other test has imported; its name."""

    def written(code):
        name = f"lone_{next(NUMBERS)}"
        (tmp_path / f"{name}.py").write_text(code)
        return name

    return written


@pytest.fixture
def refused(tmp_path):
    """What a word is refused with."""

    def told(word):
        with pytest.raises(WrongUsage) as refusal:
            own_task(asked(word, tmp_path), tmp_path, None, tmp_path)
        return str(refusal.value), refusal.value.hint

    return told


@pytest.mark.parametrize("name", ["not_there", "not_there.deeper"])
def test_a_module_that_is_not_there_is_told_with_where_it_was_looked_for(refused, tmp_path, name):
    said, hint = refused(f"{name}:make")
    assert said == f"{name}:make: No module named 'not_there'"
    assert hint == f"looked for in {tmp_path} and where Python looks"


@pytest.mark.parametrize("code", ["1 / 0", "import not_there", "from os import not_there", "def ("])
def test_what_it_does_wrong_while_it_is_imported_is_its_own(refused, write, code):
    name = write(code)
    said, hint = refused(f"{name}:make")
    assert said.startswith(f"{name}:make: ")
    assert "Error: " in said
    assert "--debug" in hint
    assert "looked for" not in hint


def test_a_module_without_the_function_is_told(refused, write):
    name = write("other = 1")
    assert refused(f"{name}:make")[0] == f"{name}:make: module {name} has no function 'make'"
