import pytest

from infogan.errors import InfoganError
from infogan.registry import Registry


def test_unknown_name_lists_the_choices_and_the_nearest():
    fruits: Registry[int] = Registry("fruit")
    fruits["apple"], fruits["pear"] = 1, 2
    with pytest.raises(
        InfoganError, match=r"unknown fruit 'aple' \(did you mean 'apple'\?\).*pear"
    ):
        fruits["aple"]


def test_a_name_is_registered_once():
    fruits: Registry[type] = Registry("fruit")
    fruits.register("apple")(int)
    with pytest.raises(InfoganError, match="registered twice"):
        fruits.register("apple")(float)
