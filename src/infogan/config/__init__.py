"""The settings of a run: a tree of frozen dataclasses, and how they are read and written."""

from infogan.config.reading import (
    changed,
    checked,
    flags,
    from_yaml,
    in_words,
    is_place,
    leaves,
    read_yaml,
    recipe,
    recipes,
    to_yaml,
)
from infogan.config.settings import (
    AugmentConfig,
    Config,
    DataConfig,
    LossConfig,
    NetConfig,
    TrainConfig,
)

__all__ = [
    "AugmentConfig",
    "Config",
    "DataConfig",
    "LossConfig",
    "NetConfig",
    "TrainConfig",
    "changed",
    "checked",
    "flags",
    "from_yaml",
    "in_words",
    "is_place",
    "leaves",
    "read_yaml",
    "recipe",
    "recipes",
    "to_yaml",
]
