"""All that changes while training, as one object that a checkpoint holds."""

import copy
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from infogan import processes
from infogan.alone import nothing_yet
from infogan.config import Config, LossConfig, TrainConfig
from infogan.contrast import Contrast
from infogan.data import to_float
from infogan.errors import InfoganError
from infogan.model import InfoGAN, parameters_of
from infogan.precision import compiled
from infogan.recalibration import recalibrate
from infogan.recording import Recorder

GENERATORS = ("latents", "augment", "penalty")
CALIBRATION = (16, 256)  # batches, images in each


@dataclass
class State:
    """All that changes while training: after `load`, training goes on bit for bit.

    Args:
        model: The networks as they train.
        G_ema: The moving average of G's parameters, in G's order.
        D_ema: The same of trunk, D and Q, in Adam's order; empty without `train.ema_d`.
        r_bar: The running marginal of each categorical code over real images, (K,).
        adam_D: Adam of trunk, D and Q.
        adam_G: Adam of G.
        generators: One stream of random numbers for each purpose.
        update: How many updates were made.
        votes: What the images nearest to each image of the next updates have for a category, by
            code: (votes_every, d_steps, batch), from the last count on; empty before the first.
        made: What each code makes of each place of G's images, as `alone` has it; empty without.
        H: Which code two images share; None where no contrast is asked for.
        adam_H: Adam of H.
        components: What each image of the game's updates has for a value, as a scout found it, by
            continuous code: (updates, d_steps, batch, d); empty where none was sent.
        recorder: Of its steps on a GPU; None where every step is computed anew.
    """

    model: InfoGAN
    G_ema: list[Tensor]
    D_ema: list[Tensor]
    r_bar: dict[str, Tensor]
    adam_D: torch.optim.Adam
    adam_G: torch.optim.Adam
    generators: dict[str, torch.Generator]
    update: int = 0
    votes: dict[str, Tensor] = field(default_factory=dict)
    components: dict[str, Tensor] = field(default_factory=dict)
    made: Tensor = field(default_factory=lambda: torch.empty(0))
    H: Contrast | None = None
    adam_H: torch.optim.Adam | None = None
    recorder: Recorder | None = None

    @classmethod
    def start(
        cls,
        config: Config,
        shape: tuple[int, int, int],
        device: torch.device,
        images: Tensor | None = None,
    ) -> "State":
        """The state before the first update; vectors are measured, where they are given."""
        model = InfoGAN.from_config(config, shape).to(device).train()
        H = Contrast.from_config(config, model.prior, shape)
        for network in (model, H):
            if images is not None and model.vectors and network:
                network.measure(to_float(images))
        if config.train.compile:
            compiled(device, model.G, model.trunk, model.Q)
        # Adam is made here and only here, over every parameter of trunk, D and Q
        discriminative = _discriminative(model)
        adam_D = _adam(discriminative, config.train.lr_d, config.train)
        adam_G = _adam(parameters_of(model.G), config.train.lr_g, config.train)
        streams = {
            name: torch.Generator().manual_seed(config.train.seed * len(GENERATORS) + i)
            for i, name in enumerate(GENERATORS)
        }
        if config.loss.instance_noise:
            streams["noise"] = _stream(config.train.seed, "noise")
        if config.loss.alone:
            streams["alone"] = _stream(config.train.seed, "alone")
        if config.loss.contrast:
            streams["contrast"] = _stream(config.train.seed, "contrast")
        if config.loss.diffaugment:
            streams["diffaugment"] = _stream(config.train.seed, "diffaugment")
        G_ema = [p.detach().clone() for p in model.G.parameters()]
        D_ema = [p.detach().clone() for p in discriminative] if config.train.ema_d else []
        r_bar = {
            code.name: torch.full((code.k,), 1 / code.k, device=device)
            for code in model.prior.categorical
        }
        state = cls(model, G_ema, D_ema, r_bar, adam_D, adam_G, streams)
        if config.loss.alone:
            state.made = nothing_yet(model.prior, shape).to(device)
        if H:
            state.H = H.to(device).train()
            state.adam_H = _adam(parameters_of(H), config.train.lr_d, config.train)
        t, alone = config.train, not processes.launched()
        if device.type == "cuda" and t.graphs and alone and not t.compile:
            state.recorder = Recorder()
        return state

    @torch.no_grad()
    def average(self, t: TrainConfig) -> None:
        """Move the averages on, after each update."""
        # an average starts short, so that the first weights do not count for long
        short = (1 + self.update) / (10 + self.update)
        torch._foreach_lerp_(self.G_ema, parameters_in(self.adam_G), 1 - min(t.ema, short))
        if self.D_ema:
            torch._foreach_lerp_(self.D_ema, parameters_in(self.adam_D), 1 - min(t.ema_d, short))

    @torch.no_grad()
    def rest(self) -> None:
        """G's weights are those of its moving average: they move no more."""
        torch._foreach_copy_(parameters_in(self.adam_G), self.G_ema)

    def learn_prior(self, k: Mapping[str, Tensor]) -> None:
        """Move each learned P(c) to how often real images have each category.

        P(k) = (n_k + 1) / (n + K), the mean of its posterior under a uniform Dirichlet, to six
        digits, as it is written: no category is ever lost.

        Args:
            k: Categories of real images by code, of any shape.
        """
        found = {}
        for code in self.model.prior.categorical:
            if code.learned and code.name in k:
                n = torch.bincount(k[code.name].flatten().cpu(), minlength=code.k)
                p = [float(f"{p_k:.6g}") for p_k in ((n + 1) / (n.sum() + code.k)).tolist()]
                found[code.name] = torch.tensor(p, dtype=torch.float64)
        self.model.prior = self.model.prior.moved(found)

    def latent(self, n: int, stream: str = "latents") -> tuple[Tensor, dict[str, Tensor]]:
        """Fresh (z, c) ~ P: as G sees them, (n, width), and the codes by name; n each process."""
        device = self.G_ema[0].device
        z, c = self.model.prior.sample(n * processes.size(), self.generators[stream])
        latent = processes.mine(self.model.prior.embed(z, c)).to(device)
        return latent, {name: processes.mine(value).to(device) for name, value in c.items()}

    def adams(self) -> dict[str, torch.optim.Adam]:
        """The optimizers by name."""
        both = {"adam_D": self.adam_D, "adam_G": self.adam_G}
        return both | ({"adam_H": self.adam_H} if self.adam_H else {})

    def tensors(self) -> dict[str, Tensor]:
        """Everything as named tensors, for a checkpoint."""
        flat = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        for name, ema in (("G_ema", self.G_ema), ("D_ema", self.D_ema)):
            flat |= {f"{name}.{i}": tensor for i, tensor in enumerate(ema)}
        flat |= {f"r_bar.{name}": r for name, r in self.r_bar.items()}
        flat |= {f"votes.{name}": k for name, k in self.votes.items()}
        flat |= {f"components.{name}": u for name, u in self.components.items()}
        flat |= {"alone.made": self.made} if self.made.numel() else {}
        for code in self.model.prior.categorical:
            if code.learned and code.p:  # as they are: normalized they would be other numbers
                flat[f"prior.{code.name}"] = torch.tensor(code.p, dtype=torch.float64)
        if self.H:
            flat |= {f"H.{name}": tensor for name, tensor in self.H.state_dict().items()}
        for name, adam in self.adams().items():
            for i, moments in adam.state_dict()["state"].items():
                flat |= {f"{name}.{i}.{key}": value for key, value in moments.items()}
        flat |= {f"generator.{name}": g.get_state() for name, g in self.generators.items()}
        return {name: tensor.detach().cpu().contiguous() for name, tensor in flat.items()}

    def load(self, update: int, flat: Mapping[str, Tensor]) -> None:
        """Take over what `tensors` gave after `update` updates.

        Raises:
            InfoganError: it belongs to other networks or codes.
        """
        groups: dict[str, dict[str, Tensor]] = defaultdict(dict)
        for name, tensor in flat.items():
            group, _, rest = name.partition(".")
            groups[group][rest] = tensor
        try:
            self.model.load_state_dict(groups["model"])
            for group, ema in (("G_ema", self.G_ema), ("D_ema", self.D_ema)):
                for i, average in enumerate(ema):
                    average.copy_(groups[group][str(i)])
            for name, r in self.r_bar.items():
                r.copy_(groups["r_bar"][name])
            self.votes, self.components = dict(groups["votes"]), dict(groups["components"])
            self.model.prior = self.model.prior.moved(groups["prior"])
            if self.made.numel():
                self.made.copy_(groups["alone"]["made"])
            if self.H:
                self.H.load_state_dict(groups["H"])
            for group, adam in self.adams().items():
                parameters = parameters_in(adam)
                moments: dict[int, dict[str, Tensor]] = defaultdict(dict)
                for name, tensor in groups[group].items():
                    index, _, key = name.partition(".")
                    p = parameters[int(index)]
                    # the fused Adam reads memory in order: a moment must lie as its parameter does
                    like = p if tensor.shape == p.shape else tensor
                    moments[int(index)][key] = torch.empty_like(like).copy_(tensor)
                adam.load_state_dict(adam.state_dict() | {"state": dict(moments)})
            for name, generator in self.generators.items():
                generator.set_state(groups["generator"][name])
        except (KeyError, RuntimeError, ValueError) as e:
            reason = str(e).splitlines()[0]
            raise InfoganError(
                f"the checkpoint does not fit the run's settings ({reason})"
            ) from None
        self.update = update

    def fakes(self, real: int, loss: LossConfig) -> int:
        """How many generated images trunk and Q see beside so many real ones."""
        alone = bool(self.votes) and self.update >= loss.over_from
        return max(2, round(loss.votes_alone_fakes * real)) if alone else real  # batch norm: two

    def trained(self, images: Tensor, seed: int, loss: LossConfig) -> InfoGAN:
        """A model for use: the moving averages, batch statistics made afresh, evaluation mode.

        Args:
            images: All of the set, (N, C, H, W) bytes.
            seed: Of the images and latents that the statistics are made of.
            loss: Says how many of them are generated.
        """
        batches, size = CALIBRATION
        size = self.fakes(size, loss)
        generator = torch.Generator().manual_seed(seed)
        prior, device = self.model.prior, self.G_ema[0].device
        latents = [prior.embed(*prior.sample(size, generator)).to(device) for _ in range(batches)]
        return self._averaged(images, generator, latents)

    def reader(self, images: Tensor, seed: int) -> InfoGAN:
        """The same to read real images with: the trunk's and Q's statistics are theirs alone."""
        return self._averaged(images, torch.Generator().manual_seed(seed))

    @torch.no_grad()
    def _averaged(
        self, images: Tensor, generator: torch.Generator, latents: Sequence[Tensor] = ()
    ) -> InfoGAN:
        model = copy.deepcopy(self.model)
        for p, average in zip(model.G.parameters(), self.G_ema, strict=True):
            p.copy_(average)
        if self.D_ema:
            for p, average in zip(_discriminative(model), self.D_ema, strict=True):
                p.copy_(average)
        batches, size = CALIBRATION
        picks = torch.randint(len(images), (batches, size), generator=generator)
        device = self.G_ema[0].device
        recalibrate(model, (to_float(images[pick]).to(device) for pick in picks), latents)
        return model


def _stream(seed: int, name: str) -> torch.Generator:
    """A stream beside GENERATORS, whose seeds follow each other without a gap."""
    digest = hashlib.sha256(f"{name} {seed}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))


def _discriminative(model: InfoGAN) -> list[torch.nn.Parameter]:
    """What D's step moves: the trunk and both heads."""
    return parameters_of(model.trunk, model.D, model.Q)


def _adam(parameters: list[torch.nn.Parameter], rate: float, t: TrainConfig) -> torch.optim.Adam:
    # fused: the default spends a quarter of the step in the optimizer on two cores
    return torch.optim.Adam(parameters, lr=rate, betas=(t.beta1, t.beta2), fused=True)


def parameters_in(adam: torch.optim.Adam) -> list[Tensor]:
    """All that an optimizer moves, in order."""
    return [p for group in adam.param_groups for p in group["params"]]
