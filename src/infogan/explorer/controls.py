"""What a page sets of c: a control for each number, and settings as c."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from infogan.codes import Bernoulli, Categorical, Code, Uniform
from infogan.errors import InfoganError
from infogan.groups import SUFFIX
from infogan.model import InfoGAN
from infogan.prior import Prior

STEPS = 9  # values of a slider that are shown at once, the middle among them
WINDOW = 40  # categories that are shown at once


@dataclass(frozen=True)
class Control:
    """One number of c.

    Args:
        name: Its coordinate, `u1` or `pose[0]`, under which it is set.
        code: Whose it is.
        index: Which of the code's dimensions.
        groups: The group of each category, where they were merged.
    """

    name: str
    code: Code
    index: int
    groups: tuple[int, ...] = ()

    @property
    def values(self) -> Tensor:
        """What a strip of images can show, in order; categories of one group side by side."""
        return (
            torch.tensor(self.groups).argsort(stable=True)
            if self.groups
            else self.code.traversal(STEPS)
        )

    def shown(self, value: float) -> Tensor:
        """Those of them that it shows: of many categories those around the value."""
        values = self.values
        if not isinstance(self.code, Categorical):
            return values
        first = int((values == int(value)).nonzero()) // WINDOW * WINDOW
        return values[first : first + WINDOW]

    def facts(self) -> dict[str, Any]:
        """What a page needs to know to draw it; numbers in the code's own units."""
        code = self.code
        facts: dict[str, Any] = {"name": self.name, "code": code.name}
        if isinstance(code, Categorical):
            group_name = code.name + SUFFIX
            return facts | {"k": code.k, "groups": self.groups or None, "group_name": group_name}
        values = code.traversal(STEPS)
        trained = [code.low, code.high] if isinstance(code, Uniform) else None
        return facts | {
            "low": values[0].item(),
            "high": values[-1].item(),
            "step": 1 if isinstance(code, Bernoulli) else (values[-1] - values[0]).item() / 200,
            "trained": trained,  # beyond it G extrapolates
        }


def controls(model: InfoGAN) -> dict[str, Control]:
    """A control for each number of c, by its coordinate."""
    found: dict[str, Control] = {}
    for code in model.prior:
        groups = model.groups[code.name].of if code.name in model.groups else ()
        found |= {name: Control(name, code, i, groups) for i, name in enumerate(code.coordinates)}
    return found


def middle(code: Code) -> float:
    """Where a code's controls begin."""
    return 0.0 if isinstance(code, Categorical | Bernoulli) else code.traversal(3)[1].item()


def one(model: InfoGAN, settings: Mapping[str, Any]) -> dict[str, Tensor]:
    """c of one image, {code: (1, …)}, by the settings of its coordinates; the others are in the
    middle.

    Raises:
        InfoganError: there is no such coordinate, or it cannot have that value.
    """
    there = controls(model)
    for name, value in settings.items():
        if name not in there:
            raise InfoganError(f"there is no {name!r} to set; there are {', '.join(there)}")
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise InfoganError(f"{name}: expected a number, got {value!r}")
    c: dict[str, Any] = {}
    for code in model.prior:
        row = [settings.get(name, middle(code)) for name in code.coordinates]
        c[code.name] = row[0] if isinstance(code, Categorical) else [row]
    return model.values(c)


def moved(c: Mapping[str, Tensor], control: Control, values: Tensor) -> dict[str, Tensor]:
    """c of as many images as there are values, which one control takes."""
    n = len(values)
    many = {name: value.expand(n, *value.shape[1:]).clone() for name, value in c.items()}
    if isinstance(control.code, Categorical):
        many[control.code.name] = values.long()
    else:
        many[control.code.name][:, control.index] = values
    return many


def settings(prior: Prior, c: Mapping[str, Tensor]) -> dict[str, float]:
    """Back again: the settings of c's first image."""
    return {
        name: value
        for code in prior
        for name, value in zip(code.coordinates, c[code.name][:1].flatten().tolist())
    }


def drawn(
    model: InfoGAN, c: Mapping[str, Tensor], free: set[str], n: int, generator: torch.Generator
) -> tuple[Tensor, dict[str, Tensor]]:
    """z and c of n images: z and the coordinates in `free` are drawn, the others as they are set"""
    z, new = model.prior.sample(n, generator)
    for control in controls(model).values():
        if control.name in free:
            continue
        value = c[control.code.name]
        if isinstance(control.code, Categorical):
            new[control.code.name] = value.expand(n)
        else:
            new[control.code.name][:, control.index] = value[0, control.index]
    return z, new
