"""How many operations a network and a training step need, counted layer by layer.

    python benchmarks/operations.py [--recipe mnist-paper]

One multiplication with its addition counts as two operations. Convolutions and linear layers are
counted; norms, activations and the optimizer are not.
"""

import argparse
from collections.abc import Sequence
from math import prod

import torch
from torch import nn

from infogan.config import Config, recipe
from infogan.data.neighbours import BLOCK, DIMENSIONS
from infogan.model import InfoGAN

Layers = list[tuple[str, int]]


@torch.no_grad()
def forward(network: nn.Module, shape: Sequence[int]) -> Layers:
    """(layer, operations for one image) of one forward pass on inputs of that shape."""
    found: Layers = []

    def count(layer: nn.Module, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        if isinstance(layer, nn.Linear):
            found.append(
                (f"FC {layer.in_features} → {layer.out_features}", 2 * layer.weight.numel())
            )
            return
        # each weight is used once at each place of the smaller side
        small = output if isinstance(layer, nn.Conv2d) else inputs[0]
        places = prod(small.shape[2:])
        kind = "conv" if isinstance(layer, nn.Conv2d) else "upconv"
        name = f"{kind} {layer.in_channels} → {layer.out_channels}, {tuple(output.shape[2:])}"
        found.append((name, 2 * layer.weight.numel() * places))

    kinds = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
    hooks = [m.register_forward_hook(count) for m in network.modules() if isinstance(m, kinds)]
    was = network.training
    network.eval()(torch.zeros(1, *shape, device=next(network.parameters()).device))
    network.train(was)
    for hook in hooks:
        hook.remove()
    return found


def total(layers: Layers) -> int:
    return sum(n for _, n in layers)


def step(config: Config, shape: tuple[int, int, int], images: int = 60_000) -> int:
    """Operations of one training step, for each image of its batch, while look-alikes have a part.

    A backward pass costs a forward one for the weights and one for the inputs; the gradient to the
    networks' own inputs (images, z and c) is not made, but for that of the trunk in G's step.
    """
    model = InfoGAN.from_config(config, shape)
    trunk, G = forward(model.trunk, shape), forward(model.G, (model.prior.width,))
    D, Q = total(forward(model.D, (_width(model),))), total(forward(model.Q, (_width(model),)))
    learnt = 3 * total(trunk) - trunk[0][1]
    pairs = (
        2 * (learnt + 3 * Q) - learnt if config.loss.pairs else 0
    )  # Q of both, trunk of one more
    near = 0
    if config.loss.alike or config.augment.neighbours_until:  # found and read for half of a batch
        found = 2 * DIMENSIONS * (prod(shape) + min(BLOCK, images // 2))
        near = (found + total(trunk)) // 2
    drawn = 0 if config.train.shared_fakes else total(G)
    step_D = drawn + 2 * (learnt + 3 * D) + 3 * Q + pairs + near
    step_G = 3 * total(G) - G[0][1] + 2 * (total(trunk) + D + Q)
    return step_D + step_G


def _width(model: InfoGAN) -> int:
    return model.D.in_features


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipe", default="mnist-paper")
    config, shape = recipe(parser.parse_args().recipe), (1, 28, 28)
    model = InfoGAN.from_config(config, shape)
    parts = [("G", model.G, (model.prior.width,)), ("trunk", model.trunk, shape)]
    parts += [("D", model.D, (_width(model),)), ("Q", model.Q, (_width(model),))]
    print(f"{config.recipe}: million operations for one image")
    for name, network, inputs in parts:
        for layer, n in forward(network, inputs):
            print(f"  {name:6s}{layer:28s}{n / 1e6:9.3f}")
    print(f"  one training step{'':17s}{step(config, shape) / 1e6:9.1f}")


if __name__ == "__main__":
    main()
