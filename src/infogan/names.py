"""What a person calls what was found: categories, groups of them, sliders.

A name belongs to what `--set` would say: "digit=3" is a category, "digit_group=1" a group, "u1" a
slider. Names are kept in a model's card, and change nothing that it computes.
"""

from collections.abc import Mapping

from infogan.codes import Categorical
from infogan.errors import InfoganError
from infogan.groups import SUFFIX, Groups
from infogan.prior import Prior

LONGEST = 60  # characters


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
        if not isinstance(text, str) or len(text) > LONGEST or not text.isprintable():
            raise InfoganError(
                f"names: {key} cannot be called {text!r}; give a line of up to {LONGEST} characters"
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


def regrouped(names: Mapping[str, str], code: str, groups: Groups | None) -> dict[str, str]:
    """The names where a code has other groups than before: each group has the name that all its
    categories have which have one."""
    new = {key: text for key, text in names.items() if not key.startswith(f"{code}{SUFFIX}=")}
    if groups is not None:
        called = of_categories(names, code, len(groups.of))
        for g in range(groups.n):
            texts = {called[k] for k in groups.members(g)} - {""}
            if len(texts) == 1:
                new[f"{code}{SUFFIX}={g}"] = texts.pop()
    return new


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
