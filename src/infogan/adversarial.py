"""V(D, G) in five forms, on logits, and three gradient penalties.

Each form is a class with two functions of logits (n,): `d(real, fake)`, what D minimizes, and
`g(fake, real)`, what G minimizes, both means over the batch in nats (or in units of the critic).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from infogan.registry import Registry

ADVERSARIAL: Registry[type["Adversarial"]] = Registry("adversarial loss")

softplus = F.softplus


class Adversarial(ABC):
    """One form of the game. `needs_real`: G's loss also looks at real images."""

    needs_real = False

    @staticmethod
    @abstractmethod
    def d(real: Tensor, fake: Tensor) -> Tensor:
        """What D minimizes, from its logits of real and of generated images, (n,) each."""

    @staticmethod
    @abstractmethod
    def g(fake: Tensor, real: Tensor | None = None) -> Tensor:
        """What G minimizes, from D's logits of generated (and real) images, (n,) each."""


@ADVERSARIAL.register("nonsaturating")
class NonSaturating(Adversarial):
    """D: −E[ln σ(real)] − E[ln(1 − σ(fake))];  G: −E[ln σ(fake)]. Goodfellow et al. 2014, eq. 1 and
    section 3."""

    @staticmethod
    def d(real: Tensor, fake: Tensor) -> Tensor:
        # softplus(−a) = −ln σ(a),  softplus(a) = −ln(1 − σ(a))
        return softplus(-real).mean() + softplus(fake).mean()

    @staticmethod
    def g(fake: Tensor, real: Tensor | None = None) -> Tensor:
        return softplus(-fake).mean()  # −ln σ(fake)


@ADVERSARIAL.register("least-squares")
class LeastSquares(Adversarial):
    """D: ½E[(real − 1)²] + ½E[fake²];  G: ½E[(fake − 1)²]. Mao et al. 2017, eq. 9."""

    @staticmethod
    def d(real: Tensor, fake: Tensor) -> Tensor:
        return (real - 1).square().mean() / 2 + fake.square().mean() / 2

    @staticmethod
    def g(fake: Tensor, real: Tensor | None = None) -> Tensor:
        return (fake - 1).square().mean() / 2


@ADVERSARIAL.register("hinge")
class Hinge(Adversarial):
    """D: E[max(0, 1 − real)] + E[max(0, 1 + fake)];  G: −E[fake]. Lim & Ye 2017; Miyato et al.
    2018, eq. 16 and 17."""

    @staticmethod
    def d(real: Tensor, fake: Tensor) -> Tensor:
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()

    @staticmethod
    def g(fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()


@ADVERSARIAL.register("wasserstein")
class Wasserstein(Adversarial):
    """D: E[fake] − E[real];  G: −E[fake]. Arjovsky et al. 2017; it needs the penalty `gp`."""

    @staticmethod
    def d(real: Tensor, fake: Tensor) -> Tensor:
        return fake.mean() - real.mean()

    @staticmethod
    def g(fake: Tensor, real: Tensor | None = None) -> Tensor:
        return -fake.mean()


@ADVERSARIAL.register("relativistic")
class Relativistic(Adversarial):
    """D: −E[ln σ(real − fake)];  G: −E[ln σ(fake − real)], in pairs. Jolicoeur-Martineau 2018,
    eq. 6 and 7."""

    needs_real = True

    @staticmethod
    def d(real: Tensor, fake: Tensor) -> Tensor:
        return softplus(fake - real).mean()

    @staticmethod
    def g(fake: Tensor, real: Tensor | None = None) -> Tensor:
        assert real is not None, "the relativistic loss of G needs D's logits of real images"
        return softplus(real - fake).mean()


def gradient_norm2(D: Callable[[Tensor], Tensor], x: Tensor, unit: Tensor | float = 1.0) -> Tensor:
    """‖∇_{x/s} D(x)‖² = ‖s ∇_x D(x)‖² of each image, (n,), differentiable in D's parameters.

    Args:
        D: (n, C, H, W) → logits (n,), each of its own image alone.
        x: Where.
        unit: s, how much of x counts as 1; of vectors the spread of each coordinate.
    """
    x = x.detach().requires_grad_(True)
    (grad,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return (unit * grad).flatten(1).square().sum(1)


def r1(D: Callable[[Tensor], Tensor], real: Tensor, unit: Tensor | float = 1.0) -> Tensor:
    """R1 = ½ E_real ‖∇_x D(x)‖². Mescheder et al. 2018, eq. 9 (with γ = 1)."""
    return gradient_norm2(D, real, unit).mean() / 2


def r2(D: Callable[[Tensor], Tensor], fake: Tensor, unit: Tensor | float = 1.0) -> Tensor:
    """R2 = ½ E_fake ‖∇_x D(x)‖². Mescheder et al. 2018, eq. 10 (with γ = 1)."""
    return gradient_norm2(D, fake, unit).mean() / 2


def gp(
    D: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    t: Tensor,
    unit: Tensor | float = 1.0,
) -> Tensor:
    """GP = E_x̂ (‖∇_x̂ D(x̂)‖ − 1)², x̂ = t x + (1 − t) G(z, c). Gulrajani et al. 2017, eq. 3.

    Args:
        D: (n, C, H, W) → logits (n,).
        real, fake: (n, C, H, W).
        t: (n, 1, 1, 1), drawn evenly from 0 to 1.
        unit: As in `gradient_norm2`.
    """
    t = t.to(real)
    norm2 = gradient_norm2(D, t * real.detach() + (1 - t) * fake.detach(), unit)
    # the root's slope is infinite at 0, where a D that has gone flat would give NaN
    norm = norm2.clamp_min(torch.finfo(norm2.dtype).tiny).sqrt()
    return (norm - 1).square().mean()
