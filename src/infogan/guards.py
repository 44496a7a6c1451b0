"""Warnings while training, each with its remedy: what goes wrong with InfoGANs, and how to see it.

A guard is a function that gives {what it is about: one sentence}, empty where all is well; each
sentence is said once in a run.
"""

import copy
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm

from infogan.codes import Categorical, Code, Gaussian, Uniform, number
from infogan.config import Config
from infogan.model import InfoGAN
from infogan.prior import Prior
from infogan.weights import onsets

WARM_UP = 500  # updates of a code, or of a run, after which what does not work is worth a warning
WINDOW = 100  # updates whose mean the guards of the log look at
WON = {  # D's loss below which, and G's above which D has won; the critic's losses say nothing
    "nonsaturating": (0.1, 5.0),
    "relativistic": (0.1, 5.0),
    "hinge": (0.1, 1.0),
    "least-squares": (0.02, 0.45),
}
SHARE = 0.5  # of H(c) that L_I should reach
R2 = 0.1  # that Q's reading of a continuous code should reach
FINE = 2.2  # nats a number; above, Q reads it to 1/37 of its range; 15 runs of MNIST were below 1.8
LOUD = math.log(2) / 2  # nats of λ L_I, a quarter of V where D is undecided; less swamps nothing
Z_SHARE = 0.02  # of the images' variance that should be z's; 0.12 and more in 8 runs of MNIST
MISLED = 0.15  # of what is read of the codes that may be lost between training and use
DRAWS = 16  # codes, and z for each
BATCH = 256  # images whose codes are read in both ways


class Guards:
    """The guards of a run.

    Args:
        config: The run's settings.
        history: Its log so far.
        said: What was warned of already.
    """

    def __init__(
        self, config: Config, history: Iterable[Mapping[str, Any]] = (), said: Iterable[str] = ()
    ) -> None:
        self.config, self.said = config, set(said)
        self.window: list[Mapping[str, Any]] = []
        for record in history:
            self._add(record)

    def of_log(self, record: Mapping[str, Any], prior: Prior) -> dict[str, str]:
        """What a new line of the log is a reason to warn of, with P(c) as it is now."""
        self._add(record)
        mean = window_mean(self.window)
        return self._new(
            d_wins(mean, self.config)
            | ignored_codes(mean, self.config, prior)
            | runaway(mean, self.config)
            | waiting_votes(mean, self.config)
        )

    def of_model(self, model: InfoGAN, update: int, last: bool = True) -> dict[str, str]:
        """What the model as it would be used now is a reason to warn of; some forward passes.

        Args:
            model: In evaluation mode, with statistics of its own; left as it is.
            update: How many updates it has seen.
            last: Whether training is over. Batch statistics are not looked at before: early on they
                mislead (`mnist` at update 520), while real images and G's are far from each other.
        """
        if update < WARM_UP:
            return {}
        seed = self.config.train.seed
        found = ignored_z(model, update, seed)
        if last and self.config.objective == "infogan":
            found |= misleading_statistics(model, update, seed)
        return self._new(found)

    def _add(self, record: Mapping[str, Any]) -> None:
        self.window.append(record)
        self.window = [r for r in self.window if r["update"] > record["update"] - WINDOW]

    def _new(self, found: dict[str, str]) -> dict[str, str]:
        new = {name: text for name, text in found.items() if name not in self.said}
        self.said |= new.keys()
        return new


