"""Latent codes: what P(c) is, how c enters G, and which distribution Q(c|x) gives.

One class per kind; `prior.py` makes the factored prior P(c) = Π P(c_i) of them and reads its text.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Categorical as CategoricalDistribution
from torch.distributions import Distribution, Independent, Normal

from infogan.errors import InfoganError
from infogan.registry import Registry

CODES: Registry[type["Code"]] = Registry("kind of code")

DEFAULT_FLOOR = 0.1
SUM_IS_ONE = 1e-3  # of given probabilities, within this
RESERVED = ("z", "n", "c", "x", "name", "seed", "generator")  # name: of a file, in a table


@dataclass(frozen=True)
class Code(ABC):
    """One latent code c_i with its prior P(c_i) and the family of Q(c_i|x).

    Args:
        name: What the code is called wherever it is shown or set.
        lam: λ, the weight of this code's L_I in the objective; >= 0.
    """

    name: str
    lam: float

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or self.name in RESERVED:
            raise InfoganError(
                f"code name {self.name!r}: a name is a Python identifier and none of "
                f"{', '.join(RESERVED)}; write e.g. digit:cat10"
            )
        if not (math.isfinite(self.lam) and self.lam >= 0):
            raise InfoganError(f"code {self.name!r}: λ must be finite and >= 0, got {self.lam}")

    @property
    @abstractmethod
    def width(self) -> int:
        """How many of G's inputs the code takes."""

    @property
    @abstractmethod
    def n_params(self) -> int:
        """How many of Q's outputs the code takes."""

    @property
    def coordinates(self) -> list[str]:
        """The names of the numbers that the code is made of: `u1`, or `u1[0]`, `u1[1]`."""
        d = 1 if isinstance(self, Categorical) else self.width
        return [self.name] if d == 1 else [f"{self.name}[{i}]" for i in range(d)]

    @abstractmethod
    def entropy(self) -> float:
        """H(c) in nats; differential for the continuous kinds."""

    @abstractmethod
    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        """c ~ P(c): (n,) integers for a categorical code, (n, d) floats for the others."""

    @abstractmethod
    def embed(self, c: Tensor) -> Tensor:
        """c as G sees it: (n, width) floats."""

    @abstractmethod
    def q(self, params: Tensor) -> Distribution:
        """Q(c|x) from Q's outputs (n, n_params); its `log_prob(c)` is (n,), in nats.

        The distribution does not validate: a NaN in training is for the trainer to report.
        """

    @abstractmethod
    def traversal(self, steps: int) -> Tensor:
        """Values of one coordinate in order, for a picture: (steps,), or all that there are."""

    @abstractmethod
    def term(self) -> str:
        """The code's text form without name and λ."""


@CODES.register("cat")
@dataclass(frozen=True)
class Categorical(Code):
    """c ~ Cat(K), P(k) = 1/K or what is given; H(c) = −Σ P(k) ln P(k). Q: softmax of K logits.

    >>> code = Categorical("digit", 1.0, 10)
    >>> round(code.entropy(), 3)
    2.303

    Args:
        p: P(k) of each category, > 0, sum 1; empty: 1/K each.
        learned: Training moves P(k) to how frequent the categories are among real images.
    """

    k: int
    p: tuple[float, ...] = ()
    learned: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.k < 2:
            raise InfoganError(
                f"code {self.name!r}: a categorical code needs K >= 2 categories, got {self.k} "
                "(one category carries no information); write e.g. cat10"
            )
        if not self.p:
            return
        sound = all(math.isfinite(p) and p > 0 for p in self.p)
        if len(self.p) != self.k or not sound or abs(sum(self.p) - 1) > SUM_IS_ONE:
            raise InfoganError(
                f"code {self.name!r}: P(c) of {self.k} categories is as many numbers above 0 that "
                f"sum to 1, got {len(self.p)} with sum {sum(self.p):g}; write e.g. "
                "cat3(0.2, 0.3, 0.5), or cat10(learned)"
            )

    @property
    def probabilities(self) -> Tensor:
        """P(k), (K,) float64, sum 1."""
        if not self.p:
            return torch.full((self.k,), 1 / self.k, dtype=torch.float64)
        p = torch.tensor(self.p, dtype=torch.float64)
        return p / p.sum()

    @property
    def width(self) -> int:
        return self.k

    @property
    def n_params(self) -> int:
        return self.k

    def entropy(self) -> float:
        if not self.p:
            return math.log(self.k)
        p = self.probabilities
        return -(p * p.log()).sum().item()

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        if not self.p:
            return torch.randint(self.k, (n,), generator=generator)
        if n == 0:
            return torch.empty(0, dtype=torch.int64)
        return torch.multinomial(self.probabilities, n, replacement=True, generator=generator)

    def embed(self, c: Tensor) -> Tensor:
        return F.one_hot(c, self.k).to(torch.get_default_dtype())

    def q(self, params: Tensor) -> Distribution:
        return CategoricalDistribution(logits=params, validate_args=False)

    def traversal(self, steps: int) -> Tensor:
        return torch.arange(self.k)

    def term(self) -> str:
        arguments = ["learned"] * self.learned + [number(p) for p in self.p]
        return f"cat{self.k}" + _bracketed(arguments)


