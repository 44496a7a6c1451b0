"""Settings from recipes, YAML files and back; what is wrong in them is one line."""

from dataclasses import asdict, fields, is_dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from infogan.config.settings import Config
from infogan.errors import InfoganError
from infogan.registry import unknown


def recipes() -> list[str]:
    """The names of the recipes."""
    files = resources.files("infogan").joinpath("recipes").iterdir()
    return sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml"))


def recipe(name: str) -> Config:
    """The settings of one recipe.

    Raises:
        InfoganError: there is no such recipe.
    """
    if name not in recipes():
        raise InfoganError(unknown("recipe", name, recipes()))
    text = resources.files("infogan").joinpath(f"recipes/{name}.yaml").read_text("utf-8")
    return from_yaml(text, f"recipe {name}", Config(recipe=name))


def is_place(source: str) -> bool:
    """Whether a source is a place, a folder, a file or a name on a hub, and no built-in name."""
    path = Path(source)
    return source.startswith("hf:") or len(path.parts) > 1 or bool(path.suffix) or path.exists()


def from_yaml(text: str, where: str, base: Config) -> Config:
    """`base` with what the YAML text sets.

    Raises:
        InfoganError: the text is no YAML mapping, or has an unknown key or a value out of range.
    """
    try:
        changes = yaml.safe_load(text) or {}
    except yaml.YAMLError as e:
        raise InfoganError(f"{where}: not valid YAML ({' '.join(str(e).split())})") from None
    if not isinstance(changes, dict):
        raise InfoganError(f"{where}: expected keys and values, got {type(changes).__name__}")
    return changed(base, changes, where)


def changed(base: Config, changes: dict[str, Any], where: str) -> Config:
    """`base` with what a tree of settings sets; errors as `from_yaml`."""
    return checked(_merged(asdict(base), changes, where, ""), where)


def read_yaml(path: Path, base: Config) -> Config:
    """`base` with what the YAML file sets; errors as `from_yaml`, and when it cannot be read."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as e:
        raise InfoganError(f"cannot read settings from {path}: {_reason(e)}") from None
    return from_yaml(text, str(path), base)


def to_yaml(config: Config) -> str:
    """All settings as YAML that `from_yaml` reads back."""
    tree: str = yaml.safe_dump(_plain(asdict(config)), sort_keys=False, allow_unicode=True)
    return tree


def checked(tree: dict[str, Any], where: str) -> Config:
    """A tree of plain values as a Config.

    Raises:
        InfoganError: one line that names the key, the rule and the value.
    """
    try:
        return TypeAdapter(Config).validate_python(tree)
    except ValidationError as e:
        raise InfoganError(f"{where}: {in_words(e)}") from None


def in_words(error: ValidationError) -> str:
    """The first problem of a validation error in one line."""
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "settings"
    return f"{key}: {first['msg']}, got {first['input']!r}"


def leaves(config: Any, prefix: str = "") -> dict[str, Any]:
    """Every setting by its dotted name: {"train.lr_g": 0.001, …}."""
    flat: dict[str, Any] = {}
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            flat |= leaves(value, f"{prefix}{field.name}.")
        else:
            flat[prefix + field.name] = value
    return flat


def flags(config: Config, base: Config) -> list[str]:
    """The command-line flags that turn `base` into `config`."""
    given: list[str] = []
    usual = leaves(base)
    for name, value in leaves(config).items():
        if name == "recipe" or value == usual[name]:
            continue
        flag = "--" + name.replace("_", "-")
        if isinstance(value, bool):
            head, _, tail = flag.rpartition(".")
            given.append(flag if value else f"{head}.no-{tail}")
        elif isinstance(value, tuple):
            given += [flag, *map(str, value)]
        else:
            given += [flag, str(value)]
    return given


def _merged(tree: dict[str, Any], changes: dict[Any, Any], where: str, at: str) -> dict[str, Any]:
    merged = dict(tree)
    for key, value in changes.items():
        name = f"{at}{key}"
        if key not in tree:
            raise InfoganError(f"{where}: {unknown('key', name, [at + k for k in tree])}")
        if isinstance(tree[key], dict):
            if not isinstance(value, dict):
                raise InfoganError(f"{where}: {name} is a group of settings, got {value!r}")
            merged[key] = _merged(tree[key], value, where, f"{name}.")
        else:
            merged[key] = value
    return merged


def _plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    return list(tree) if isinstance(tree, tuple) else tree


def _reason(error: Exception) -> str:
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
