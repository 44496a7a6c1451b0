"""What Q costs: the paper's MNIST step with L_I against a plain GAN's that has no Q at all.

    python benchmarks/q_cost.py [--steps 150] [--json FILE]

The two take turns, step by step, so that a busy machine slows both alike; what counts is the ratio
of medians. Same nets, same batch of 128, same optimizer, same number format.
"""

import argparse
import json
import statistics
from pathlib import Path

import torch
from interleaved import WARM_UP, interleaved

from infogan import precision
from infogan.adversarial import NonSaturating as V
from infogan.config import recipe
from infogan.data import batch_indices, load, to_float
from infogan.model import parameters_of
from infogan.networks.layers import apart
from infogan.state import State
from infogan.update import train_step


class PlainGAN:
    """The same G, trunk and D head, and nothing that knows of codes: no Q, no L_I."""

    def __init__(self, state: State, dtype: torch.dtype) -> None:
        self.state, self.model, self.dtype = state, state.model, dtype
        settings = {"betas": (0.5, 0.999), "fused": True}
        self.d_parameters = parameters_of(self.model.trunk, self.model.D)
        self.adam_D = torch.optim.Adam(self.d_parameters, lr=2e-4, **settings)
        self.adam_G = torch.optim.Adam(self.model.G.parameters(), lr=1e-3, **settings)

    def logit(self, h: torch.Tensor) -> torch.Tensor:
        return self.model.D(h).squeeze(1).float()

    def step(self, x: torch.Tensor) -> None:
        autocast = torch.autocast("cpu", self.dtype, enabled=self.dtype != torch.float32)
        latent, _ = self.state.latent(len(x))
        with autocast:
            with torch.no_grad():
                fake = self.model.G(latent)
            h_real, h_fake = apart(self.model.trunk, [x, fake])
            loss = V.d(self.logit(h_real), self.logit(h_fake))
        self.update(self.adam_D, loss)

        latent, _ = self.state.latent(len(x))
        for p in self.d_parameters:
            p.requires_grad_(False)
        with autocast:
            loss = V.g(self.logit(self.model.trunk(self.model.G(latent))))
        self.update(self.adam_G, loss)
        for p in self.d_parameters:
            p.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(self.state.G_ema, list(self.model.G.parameters()), 0.01)

    @staticmethod
    def update(adam: torch.optim.Adam, loss: torch.Tensor) -> None:
        adam.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=150, help="timed steps of each")
    parser.add_argument("--json", type=Path, help="also write the numbers here")
    args = parser.parse_args()

    config, cpu = recipe("mnist-paper"), torch.device("cpu")
    dtype, why = precision.choose("auto", cpu)
    images = load("mnist", "train").images
    infogan = State.start(config, (1, 28, 28), cpu)
    gan = PlainGAN(State.start(config, (1, 28, 28), cpu), dtype)

    batches = (
        to_float(images[batch_indices(len(images), config.train.batch, i, 0)]).contiguous(
            memory_format=torch.channels_last
        )
        for i in range(args.steps + WARM_UP)
    )
    steps = {"InfoGAN": lambda x: train_step(infogan, x, config, dtype), "GAN without Q": gan.step}
    seconds = interleaved(batches, steps)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratio = medians["InfoGAN"] / medians["GAN without Q"]
    print(
        f"paper's MNIST nets, batch {config.train.batch}, {why}, {torch.get_num_threads()} threads"
    )
    for name, values in seconds.items():
        low, high = min(values), max(values)
        print(
            f"  {name:14s} median {1e3 * medians[name]:6.1f} ms a step "
            f"({low * 1e3:.1f} to {high * 1e3:.1f}), n = {len(values)}"
        )
    print(f"  ratio of medians {ratio:.3f}")
    if args.json:
        args.json.write_text(json.dumps({"medians_s": medians, "ratio": ratio}) + "\n")


if __name__ == "__main__":
    main()
