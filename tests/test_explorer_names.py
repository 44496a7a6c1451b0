"""What the explorer calls things, and where it keeps that."""

import pytest

from infogan import InfoGAN, InfoganError
from infogan.config import NetConfig
from infogan.explorer import Explorer, Keeper
from infogan.groups import Groups


@pytest.fixture
def model():
    net = NetConfig(widths=(4, 8), fc=8)
    return InfoGAN("z3 + kind:cat4 + u + g", (3, 8, 8), net, seed=1).eval()


@pytest.fixture
def saved(tmp_path, model):
    """A copy of the model, and the folder that it was saved in."""
    model.names, model.groups = {}, {"kind": Groups((0, 1, 0, 1))}
    model.save_pretrained(tmp_path)
    return InfoGAN.from_pretrained(tmp_path), tmp_path


def naming(saved):
    model, folder = saved
    return Explorer(model, "x", None, None, Keeper(model, folder).keep)


def test_a_name_is_kept_and_one_that_cannot_be_is_not(saved, model):
    explorer, folder = naming(saved), saved[1]
    name = {"show": "name", "key": "kind_group=1", "text": " rings "}
    assert explorer.render(name)["names"] == {"kind_group=1": "rings"}
    for key, text, rule in (
        ("kind=9", "x", "there is no 'kind=9'"),
        ("kind=2", "7", "a number already stands for a category"),
    ):
        with pytest.raises(InfoganError, match=rule):
            explorer.render({"show": "name", "key": key, "text": text})
    assert InfoGAN.from_pretrained(folder).names == {"kind_group=1": "rings"}
    explorer.render(name | {"text": ""})
    assert InfoGAN.from_pretrained(folder).names == {}
    card = (folder / "config.json").read_text()
    for damaged in ("{", '{"names": 3}', "[]"):
        (folder / "config.json").write_text(damaged)
        with pytest.raises(InfoganError, match="is damaged"):
            explorer.render(name)
    (folder / "config.json").write_text(card)
    (folder / ".config.json.partial").mkdir()  # the disk refuses
    with pytest.raises(InfoganError, match="cannot keep the name: Is a directory"):
        explorer.render(name)
    assert saved[0].names == {}
    with pytest.raises(InfoganError, match="names are kept in a run"):
        Explorer(model, "x").render(name)


def test_what_another_page_named_stays(saved):
    first, second = naming(saved), naming((InfoGAN.from_pretrained(saved[1]), saved[1]))
    first.render({"show": "name", "key": "u", "text": "size"})
    names = second.render({"show": "name", "key": "g", "text": "hue"})["names"]
    assert names == InfoGAN.from_pretrained(saved[1]).names == {"u": "size", "g": "hue"}


def test_a_model_that_changed_meanwhile_is_not_named(saved):
    explorer, folder = naming(saved), saved[1]
    other = InfoGAN("z3 + kind:cat2", (3, 8, 8), NetConfig(widths=(4, 8), fc=8))
    other.save_pretrained(folder)
    before = (folder / "config.json").read_bytes()
    with pytest.raises(InfoganError, match="merged or trained anew since"):
        explorer.render({"show": "name", "key": "u", "text": "size"})
    assert (folder / "config.json").read_bytes() == before


def test_categories_of_one_group_are_side_by_side(saved):
    explorer = Explorer(saved[0], "x")
    strip = explorer.render({"show": "draw", "set": {"kind": 3}})["strips"]["kind"]
    assert strip["values"] == [0, 2, 1, 3]
