"""InfoGAN: a generator G, one trunk, and two heads on it, D and Q."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import ArrayLike
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributions import Distribution

from infogan import names
from infogan.codes import Categorical
from infogan.config import Config, NetConfig, in_words
from infogan.errors import InfoganError
from infogan.groups import SUFFIX, Groups, from_card, to_card
from infogan.inputs import array, checked_seed, images, numbers, vectors
from infogan.networks import ARCHITECTURES, QHead, measure, ranged, spectral, spread
from infogan.prior import Prior

FORMAT = 1
CHUNK = 250  # images in one pass of the networks, so that memory stays bounded


class InfoGAN(nn.Module):
    """G(z, c), D(x) and Q(c|x) of Chen et al. 2016; Q shares the whole trunk with D.

    `from_pretrained` gives one that is trained. For training, the parts are `G`, `trunk`, `D`, `Q`:
    `h = model.trunk(x)`, then `model.D(h)` is the logit (n, 1) and `model.Q(h)` Q's outputs.

    `groups` says which categories of a code are one thing, where that was accepted:
    `model.groups["digit"].probs(model.infer(x)["digit"])` is Q(g|x), (n, G). `names` says what
    a person calls a category or a slider: `model.names["digit=3"] = "seven"`.

    Args:
        prior: P(z) and P(c), or its text form: "z62 + digit:cat10 + 2u".
        shape: (C, H, W) of the images; (d, 1, 1) of vectors, with `net.output` linear.
        net: The networks' settings.
        seed: Of the initial weights, which do not touch torch's global generator.

    Raises:
        InfoganError: malformed text, unknown architecture, an image too small for it, or vectors
            with an output that is for images, or the other way round.
    """

    def __init__(
        self,
        prior: Prior | str,
        shape: tuple[int, int, int] = (1, 28, 28),
        net: NetConfig | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.prior = Prior.parse(prior) if isinstance(prior, str) else prior
        self.shape = shape
        self.net = net or NetConfig()
        self.groups: dict[str, Groups] = {}
        self.names: dict[str, str] = {}
        if self.vectors and shape[1:] != (1, 1):
            raise InfoganError(
                f"net.output linear is for vectors, got images {shape}; take sigmoid or tanh"
            )
        build = ARCHITECTURES[self.net.kind]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            body, trunk, features = build(self.net, self.prior.width, shape)
            self.G, self.trunk = ranged(self.net, body, trunk, shape)
            self.D = spectral(nn.Linear(features, 1), self.net.norm == "spectral")
            linear = [self.net.q_linear and code in self.prior.continuous for code in self.prior]
            sizes = [code.n_params for code in self.prior]
            gains = [self.net.q_gain if c in self.prior.categorical else 1.0 for c in self.prior]
            self.Q = QHead(self.net, features, sizes, linear, gains)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    @classmethod
    def from_config(cls, config: Config, shape: tuple[int, int, int]) -> "InfoGAN":
        """The untrained model that a run's settings describe."""
        return cls(Prior.parse(config.codes), shape, config.net, config.train.seed)

    @property
    def vectors(self) -> bool:
        """Whether x are vectors in units of their own, not images."""
        return self.net.output == "linear"

    @property
    def unit(self) -> Tensor | float:
        """How much of x is 1 to the networks: noise and the gradients of D are measured in it."""
        return spread(self) if self.vectors else 1.0

    def measure(self, x: Tensor) -> None:
        """Take the mean and spread of vectors (N, d, 1, 1), on which the networks' own range rests;
        images have a range already."""
        measure(self, x)

    def generate(
        self,
        n: int | None = None,
        *,
        z: ArrayLike | None = None,
        seed: int | None = None,
        **codes: ArrayLike,
    ) -> Tensor:
        """x = G(z, c): images for the codes that are given; the others are drawn from the prior.

        Args:
            n: How many; not needed where a code or z is given as a sequence.
            z: Noise, (n, noise) or (noise,) for all, in [-1, 1].
            seed: Of z and the codes that are drawn; the same seed gives the same images.
            codes: By name, one value for all images or n of them: integers 0 … K-1 for a
                categorical code, a number or (n, d) numbers for the others. A uniform code was
                trained on [low, high]; values beyond are extrapolation, and allowed. Where there
                are groups, NAME_group draws among the group's categories.

        Returns:
            (n, C, H, W) in [0, 1]; vectors: (n, d) in their own units.

        Raises:
            InfoganError: an unknown code, a category that does not exist, or lengths that differ.
        """
        values = self.values(codes)
        if z is not None:
            values["z"] = numbers("z", z, self.prior.noise)
        lengths = {len(value) for value in values.values() if len(value) != 1}
        n = n if n is not None else max(lengths, default=1)
        if not isinstance(n, int | np.integer) or n < 0 or lengths - {n}:
            raise InfoganError(
                f"n = {n} images, and values for {sorted(lengths)}: give a count, one value, or n"
            )
        generator = torch.Generator()
        generator.seed() if seed is None else generator.manual_seed(checked_seed(seed))
        x = self.decode(*self.draw(n, generator, values))
        return x.flatten(1) if self.vectors else x

    def draw(
        self, n: int, generator: torch.Generator, values: Mapping[str, Tensor]
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """z and c of n images: those of `values` (one, or n each), the others from the prior."""
        z, c = self.prior.sample(n, generator)
        for name, value in values.items():
            every = value.expand(n, *value.shape[1:])
            if name == "z":
                z = every
            elif name in c:
                c[name] = every
            else:
                code = self.prior[name.removesuffix(SUFFIX)]
                assert isinstance(code, Categorical)
                c[code.name] = self.groups[code.name].draw(every, code.probabilities, generator)
        return z, c

    def decode(self, z: Tensor, c: Mapping[str, Tensor]) -> Tensor:
        """x = G(z, c) for values as `prior.sample(n, generator)` gives them: (n, C, H, W)."""
        return self._run(self.G, self.prior.embed(z, c), self.shape)

    def infer(self, x: ArrayLike) -> dict[str, Distribution]:
        """Q(c|x): for each code, by its name, a distribution over its values.

        >>> model = InfoGAN("z8 + kind:cat3 + u", shape=(1, 8, 8))
        >>> q = model.infer(model.generate(n=5, seed=0))
        >>> q["kind"].probs.shape, q["u"].mean.shape
        (torch.Size([5, 3]), torch.Size([5, 1]))

        Args:
            x: Images (n, C, H, W), (n, H, W) if grey, or one (C, H, W): floats in [0, 1] or bytes.
                Vectors (n, d), or one (d,): any finite numbers, in the units of the training data.

        Returns:
            {name: torch.distributions.Distribution} with batch shape (n,).

        Raises:
            InfoganError: the images are not of the model's shape or range.
        """
        return self.prior.q(
            self._run(nn.Sequential(self.trunk, self.Q), self._given(x), (self.prior.n_params,))
        )

    def infer_from(self, h: Tensor) -> dict[str, Distribution]:
        """Q(c|x) by what `features` gave of x, (n, features)."""
        return self.prior.q(self._run(self.Q, h, (self.prior.n_params,)))

    def read_back(self, z: Tensor, c: Mapping[str, Tensor]) -> dict[str, Distribution]:
        """Q(c|G(z, c)) for values as `prior.sample` gives them; the images are not kept."""
        network = nn.Sequential(self.G, self.trunk, self.Q)
        return self.prior.q(self._run(network, self.prior.embed(z, c), (self.prior.n_params,)))

    def discriminate(self, x: ArrayLike) -> Tensor:
        """D's logit of each image, (n,): above 0 it looks real. Args as `infer`."""
        return self._run(nn.Sequential(self.trunk, self.D), self._given(x), (1,)).squeeze(1)

    def features(self, x: ArrayLike) -> Tensor:
        """What the trunk makes of each image, (n, features): all that D and Q hear. Args as
        `infer`."""
        return self._run(self.trunk, self._given(x), (0,))

    @torch.no_grad()
    def _run(self, network: nn.Module, inputs: Tensor, shape: tuple[int, ...]) -> Tensor:
        """The network's outputs in evaluation: one image never depends on the others."""
        was_training = self.training
        self.eval()
        try:
            device = next(self.parameters()).device
            # bytes become floats a chunk at a time: all of them would be four times the data set
            parts = [network(_floats(part.to(device))) for part in torch.split(inputs, CHUNK)]
            return torch.cat(parts) if len(inputs) else torch.empty(0, *shape, device=device)
        finally:
            self.train(was_training)

    def _given(self, x: ArrayLike) -> Tensor:
        return vectors(x, self.shape) if self.vectors else images(x, self.shape)

    def values(self, given: Mapping[str, ArrayLike]) -> dict[str, Tensor]:
        """A user's values of codes, checked: (n,) integers or (n, d) floats each, n >= 1.

        Raises:
            InfoganError: an unknown code, a value that it cannot have, or a category and its group.
        """
        for code in self.groups:
            if code in given and code + SUFFIX in given:
                raise InfoganError(f"give {code} or {code}{SUFFIX}, not both: one draws the other")
        return {name: self._value(name, value) for name, value in given.items()}

    def _value(self, name: str, value: ArrayLike) -> Tensor:
        if (of := name.removesuffix(SUFFIX)) in self.groups and of != name:
            return self.groups[of].check(name, value)
        code = self.prior[name]
        if not isinstance(code, Categorical):
            return numbers(code.name, value, code.width)
        given = array(name, value).reshape(-1)
        if given.dtype.kind not in "iuf" or not np.isin(given, np.arange(code.k)).all():
            raise InfoganError(
                f"{code.name}: categories are the integers 0 to {code.k - 1}, got {value!r}"
            )
        return torch.from_numpy(given.astype(np.int64))

    def save_pretrained(self, path: str | os.PathLike[str]) -> None:
        """Write `config.json` and `model.safetensors`, which `from_pretrained` loads; of a run
        directory those of its model."""
        folder = Path(path)
        if (folder / "model" / "config.json").is_file():
            folder = folder / "model"
        folder.mkdir(parents=True, exist_ok=True)
        self.save_card(folder, self.names)
        save_file(
            {name: tensor.contiguous().cpu() for name, tensor in self.state_dict().items()},
            folder / "model.safetensors",
        )

    def save_card(self, folder: Path, called: Mapping[str, str]) -> None:
        """Write `config.json` alone, with these names; it takes the old one's place when it is
        whole."""
        card = {
            "format": FORMAT,
            "library": "infogan",
            "codes": str(self.prior),
            "shape": list(self.shape),
            "net": asdict(self.net),
        }
        if self.groups:
            card["groups"] = to_card(self.groups)
        if named := names.checked(called, self.prior, self.groups):
            card["names"] = named
        partial = folder / ".config.json.partial"
        partial.write_text(json.dumps(card, indent=2) + "\n", "utf-8")
        partial.rename(folder / "config.json")

    @classmethod
    def from_pretrained(cls, path: str | os.PathLike[str]) -> "InfoGAN":
        """A trained model, in evaluation mode.

        Args:
            path: A run directory, a folder written by `save_pretrained`, or OWNER/NAME on the
                Hugging Face Hub.

        Raises:
            InfoganError: there is no model, or its files are damaged.
        """
        folder = Path(path)
        if (folder / "model" / "config.json").is_file():
            folder = folder / "model"
        elif not (folder / "config.json").is_file():
            folder = _from_hub(path)
        try:
            card = json.loads((folder / "config.json").read_text("utf-8"))
            net = TypeAdapter(NetConfig).validate_python(card["net"])
            shape = cast(tuple[int, int, int], tuple(card["shape"]))
            model = cls(Prior.parse(card["codes"]), shape, net)
            model.groups = from_card(card.get("groups", {}), model.prior)
            model.names = names.checked(card.get("names", {}), model.prior, model.groups)
            model.load_state_dict(load_file(folder / "model.safetensors"))
        except ValidationError as e:
            raise InfoganError(f"{folder}/config.json is damaged: {in_words(e)}") from None
        except (
            OSError, KeyError, TypeError, ValueError, AttributeError, RuntimeError, SafetensorError
        ) as e:  # fmt: skip
            if isinstance(e, InfoganError):
                raise
            reason = str(e).splitlines()[0]
            raise InfoganError(
                f"{folder} holds no whole model ({reason}); save it again, or finish its run with "
                "--resume"
            ) from None
        return model.eval()


def _floats(x: Tensor) -> Tensor:
    return x.float() / 255 if x.dtype == torch.uint8 else x


def _from_hub(name: str | os.PathLike[str]) -> Path:
    """The local copy of a model on the Hub."""
    text = os.fspath(name)
    if Path(text).exists() or text.count("/") != 1 or text.startswith((".", "/")):
        raise InfoganError(f"no model at {text}: expected a finished run or a saved model's folder")
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(text, allow_patterns=["config.json", "model.safetensors"]))
    except Exception as e:
        raise InfoganError(
            f"no folder {text}, and no model of that name on the Hub ({type(e).__name__})"
        ) from None


def parameters_of(*modules: nn.Module) -> list[nn.Parameter]:
    """All parameters of several modules, in order."""
    return [p for module in modules for p in module.parameters()]
