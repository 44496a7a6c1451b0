from dataclasses import replace

import pytest

from infogan.config import (
    Config,
    TrainConfig,
    flags,
    from_yaml,
    leaves,
    read_yaml,
    recipe,
    recipes,
    to_yaml,
)
from infogan.errors import InfoganError


def test_recipes_read():
    assert {"images", "mnist", "mnist-paper"} <= set(recipes())
    for name in recipes():
        assert recipe(name).recipe == name
    with pytest.raises(InfoganError, match=r"unknown recipe 'mnits' \(did you mean 'mnist'\?\)"):
        recipe("mnits")


def test_yaml_reads_back():
    for config in (recipe("mnist"), Config(train=TrainConfig(lr_d=1e-5), codes="cat3 + u@0.1")):
        assert from_yaml(to_yaml(config), "test", Config()) == config


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("trian: {seed: 1}", "unknown key 'trian'.*did you mean 'train'"),
        ("train: {lr: 1}", "unknown key 'train.lr'"),
        ("train: 5", "train is a group"),
        ("train: {updates: 0}", "train.updates: .*greater than or equal to 1, got 0"),
        ("train: {lr_d: fast}", "train.lr_d: .*got 'fast'"),
        ("train: {lr_d: .nan}", "train.lr_d"),
        ("objective: vae", "objective: .*'infogan' or 'gan'"),
        ("augment: {scale: 1}", "augment.scale"),
        ("- a\n- b", "expected keys and values"),
        ("a: [", "not valid YAML"),
    ],
)
def test_bad_settings_are_one_clear_line(text, rule):
    with pytest.raises(InfoganError, match=rule) as error:
        from_yaml(text, "file.yaml", Config())
    assert str(error.value).startswith("file.yaml")
    assert "\n" not in str(error.value)


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(InfoganError, match="cannot read settings from .*No such file"):
        read_yaml(tmp_path / "no.yaml", Config())
    (tmp_path / "image.yaml").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InfoganError, match="cannot read settings"):
        read_yaml(tmp_path / "image.yaml", Config())


def test_flags_name_every_difference():
    base = recipe("mnist")
    config = replace(
        base,
        objective="gan",
        train=replace(base.train, seed=3, tensorboard=True),
        net=replace(base.net, widths=(8, 16)),
        augment=replace(base.augment, rotation=0),
    )
    assert flags(config, base) == [
        "--objective", "gan", "--net.widths", "8", "16", "--augment.rotation", "0.0",
        "--train.seed", "3", "--train.tensorboard",
    ]  # fmt: skip
    assert flags(base, base) == []
    assert "train.lr_d" in leaves(base)


def test_every_setting_has_a_line_of_help():
    """The flags' help comes from these lines."""
    import ast
    import inspect

    from infogan import config

    for node in ast.parse(inspect.getsource(config)).body:
        if isinstance(node, ast.ClassDef):
            for field, doc in zip(node.body, node.body[1:]):
                leaf = isinstance(field, ast.AnnAssign) and "Config" not in ast.dump(
                    field.annotation
                )
                if leaf:
                    assert isinstance(doc, ast.Expr), f"{node.name}.{field.target.id}"
