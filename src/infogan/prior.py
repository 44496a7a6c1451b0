"""The factored prior P(z) Π P(c_i), its text form, and Q(c|x) = Π Q(c_i|x).

A prior is written as text, `z62 + digit:cat10 + 2u`: 62 dimensions of noise z, one categorical code
named `digit` with 10 categories, two uniform codes `u1` and `u2`. One term is

    [name:][count]kind[size][(arguments)][@λ]

    kind    c ~ P(c)                      size            arguments
    z       noise, U(-1, 1)               its dimensions
    cat     Categorical(K), P(k) = 1/K    K, required     (P(0), …, P(K-1)), (learned)
    u       Uniform(low, high)^d          d, default 1    (low, high, floor=…, sigma=…)
    g       Normal(0, 1)^d                d, default 1    (floor=…, sigma=…)
    bern    Bernoulli(1/2)^d              d, default 1

`@0.1` sets the code's weight λ in the objective (default 1); `floor` is the least σ of Q, `sigma` a
fixed one; a `learned` P(k) is taken over from real images while training. The order of the terms is
the order of G's inputs, z first.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.distributions import Distribution

from infogan.codes import (
    CODES,
    DEFAULT_FLOOR,
    Categorical,
    Code,
    Gaussian,
    Uniform,
    number,
)
from infogan.errors import InfoganError
from infogan.registry import unknown

TERM = re.compile(
    r"""(?:(?P<name>\w+)\s*:\s*)?        # digit:
        (?P<count>\d+)?\s*(?P<kind>[a-z]+)(?P<size>\d+)?   # 2u, cat10
        \s*(?:\((?P<arguments>[^()]*)\))?                  # (-1, 1, floor=0.1)
        \s*(?:@\s*(?P<lam>[^\s@]+))?                       # @0.1
    """,
    re.VERBOSE,
)
MOST = 100_000  # inputs of G
EXAMPLE = "write e.g. 'z62 + digit:cat10 + 2u@0.1'"


@dataclass(frozen=True)
class Prior:
    """P(z) and P(c) = Π P(c_i).

    Args:
        noise: Dimensions of z ~ U(-1, 1); >= 0.
        codes: The latent codes, at least one, with distinct names.

    Raises:
        InfoganError: no code, or two codes of one name.

    >>> prior = Prior.parse("z62 + digit:cat10 + 2u@0.1")
    >>> prior.width, prior.n_params, list(prior.entropy())
    (74, 14, ['digit', 'u1', 'u2'])
    >>> str(prior)
    'z62 + digit:cat10 + u1:u1@0.1 + u2:u1@0.1'
    """

    noise: int
    codes: tuple[Code, ...]

    def __post_init__(self) -> None:
        names = [code.name for code in self.codes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InfoganError(f"two codes are called {twice[0]!r}; give each a name of its own")
        if not names:
            raise InfoganError(f"a prior needs at least one code besides z; {EXAMPLE}")
        _few_enough(self.width)

    @classmethod
    def parse(cls, text: str) -> "Prior":
        """Read the text form (see the module's docstring).

        Raises:
            InfoganError: with the term that is not understood and an example.
        """
        noise: int | None = None
        terms: list[re.Match[str]] = []
        for raw in re.split(r"\+(?![^()]*\))", text):
            term = TERM.fullmatch(raw.strip())
            if term is None:
                raise InfoganError(f"codes {text!r}: cannot read {raw.strip()!r}; {EXAMPLE}")
            if term["kind"] != "z":
                terms.append(term)
                continue
            extras = [term[key] for key in ("name", "count", "arguments", "lam")]
            if any(extras) or not term["size"] or noise is not None:
                raise InfoganError(
                    f"codes {text!r}: noise is one term like z62, got {raw.strip()!r}"
                )
            noise = int(term["size"])
        kinds = [term["kind"] for term in terms if not term["name"]]
        taken: dict[str, int] = {}
        codes: list[Code] = []
        for term in terms:
            count = int(term["count"] or 1)
            if count < 1:
                raise InfoganError(
                    f"codes {text!r}: a count of 0 in {term[0]!r}; leave the term out"
                )
            _few_enough(count)
            stem = term["name"] or term["kind"]
            alone = count == 1 and (bool(term["name"]) or kinds.count(term["kind"]) == 1)
            for _ in range(count):
                taken[stem] = taken.get(stem, 0) + 1
                codes.append(_code(term, stem if alone else f"{stem}{taken[stem]}"))
        return cls(noise or 0, tuple(codes))

    def __str__(self) -> str:
        """The canonical text form: `Prior.parse(str(prior)) == prior`."""
        lam = {code.name: f"@{number(code.lam)}" if code.lam != 1 else "" for code in self.codes}
        terms = [f"{code.name}:{code.term()}{lam[code.name]}" for code in self.codes]
        return " + ".join([f"z{self.noise}", *terms] if self.noise else terms)

    def __iter__(self) -> Iterator[Code]:
        return iter(self.codes)

    def __getitem__(self, name: str) -> Code:
        for code in self.codes:
            if code.name == name:
                return code
        raise InfoganError(unknown("code", name, [code.name for code in self.codes]))

    @property
    def width(self) -> int:
        """How many inputs G has: z and the embedded codes."""
        return self.noise + sum(code.width for code in self.codes)

    @property
    def n_params(self) -> int:
        """How many outputs Q has."""
        return sum(code.n_params for code in self.codes)

    @property
    def categorical(self) -> tuple[Categorical, ...]:
        return tuple(code for code in self.codes if isinstance(code, Categorical))

    @property
    def continuous(self) -> tuple[Uniform | Gaussian, ...]:
        return tuple(code for code in self.codes if isinstance(code, Uniform | Gaussian))

    def entropy(self) -> dict[str, float]:
        """H(c_i) of each code, in nats."""
        return {code.name: code.entropy() for code in self.codes}

    def moved(self, p: Mapping[str, Tensor]) -> "Prior":
        """The same with other P(k) of some categorical codes, (K,)."""

        def changed(code: Code) -> Code:
            if code.name not in p:
                return code
            assert isinstance(code, Categorical)
            return replace(code, p=tuple(p[code.name].tolist()))

        return replace(self, codes=tuple(map(changed, self.codes)))

    def sample(self, n: int, generator: torch.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        """z ~ P(z), (n, noise), and c ~ P(c), each code by its name."""
        z = 2 * torch.rand(n, self.noise, generator=generator) - 1
        return z, {code.name: code.sample(n, generator) for code in self.codes}

    def embed(self, z: Tensor, c: Mapping[str, Tensor]) -> Tensor:
        """(z, c) as G sees it: (n, width)."""
        return torch.cat([z, *(code.embed(c[code.name]) for code in self.codes)], dim=1)

    def columns(self) -> dict[str, slice]:
        """Which of G's inputs are each code's."""
        found, at = {}, self.noise
        for code in self.codes:
            found[code.name] = slice(at, at + code.width)
            at += code.width
        return found

    def masks(self, codes: Sequence[Code]) -> Tensor:
        """Which of G's inputs are each of these codes', (codes, width)."""
        columns, found = self.columns(), torch.zeros(len(codes), self.width, dtype=torch.bool)
        for row, code in zip(found, codes, strict=True):
            row[columns[code.name]] = True
        return found

    def q(self, params: Tensor) -> dict[str, Distribution]:
        """Q(c_i|x) of each code from Q's outputs (n, n_params).

        The parameters are taken to at least float32: a log-probability in bfloat16 is off by a
        hundredth of a nat.
        """
        params = params if params.dtype == torch.float64 else params.float()
        parts = torch.split(params, [code.n_params for code in self.codes], dim=1)
        return {code.name: code.q(part) for code, part in zip(self.codes, parts, strict=True)}


def _few_enough(inputs: int) -> None:
    if inputs > MOST:
        raise InfoganError(
            f"codes: {inputs:,} dimensions are too many; at most {MOST:,} are possible"
        )


def _code(term: re.Match[str], name: str) -> Code:
    """One code from one term of the text form."""
    kind = CODES[term["kind"]]
    size = int(term["size"] or 1)
    lam = _number(term["lam"] or "1", term[0])
    if kind is Categorical:
        return _categorical(term, name, lam)
    positional: list[float] = []
    keyword: dict[str, float] = {}
    for argument in filter(None, (a.strip() for a in (term["arguments"] or "").split(","))):
        key, equals, value = argument.rpartition("=")
        if equals:
            keyword[key.strip()] = _number(value, term[0])
        else:
            positional.append(_number(value, term[0]))
    if {"floor", "sigma"} <= set(keyword):
        raise InfoganError(f"{term[0]!r}: a fixed sigma has no floor; give one of the two")
    floor, sigma = keyword.pop("floor", DEFAULT_FLOOR), keyword.pop("sigma", None)
    if keyword or len(positional) not in ((0, 2) if kind is Uniform else (0,)):
        raise InfoganError(
            f"cannot read the arguments of {term[0]!r}: u takes (low, high, floor=…, sigma=…), "
            "g takes (floor=…, sigma=…), cat (P(0), P(1), …) or (learned), bern none"
        )
    if kind is Uniform:
        low, high = positional or (-1.0, 1.0)
        return Uniform(name, lam, size, floor, sigma, low, high)
    if kind is Gaussian:
        return Gaussian(name, lam, size, floor, sigma)
    if term["arguments"] is not None:
        raise InfoganError(f"{term[0]!r}: {term['kind']} takes no arguments")
    return kind(name, lam, size)  # type: ignore[call-arg]


def _categorical(term: re.Match[str], name: str, lam: float) -> Categorical:
    """A categorical code from one term."""
    if not term["size"]:
        raise InfoganError(f"{term[0]!r}: say how many categories, e.g. cat10")
    arguments = [a.strip() for a in (term["arguments"] or "").split(",") if a.strip()]
    if term["arguments"] is not None and not arguments:
        raise InfoganError(f"{term[0]!r}: cat takes no empty brackets; write e.g. cat10(learned)")
    learned = arguments[:1] == ["learned"]
    p = tuple(_number(a, term[0]) for a in arguments[learned:])
    return Categorical(name, lam, int(term["size"]), p, learned)


def _number(text: str, term: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InfoganError(f"{term!r}: {text.strip()!r} is not a number") from None
