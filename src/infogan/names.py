"""What a person calls what was found: categories, groups of them, sliders.

A name belongs to what `--set` would say: "digit=3" is a category, "digit_group=1" a group, "u1" a
slider. Names are kept in a model's card, and change nothing that it computes.
"""

import unicodedata
from collections.abc import Mapping

from infogan.codes import Categorical
from infogan.errors import InfoganError
from infogan.groups import SUFFIX, Groups
from infogan.inputs import is_number
from infogan.prior import Prior

LONGEST = 60  # characters
CONTROL = ("Cc", "Cs", "Zl", "Zp")  # of Unicode: none of them is part of a line


def checked(names: Mapping[str, str], prior: Prior, groups: Mapping[str, Groups]) -> dict[str, str]:
    """The names without white space around them, and without empty ones.

    >>> prior = Prior.parse("digit:cat10 + 2u")
    >>> checked({"digit=3": " seven ", "u1": "slant", "u2": ""}, prior, {})
    {'digit=3': 'seven', 'u1': 'slant'}

    Raises:
        InfoganError: one is of nothing that there is, or is no short line of text.
    """
    there = set(_nameable(prior, groups))
    for key, text in names.items():
        if key not in there:
            raise InfoganError(
                f"names: there is no {key!r} to be called {text!r}; a name belongs to a category, "
                f"as {_example(prior, groups)!r}, or to a slider"
            )
        if not isinstance(text, str) or len(text) > LONGEST or not _in_one_line(text):
            raise InfoganError(
                f"names: {key} cannot be called {text!r}; give a line of up to {LONGEST} characters"
            )
        if "=" in key and is_number(text):
            raise InfoganError(
                f"names: {key} cannot be called {text!r}, for a number already stands for a "
                "category; say it in words, as seven"
            )
    return {key: text.strip() for key, text in names.items() if text.strip()}


def of_categories(names: Mapping[str, str], code: str, k: int) -> list[str]:
    """What each of K categories, or groups, is called; "" where nothing is said.

    Args:
        names: As `InfoGAN.names`.
        code: A categorical code, or NAME_group.
        k: How many.
    """
    return [names.get(f"{code}={i}", "") for i in range(k)]


def category(names: Mapping[str, str], code: str, text: str) -> int | None:
    """Which category of a code, or which group, is called so; None: none is.

    Raises:
        InfoganError: several are.
    """
    found = [key for key, name in names.items() if key.startswith(f"{code}=") and name == text]
    if len(found) > 1:
        raise InfoganError(f"{' and '.join(found)} are both called {text!r}; give the number")
    return int(found[0].partition("=")[2]) if found else None


def regrouped(
    names: Mapping[str, str], code: str, before: Groups | None, after: Groups | None
) -> dict[str, str]:
    """The names where a code has other groups than before.

    A group of the same categories keeps its name; a group's name passes to those of its categories
    that have none; a new group has the name that all its categories have which have one.
    """
    new = {key: text for key, text in names.items() if not key.startswith(f"{code}{SUFFIX}=")}
    kept: dict[tuple[int, ...], str] = {}
    if before is not None:
        for g, text in enumerate(of_categories(names, code + SUFFIX, before.n)):
            if text:
                kept[before.members(g)] = text
                for k in before.members(g):
                    new.setdefault(f"{code}={k}", text)
    if after is not None:
        called = of_categories(new, code, len(after.of))
        for g in range(after.n):
            texts = {called[k] for k in after.members(g)} - {""}
            shared = texts.pop() if len(texts) == 1 else ""
            if text := kept.get(after.members(g), shared):
                new[f"{code}{SUFFIX}={g}"] = text
    return new


def _in_one_line(text: str) -> bool:
    return not any(unicodedata.category(letter) in CONTROL for letter in text)


def _nameable(prior: Prior, groups: Mapping[str, Groups]) -> list[str]:
    keys = []
    for code in prior:
        if isinstance(code, Categorical):
            keys += [f"{code.name}={k}" for k in range(code.k)]
            if code.name in groups:
                keys += [f"{code.name}{SUFFIX}={g}" for g in range(groups[code.name].n)]
        else:
            keys += code.coordinates
    return keys


def _example(prior: Prior, groups: Mapping[str, Groups]) -> str:
    return next(iter(_nameable(prior, groups)), "digit=3")
