import csv
import json

import pytest
import torch

from infogan import InfoGAN, InfoganError
from infogan.cli.batch import _assignments
from infogan.config import NetConfig
from infogan.encode import encode
from infogan.groups import Groups
from infogan.names import category, checked, of_categories, regrouped

NET = NetConfig(widths=(4, 8), fc=8)


@pytest.fixture
def model():
    model = InfoGAN("z3 + kind:cat4 + u + pose:u2 + bern", (1, 8, 8), NET).eval()
    model.groups = {"kind": Groups((0, 1, 0, 1))}
    return model


def test_names_travel_with_the_model_and_its_weights_stay(model, tmp_path):
    model.names = {"kind=2": "seven", "kind_group=1": "rings", "pose[1]": "slant", "bern": "hat"}
    model.save_pretrained(tmp_path)
    weights = (tmp_path / "model.safetensors").read_bytes()
    again = InfoGAN.from_pretrained(tmp_path)
    assert again.names == model.names
    again.names["u"] = "size"
    again.save_card(tmp_path, again.names)
    assert InfoGAN.from_pretrained(tmp_path).names == {**model.names, "u": "size"}
    assert (tmp_path / "model.safetensors").read_bytes() == weights
    assert {f.name for f in tmp_path.iterdir()} == {"config.json", "model.safetensors"}


def test_a_model_without_names_says_nothing_of_them(model, tmp_path):
    model.names = {"u": "  "}
    model.save_pretrained(tmp_path)
    assert "names" not in json.loads((tmp_path / "config.json").read_text())


@pytest.mark.parametrize(
    ("names", "rule"),
    [
        ({"kind=4": "x"}, "there is no 'kind=4'"),
        ({"kind": "x"}, "a category, as 'kind=0'"),
        ({"kind_group=2": "x"}, "there is no"),
        ({"pose": "x"}, "there is no 'pose'"),
        ({"u": "two\nlines"}, "a line of up to 60"),
        ({"u": "x" * 61}, "a line of up to 60"),
        ({"u": 3}, "a line of up to 60"),
        ({"kind=1": "7"}, "a number already stands for a category"),
        ({"kind_group=1": "nan"}, "a number already"),
    ],
)
def test_names_of_nothing_are_refused(model, tmp_path, names, rule):
    model.names = names
    with pytest.raises(InfoganError, match=rule):
        model.save_pretrained(tmp_path)


def test_a_card_with_names_of_nothing_is_damaged_in_one_line(model, tmp_path):
    model.save_pretrained(tmp_path)
    card = json.loads((tmp_path / "config.json").read_text())
    for names in ({"kind=9": "x"}, ["x"], "x"):
        (tmp_path / "config.json").write_text(json.dumps(card | {"names": names}))
        with pytest.raises(InfoganError):
            InfoGAN.from_pretrained(tmp_path)


def test_encode_says_them_beside_the_numbers(model):
    model.names = {"kind=0": "nought", "kind=3": "three", "kind_group=1": "odd", "u": "size"}
    table = encode(model, torch.rand(40, 1, 8, 8, generator=torch.Generator().manual_seed(1)))
    called = {0: "nought", 3: "three"}
    assert table["kind.name"].tolist() == [called.get(k, "") for k in table["kind"].tolist()]
    odd = ["odd" if g == 1 else "" for g in table["kind_group"].tolist()]
    assert table["kind_group.name"].tolist() == odd
    assert [c for c in table if "name" in c] == ["kind.name", "kind_group.name"]
    model.names = {}
    assert not [c for c in encode(model, torch.rand(3, 1, 8, 8)) if "name" in c]


def test_a_category_is_found_by_its_name(model):
    names = {"kind=2": "seven", "kind=1": "rings", "kind=3": "rings", "kind_group=1": "all"}
    assert category(names, "kind", "seven") == 2
    assert category(names, "kind_group", "all") == 1
    assert category(names, "kind", "all") is None
    with pytest.raises(InfoganError, match="kind=1 and kind=3 are both called 'rings'"):
        category(names, "kind", "rings")
    assert _assignments(["kind=seven", "u=-1"], names) == {"kind": 2, "u": -1}
    with pytest.raises(InfoganError, match="'eight' is none of seven, rings, rings"):
        _assignments(["kind=eight"], names)


def test_other_groups_take_the_name_that_their_categories_share():
    names = {"kind=0": "a", "kind=2": "a", "kind=1": "b", "kind=3": "c", "u": "size"}
    pairs = Groups((0, 1, 0, 1))
    assert regrouped(names, "kind", None, pairs) == {**names, "kind_group=0": "a"}
    assert regrouped(names, "kind", None, None) == names
    assert of_categories(names, "kind", 4) == ["a", "b", "a", "c"]


def test_names_of_groups_outlive_other_groups():
    names = {
        "kind_group=0": "rings",
        "kind_group=1": "bars",
        "kind=3": "a bar",
        "other_group=0": "x",
    }
    before, after = Groups((0, 1, 0, 1, 2)), Groups((0, 1, 0, 2, 3))
    found = regrouped(names, "kind", before, after)
    assert found == {
        "kind=0": "rings", "kind=2": "rings", "kind=1": "bars", "kind=3": "a bar",
        "kind_group=0": "rings", "kind_group=1": "bars", "kind_group=2": "a bar",
        "other_group=0": "x",
    }  # fmt: skip
    undone = regrouped(names, "kind", before, None)
    assert of_categories(undone, "kind", 5) == ["rings", "bars", "rings", "a bar", ""]
    assert regrouped(undone, "kind", None, before)["kind_group=0"] == "rings"
    same = regrouped({"kind_group=1": "bars", "kind=1": "one"}, "kind", before, before)
    assert same["kind_group=1"] == "bars"


def test_any_script_is_a_name(model):
    for text in ("ななめ\u3000線", "نیم\u200cفاصله", "👨\u200d👩\u200d👧", "<b>x</b>"):
        assert checked({"u": text}, model.prior, model.groups) == {"u": text}


def test_a_run_directory_is_saved_to_where_it_is_read(model, tmp_path):
    model.save_pretrained(tmp_path / "model")
    again = InfoGAN.from_pretrained(tmp_path)
    again.names["u"] = "size"
    again.save_pretrained(tmp_path)
    assert InfoGAN.from_pretrained(tmp_path).names == {"u": "size"}
    assert [f.name for f in tmp_path.iterdir()] == ["model"]


def test_checked_drops_what_is_empty(model):
    assert checked({"u": " size ", "bern": ""}, model.prior, model.groups) == {"u": "size"}


def test_a_table_of_a_named_run_opens_as_csv(model, tmp_path):
    from infogan import table

    model.names = {"kind=0": "ring, large", "kind=1": "é"}
    columns = encode(model, torch.rand(8, 1, 8, 8))
    for suffix in (".csv", ".parquet", ".npz"):
        table.write(tmp_path / f"codes{suffix}", columns)
    with (tmp_path / "codes.csv").open(encoding="utf-8") as f:
        assert [row["kind.name"] for row in csv.DictReader(f)] == columns["kind.name"].tolist()