@dataclass(frozen=True)
class _Vector(Code, ABC):
    """A code of d independent numbers."""

    d: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.d < 1:
            raise InfoganError(f"code {self.name!r}: needs at least one dimension, got {self.d}")

    @property
    def width(self) -> int:
        return self.d

    def embed(self, c: Tensor) -> Tensor:
        return c


@dataclass(frozen=True)
class _Continuous(_Vector, ABC):
    """A continuous code; Q is a factored Gaussian.

    Args:
        floor: s, the least σ of Q: σ = softplus(·) + s. It bounds L_I from above, so that one code
            cannot run away with the objective (docs/maths.md).
        sigma: A fixed σ instead; Q then has only means.
    """

    floor: float
    sigma: float | None

    def __post_init__(self) -> None:
        super().__post_init__()
        for what, value in (("floor", self.floor), ("sigma", self.sigma)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise InfoganError(f"code {self.name!r}: {what} must be > 0, got {value}")

    @property
    def n_params(self) -> int:
        return 2 * self.d if self.sigma is None else self.d

    @abstractmethod
    def quantile(self, level: Tensor) -> Tensor:
        """The value below which a coordinate is with that probability, 0 < level < 1."""

    def q(self, params: Tensor) -> Distribution:
        """Q(c|x) = Π_i N(c_i; μ_i(x), σ_i(x)²)."""
        mu = params[:, : self.d]  # (n, d)
        if self.sigma is None:
            sigma = F.softplus(params[:, self.d :]) + self.floor  # (n, d)
        else:
            sigma = torch.full_like(mu, self.sigma)
        return Independent(Normal(mu, sigma, validate_args=False), 1, validate_args=False)

    def _spread(self) -> list[str]:
        if self.sigma is not None:
            return [f"sigma={number(self.sigma)}"]
        return [] if self.floor == DEFAULT_FLOOR else [f"floor={number(self.floor)}"]


@CODES.register("u")
@dataclass(frozen=True)
class Uniform(_Continuous):
    """c ~ U(low, high)^d; H(c) = d ln(high − low), differential: ln 2 for U(-1, 1)."""

    low: float
    high: float

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InfoganError(
                f"code {self.name!r}: a uniform code needs low < high, got "
                f"({self.low}, {self.high}); write e.g. u(-1, 1)"
            )

    def entropy(self) -> float:
        return self.d * math.log(self.high - self.low)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return self.quantile(torch.rand(n, self.d, generator=generator))

    def quantile(self, level: Tensor) -> Tensor:
        return self.low + (self.high - self.low) * level

    def traversal(self, steps: int, reach: float = 2.0) -> Tensor:
        """Evenly from `reach` half-ranges below the middle to as many above; the paper's Figure 2
        shows U(-1, 1) from −2 to 2, beyond what G was trained on."""
        middle, half = (self.low + self.high) / 2, (self.high - self.low) / 2
        return torch.linspace(middle - reach * half, middle + reach * half, steps)

    def term(self) -> str:
        bounds = [] if (self.low, self.high) == (-1, 1) else [number(self.low), number(self.high)]
        return f"u{self.d}" + _bracketed(bounds + self._spread())


@CODES.register("g")
@dataclass(frozen=True)
class Gaussian(_Continuous):
    """c ~ N(0, 1)^d; H(c) = d/2 ln(2πe)."""

    def entropy(self) -> float:
        return self.d / 2 * math.log(2 * math.pi * math.e)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randn(n, self.d, generator=generator)

    def quantile(self, level: Tensor) -> Tensor:
        value: Tensor = torch.special.ndtri(level)
        return value

    def traversal(self, steps: int) -> Tensor:
        return torch.linspace(-2, 2, steps)

    def term(self) -> str:
        return f"g{self.d}" + _bracketed(self._spread())


@CODES.register("bern")
@dataclass(frozen=True)
class Bernoulli(_Vector):
    """c ~ Bernoulli(1/2)^d; H(c) = d ln 2. Q: d logits."""

    @property
    def n_params(self) -> int:
        return self.d

    def entropy(self) -> float:
        return self.d * math.log(2)

    def sample(self, n: int, generator: torch.Generator) -> Tensor:
        return torch.randint(2, (n, self.d), generator=generator).to(torch.get_default_dtype())

    def q(self, params: Tensor) -> Distribution:
        q = BernoulliDistribution(logits=params, validate_args=False)
        return Independent(q, 1, validate_args=False)

    def traversal(self, steps: int) -> Tensor:
        return torch.arange(2.0)

    def term(self) -> str:
        return f"bern{self.d}"


def probs(q: Distribution) -> Tensor:
    """The probabilities of a categorical code's Q(c|x), (n, K)."""
    assert isinstance(q, CategoricalDistribution)
    p: Tensor = q.probs
    return p


def log_probs(q: Distribution) -> Tensor:
    """Their logarithms, (n, K)."""
    assert isinstance(q, CategoricalDistribution)
    logits: Tensor = q.logits  # torch keeps them normalized
    return logits


def number(value: float) -> str:
    """The shortest text that reads back as the same number, without a plus sign: `0.1`, `-1`."""
    return repr(float(value)).replace("+", "").removesuffix(".0")


def _bracketed(arguments: list[str]) -> str:
    return f"({', '.join(arguments)})" if arguments else ""
