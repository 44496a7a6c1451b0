"""Categories that are one thing, as groups: what a categorical code of more categories than there
are classes is read and set by."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from infogan.codes import probs
from infogan.errors import InfoganError
from infogan.inputs import array
from infogan.prior import Prior

SUFFIX = "_group"  # of a code's name: `digit_group` is the group of the code `digit`


@dataclass(frozen=True)
class Groups:
    """A partition of the K categories of a code, P(g) = Σ_{k in g} P(k).

    >>> groups = Groups.of_sets([{2}, {0, 3}, {1}], 4)
    >>> groups.of, groups.members(0)
    ((0, 1, 2, 0), (0, 3))

    Args:
        of: The group of each category, (K,): 0 … G-1, numbered as their first categories come.

    Raises:
        InfoganError: the numbers are not so.
    """

    of: tuple[int, ...]

    def __post_init__(self) -> None:
        firsts = list(dict.fromkeys(self.of))
        if not firsts or firsts != list(range(len(firsts))):
            raise InfoganError(
                f"groups are numbered from 0 as their first categories come, got {self.of}"
            )

    @classmethod
    def of_sets(cls, sets: Iterable[Iterable[int]], k: int) -> "Groups":
        """From the categories of each group, in any order, each of 0 … k-1 in one of them."""
        ordered = sorted((sorted(s) for s in sets), key=lambda s: s[0])
        number = {category: g for g, members in enumerate(ordered) for category in members}
        return cls(tuple(number[category] for category in range(k)))

    @property
    def n(self) -> int:
        """How many groups there are."""
        return max(self.of) + 1

    def members(self, group: int) -> tuple[int, ...]:
        """The categories of one group, in order."""
        return tuple(category for category, g in enumerate(self.of) if g == group)

    def probs(self, q: Distribution) -> Tensor:
        """Q(g|x) = Σ_{k in g} Q(k|x), (n, G), from the code's Q(c|x)."""
        return self.sums(probs(q))

    def sums(self, p: Tensor) -> Tensor:
        """The same from the probabilities (n, K)."""
        nothing = p.new_zeros(p.shape[0], self.n)  # by len torch.export would fix n
        return nothing.index_add_(1, torch.tensor(self.of, device=p.device), p)

    def draw(self, groups: Tensor, p: Tensor, generator: torch.Generator) -> Tensor:
        """A category of each group from P(k|g) = P(k)/P(g): (n,) integers from (n,) integers, by
        the P(k) of the code, (K,)."""
        inside = torch.tensor(self.of) == groups[:, None]  # (n, K)
        return torch.multinomial(inside * p, 1, generator=generator)[:, 0]

    def check(self, name: str, value: Any) -> Tensor:
        """A user's value of a group, checked: (n,) integers, n >= 1."""
        given = array(name, value).reshape(-1)
        if given.dtype.kind not in "iuf" or not np.isin(given, np.arange(self.n)).all():
            raise InfoganError(f"{name}: groups are the integers 0 to {self.n - 1}, got {value!r}")
        return torch.from_numpy(given.astype(np.int64))


def to_card(groups: Mapping[str, Groups]) -> dict[str, list[int]]:
    """For a model's `config.json`: {code: the group of each category}."""
    return {name: list(each.of) for name, each in groups.items()}


def from_card(card: Mapping[str, Sequence[int]], prior: Prior) -> dict[str, Groups]:
    """Back again.

    Raises:
        InfoganError: they are not groups of the prior's categorical codes.
    """
    sizes = {code.name: code.k for code in prior.categorical}
    groups = {name: Groups(tuple(int(g) for g in of)) for name, of in card.items()}
    for name, each in groups.items():
        if len(each.of) != sizes.get(name):
            raise InfoganError(
                f"groups of {len(each.of)} categories for the code {name!r}, which has "
                f"{sizes.get(name, 'none')}"
            )
    return groups