def window_mean(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The means of the last lines of the log, as one line of the last one's update."""
    last = records[-1]
    mean = {name: sum(r.get(name, last[name]) for r in records) / len(records) for name in last}
    return mean | {"update": last["update"]}


def d_wins(mean: Mapping[str, Any], config: Config) -> dict[str, str]:
    """D tells every image, and G learns nothing more: D's loss near 0 and G's large."""
    low, high = WON.get(config.loss.adversarial, (-math.inf, math.inf))
    if mean["update"] < WINDOW or "loss_G" not in mean:  # the run is young, or the game is over
        return {}
    if mean["loss_D"] > low or mean["loss_G"] < high:
        return {}
    weaker = f"--train.lr-d {number(config.train.lr_d / 4)}"
    r1 = f"--loss.r1 {number(max(1.0, 4 * config.loss.r1))}"
    text = (
        f"D wins at update {mean['update']}: its loss is {mean['loss_D']:.2f} and G's "
        f"{mean['loss_G']:.1f}, so that G learns nothing more; try {r1} or {weaker}, and "
        "--net.norm spectral where D has batch norm"
    )
    return {"D wins": text}


def ignored_codes(mean: Mapping[str, Any], config: Config, prior: Prior) -> dict[str, str]:
    """Codes that Q cannot read after warm-up: L_I < H(c)/2, or R² < 0.1 for a continuous one."""
    if config.objective == "gan":
        return {}
    update, found = mean["update"], {}
    starts = onsets(prior, config.loss)
    for code in prior:
        start = starts.get(code.name, config.loss.lam_ramp)
        if update < start + WARM_UP or not code.lam:
            continue
        nats = mean[f"L_I.{code.name}"]
        if isinstance(code, Uniform | Gaussian):
            poor = explained(code, nats) < R2
            seen = f"L_I = {nats:.2f} nats, R² below {R2}"
        else:
            poor = nats < SHARE * code.entropy()
            seen = f"L_I/H(c) = {nats / code.entropy():.2f}, below {SHARE}"
        if poor:
            found[f"ignored {code.name}"] = (
                f"G ignores {code.name!r} at update {update}: {seen}; raise its λ, e.g. "
                f"{written(code, 2 * code.lam)}, or give fewer codes"
            )
    return found


def explained(code: Uniform | Gaussian, nats: float) -> float:
    """The R² of Q's mean that a bound of so many nats stands for.

    Of each of d numbers −E[ln q] = (H(c) − L_I)/d, which is ½ ln(2πe·mse) where σ² = mse, as Q
    learns it, and ½ ln(2πσ²) + mse/(2σ²) where σ is fixed; R² = 1 − mse/Var(c).
    """
    entropy = code.entropy() / code.d
    surprise = entropy - nats / code.d
    if code.sigma is None:
        mse = math.exp(2 * surprise) / (2 * math.pi * math.e)
    else:
        mse = (2 * surprise - math.log(2 * math.pi * code.sigma**2)) * code.sigma**2
    variance = math.exp(2 * entropy) / 12 if isinstance(code, Uniform) else 1.0
    return 1 - mse / variance


def runaway(mean: Mapping[str, Any], config: Config) -> dict[str, str]:
    """Continuous codes that G writes ever finer: a small σ pays for it, and swamps the rest."""
    found = {}
    for code in Prior.parse(config.codes).continuous:
        nats = mean[f"L_I.{code.name}"] / code.d
        if code.sigma is not None or config.objective == "gan":
            continue
        if nats < FINE or code.lam * code.d * nats < LOUD:
            continue
        calmer = replace(code, floor=max(0.1, 2 * code.floor))
        found[f"runaway {code.name}"] = (
            f"{code.name!r} runs away at update {mean['update']}: L_I = {nats:.2f} nats a number, "
            f"so that Q reads it to 1/{math.exp(nats) * 4.13:.0f} of its range, and its gradient "
            f"swamps the rest; raise the floor of σ and lower λ, e.g. "
            f"{written(calmer, code.lam / 2)}"
        )
    return found


def waiting_votes(mean: Mapping[str, Any], config: Config) -> dict[str, str]:
    """Votes that do not count though it is time, since two categories share a kind of image: then Q
    goes on to learn from pairs, and the game goes on beyond its end."""
    loss, update = config.loss, mean["update"]
    due = max(loss.votes_from + loss.votes_every, loss.votes_alone_from)
    waits = any(name.startswith("I_pairs.") for name in mean)
    if not loss.votes or not waits or update <= due + WINDOW:
        return {}
    text = (
        f"votes wait at update {update}, though asked for from {loss.votes_from} on: augmented "
        "copies still cross between two categories, so Q learns from pairs alone and the game does "
        "not end; give fewer categories, or another --train.seed, or, to have it so, --loss.votes 0"
    )
    return {"votes wait": text}


@torch.no_grad()
def ignored_z(model: InfoGAN, update: int, seed: int) -> dict[str, str]:
    """Images that the codes alone decide: with c fixed hardly anything varies over z."""
    if not model.prior.noise:
        return {}
    share = z_share(model, torch.Generator().manual_seed(seed))
    if share >= Z_SHARE:
        return {}
    text = (
        f"G ignores z at update {update}: with the codes fixed the images vary by {share:.1%} of "
        f"all their variance, below {Z_SHARE:.0%}; give fewer or smaller codes, or lower their λ"
    )
    return {"ignored z": text}


def z_share(model: InfoGAN, generator: torch.Generator) -> float:
    """E_c[Var_z G(z, c)] / Var G(z, c), summed over pixels, of 16 codes with 16 z each.

    1 where the images do not vary at all: that is another fault.
    """
    _, c = model.prior.sample(DRAWS, generator)
    z, _ = model.prior.sample(DRAWS * DRAWS, generator)
    each = {name: value.repeat_interleave(DRAWS, 0) for name, value in c.items()}
    x = model.decode(z, each).flatten(1)  # (256, pixels), those of one code together
    within = x.reshape(DRAWS, DRAWS, -1).var(1).mean(0).sum()
    everything = x.var(0).sum()
    return float(within / everything) if everything > 0 else 1.0


@torch.no_grad()
def misleading_statistics(model: InfoGAN, update: int, seed: int) -> dict[str, str]:
    """Batch norm that hides what the model is in use, when each image is alone: codes that Q reads
    from batches of G as they were trained, and not as they are used."""
    if not any(isinstance(module, _BatchNorm) for module in model.modules()):
        return {}
    z, c = model.prior.sample(BATCH, torch.Generator().manual_seed(seed))
    latent = model.prior.embed(z, c).to(next(model.parameters()).device)
    read = {}
    for way, net in (("training", copy.deepcopy(model).train()), ("use", model)):
        q = model.prior.q(net.Q(net.trunk(net.G(latent))))
        read[way] = sum(_read(code, q[code.name], c[code.name]) for code in model.prior)
    n = sum(1 for _ in model.prior)
    before, after = read["training"] / n, read["use"] / n
    if before - after < MISLED:
        return {}
    text = (
        f"batch statistics mislead at update {update}: of the codes {before:.0%} can be read from "
        f"a batch as in training, and {after:.0%} from images alone, as in use; train D without "
        "batch norm (--net.norm), or on larger batches"
    )
    return {"batch statistics": text}


def _read(code: Code, q: torch.distributions.Distribution, c: Tensor) -> float:
    """How much of a code is read: the share of categories or coins that are right, R² (at least 0)
    of a number."""
    if isinstance(code, Categorical):
        assert isinstance(q, torch.distributions.Categorical)
        return float((q.probs.argmax(1).cpu() == c).float().mean())
    mean = q.mean.cpu()
    if not isinstance(code, Uniform | Gaussian):
        return float(((mean > 0.5) == (c > 0.5)).float().mean())
    return max(0.0, float(1 - (mean - c).square().mean() / c.var()))


def written(code: Code, lam: float) -> str:
    """The code in the text of a prior, with another λ."""
    return f"{code.name}:{code.term()}@{number(lam)}"
