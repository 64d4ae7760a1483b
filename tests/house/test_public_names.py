"""The public names are one list, and what the list says is there."""

import ast
import subprocess
import sys
from importlib import import_module

import pytest

import adapterhub
from tests.house.sources import PACKAGE, ROOT, modules, tree


def test_the_list_is_sorted_and_names_everything_once():
    assert adapterhub.__all__ == sorted(set(adapterhub.__all__)) == dir(adapterhub)


@pytest.mark.parametrize("word", adapterhub.__all__)
def test_a_public_name_is_there_and_is_called_so(word):
    assert getattr(adapterhub, word).__name__ == word


def test_every_error_is_public():
    from adapterhub import errors

    assert set(errors.__all__) <= set(adapterhub.__all__)


def test_a_name_that_is_not_there_is_an_error_that_lists_those_that_are():
    with pytest.raises(AttributeError, match=r"adapterhub has no 'Hubb'; it has .*Hub"):
        _ = adapterhub.Hubb


def test_type_checkers_see_the_same_names():
    (only,) = (node for node in tree(PACKAGE / "__init__.py").body if isinstance(node, ast.If))
    seen = {alias.name for node in only.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(adapterhub.__all__)


def test_what_a_module_lists_it_has():
    paths = [path for path in modules() if "\n__all__ = " in path.read_text() and path.parent / "__init__.py" != path]
    listing = [import_module(".".join(path.relative_to(ROOT).with_suffix("").parts)) for path in paths]
    assert [(m.__name__, word) for m in listing for word in m.__all__ if word not in vars(m)] == []


def test_the_package_says_that_it_is_typed_and_which_version_it_is():
    assert (PACKAGE / "py.typed").exists()
    script = "import adapterhub; print(adapterhub.__version__)"
    assert (
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout[0].isdigit()
    )
