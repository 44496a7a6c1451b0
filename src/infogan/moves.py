"""What each player follows in one update: D and Q, G, and trunk and Q when the game is over."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch
from torch import Tensor

from infogan import precision
from infogan.alone import alone, counted, exchanged
from infogan.config import Config
from infogan.contrast import L_C, sharing
from infogan.descent import follow
from infogan.diffaugment import diffaugment, drawn
from infogan.objective import objective_D, objective_G, objective_Q
from infogan.processes import rand, randint, randn
from infogan.recording import Given, Objective, Terms
from infogan.state import State, parameters_in
from infogan.weights import Weights, noise_at, weights_at

Fake = tuple[Tensor, Tensor | None]  # of G, or (z, c) that it will be made of; noise on it


class Moves:
    """What holds for all steps of one update.

    On a GPU each step is a recording (`recording`), and then `fakes` are z and c as G sees them: G
    is part of it. All that is drawn is drawn before, on the processor, and given.

    Args:
        state: Changed in place.
        config: The run's settings.
        dtype: Of convolutions and products.
        strength: Of DiffAugment.
        voted: Whether votes take the place of I_m.
    """

    def __init__(
        self,
        state: State,
        config: Config,
        dtype: torch.dtype,
        strength: float = 0.0,
        voted: bool = False,
    ) -> None:
        self.state, self.model, self.dtype, self.strength = state, state.model, dtype, strength
        prior, loss = state.model.prior, config.loss
        self.w = weights_at(state.update, prior, loss, plain=config.objective == "gan")
        self.sigma = noise_at(state.update, loss)
        # I_m brings a given P(c) from the processor, which cannot be recorded
        given = loss.pairs and not voted and any(code.p for code in prior.categorical)
        self.recorder = None if given else state.recorder

    def autocast(self) -> torch.autocast:
        return precision.autocast(self.state.G_ema[0].device, self.dtype)

    def fakes(self, *latents: Tensor) -> list[Tensor]:
        """G of each (z, c); if a recording will make them, these as they are."""
        if self.recorder:
            return [*latents]
        with self.autocast():
            return [self.model.G(latent) for latent in latents]

    def for_G(self, latent: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """All that G makes in its own step, as one batch, which batch norm must not tell apart.

        Returns:
            (z, c); where what codes make alone counts, the same with a code exchanged in each pair
            of rows; where the contrast counts, others that share noise and a code with (z, c). And
            the numbers of these codes, "exchanged" and "shared".
        """
        rows, which, half = [latent], {}, len(latent) // 2
        if self.w.alone:
            generator, prior = self.state.generators["alone"], self.model.prior
            which["exchanged"] = randint(0, len(counted(prior)), half, generator=generator)
            rows.append(exchanged(prior, latent[: 2 * half], which["exchanged"]))
        if self.w.contrast:
            other, which["shared"] = self._sharing(latent)
            rows.append(other)
        return torch.cat(rows), {name: code.to(latent.device) for name, code in which.items()}

    def noise(self, n: int, batches: int) -> list[Tensor | None]:
        """σ s ε for so many batches of n, ε ~ N(0, 1), s the unit of x; None where σ is 0."""
        if not self.sigma:
            return [None] * batches
        generator, scale = self.state.generators["noise"], self.sigma * self.model.unit
        like, shape = self.state.G_ema[0], self.model.shape
        return [scale * randn(n, *shape, generator=generator).to(like) for _ in range(batches)]

    def move_D(
        self,
        x: Tensor,
        x_aug: Tensor | None,
        fake: Fake,
        c: Mapping[str, Tensor],
        x_near: Tensor | None,
        voted: Mapping[str, Tensor] | None,
        read: Mapping[str, Tensor] | None,
    ) -> dict[str, Tensor]:
        """Trunk, D and Q follow `objective_D`; its terms."""
        state, model, t = self.state, self.model, None
        if self.w.loss.gp:
            t = rand(len(x), 1, 1, 1, generator=state.generators["penalty"]).to(x)
        given: Given = {
            "x": x, "x_aug": x_aug, "fake": fake[0], "noise": fake[1], "c": c, "x_near": x_near,
            "voted": voted, "read": read, "t": t, "T": self._changes(x, "real", "fake"),
        }  # fmt: skip

        def objective(of: Given) -> tuple[Tensor, Terms]:
            with self.autocast():
                with torch.no_grad():
                    fake = self._made(of)
                return objective_D(
                    model, of["x"], of["x_aug"], fake, of["c"], self._weights(of), of["t"],
                    state.r_bar, of["x_near"], _T(of["T"]), of["voted"], of["read"],
                )  # fmt: skip

        return self._follow("D", state.adam_D, objective, given)

    def move_H(self, n: int) -> dict[str, Tensor]:
        """H follows L_C on n pairs of images."""
        state, H, adam = self.state, self.state.H, self.state.adam_H
        assert H
        assert adam
        latent, _ = state.latent(n, "contrast")
        other, which = self._sharing(latent)
        which = which.to(latent.device)
        with torch.no_grad():
            (fake,) = self.fakes(torch.cat([latent, other]))

        def objective(of: Given) -> tuple[Tensor, Terms]:
            with self.autocast():
                with torch.no_grad():
                    x, x_shared = self._drawn(of).chunk(2)
                told = L_C(H(x, x_shared), of["shared"])
                return -told, {"L_C": told}

        return self._follow("H", adam, objective, {"fake": fake, "shared": which})

    def move_G(
        self,
        fake: Fake,
        c: Mapping[str, Tensor],
        x: Tensor | None,
        which: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """G follows `objective_G`; its terms. `fake` and `which` are what `for_G` says."""
        state, model, n = self.state, self.model, len(next(iter(c.values())))
        names = ("fake",) if x is None else ("fake", "real")
        draws = self._changes(fake[0][:n], *names)
        given = {
            "fake": fake[0], "noise": fake[1], "c": c, "x": x, "T": draws, "which": which
        }  # fmt: skip

        def objective(of: Given) -> tuple[Tensor, Terms]:
            with self.autocast(), _frozen(*state.adams().values(), but=state.adam_G):
                fake, rest = self._drawn(of).tensor_split([n])
                owned = told = None
                if "exchanged" in of["which"]:
                    mixed, rest = rest.tensor_split([n // 2 * 2])
                    owned = alone(fake[: len(mixed)], mixed, of["which"]["exchanged"], state.made)
                if state.H and "shared" in of["which"]:
                    told = L_C(state.H(fake, rest), of["which"]["shared"])
                fake, w = noisy(fake, of["noise"]), self._weights(of)
                return objective_G(model, fake, of["c"], w, of["x"], _T(of["T"]), owned, told)

        return self._follow("G", state.adam_G, objective, given)

    def move_Q(
        self, x_aug: Tensor, fake: Fake, c: Mapping[str, Tensor], voted: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Trunk and Q follow `objective_Q`; its terms."""
        given = {"x_aug": x_aug, "fake": fake[0], "noise": fake[1], "c": c, "voted": voted}

        def objective(of: Given) -> tuple[Tensor, Terms]:
            with self.autocast():
                with torch.no_grad():
                    fake = self._made(of)
                w = self._weights(of)
                return objective_Q(self.model, of["x_aug"], fake, of["c"], w, of["voted"])

        return self._follow("Q", self.state.adam_D, objective, given)

    def _sharing(self, latent: Tensor) -> tuple[Tensor, Tensor]:
        """Fresh (z, c) that share their noise and one code with others; the number of that code."""
        state, prior = self.state, self.model.prior
        other, _ = state.latent(len(latent), "contrast")
        generator = state.generators["contrast"]
        which = randint(0, len(prior.codes), len(latent), generator=generator)
        return sharing(prior, latent, other, which), which

    def _changes(self, like: Tensor, *names: str) -> dict[str, dict[str, Tensor]]:
        """What T of DiffAugment does to each batch that D judges; nothing where it is off."""
        if not self.strength:
            return {}
        generator, shape = self.state.generators["diffaugment"], self.model.shape
        draws = {name: drawn(len(like), shape, self.strength, generator) for name in names}
        return {
            name: {part: value.to(like.device) for part, value in draw.items()}
            for name, draw in draws.items()
        }

    def _drawn(self, of: Given) -> Tensor:
        """G's images; of a recording they are made here."""
        fake: Tensor = of["fake"]
        return self.model.G(fake) if self.recorder else fake

    def _made(self, of: Given) -> Tensor:
        return noisy(self._drawn(of), of["noise"])

    def _weights(self, of: Given) -> Weights:
        """The weights, λ as tensors where they are given: those of a recording may change."""
        if "lam" not in of:
            return self.w
        lam, lam_D = (dict(zip(self.w.lam, row.unbind(), strict=True)) for row in of["lam"])
        return replace(self.w, lam=lam, lam_D=lam_D)

    def _follow(
        self, who: str, adam: torch.optim.Adam, objective: Objective, given: Given
    ) -> dict[str, Tensor]:
        w, key = self.w, None
        if self.recorder:
            device = self.state.G_ema[0].device
            lam = torch.tensor([[*w.lam.values()], [*w.lam_D.values()]], device=device)
            given = {**given, "lam": lam}
            key = (
                who,
                w.alike,
                w.r1,
                w.alone,
                w.contrast,
                w.loss,
                w.plain,
                self.model.prior,
                self.dtype,
            )
        return follow(self.state, adam, objective, given, key)


def noisy(x: Tensor, noise: Tensor | None) -> Tensor:
    """x + noise, where there is any."""
    return x if noise is None else x + noise


def _T(draws: Mapping[str, Mapping[str, Tensor]]) -> Callable[[Tensor], Tensor] | None:
    """T of DiffAugment, at each call with the next draw; None where there are none."""
    if not draws:
        return None
    turn = iter(draws.values())

    def T(x: Tensor) -> Tensor:
        return diffaugment(x, next(turn)).contiguous(memory_format=torch.channels_last)

    return T


@contextmanager
def _frozen(*adams: torch.optim.Adam, but: torch.optim.Adam) -> Iterator[None]:
    """No gradients for the parameters of others: a step does not need them."""
    parameters = [p for adam in adams if adam is not but for p in parameters_in(adam)]
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)
