"""What players follow: the noise on what they see, and who sees which."""

import pytest
import torch

from infogan import moves
from infogan.config import from_yaml
from infogan.data import to_float
from infogan.moves import Moves
from infogan.state import State
from infogan.update import train_step

CPU = torch.device("cpu")


def start(config, shape=(1, 28, 28)):
    return State.start(config, shape, CPU)


def with_(config, text):
    return from_yaml(text, "test", config)


def test_noise_has_a_stream_of_its_own_and_the_unit_of_the_data(tiny):
    mlp = "net: {kind: mlp, widths: [8], norm: none, output: linear}\nloss: {pairs: 0"
    quiet = with_(tiny, mlp + "}")
    noisy = with_(tiny, mlp + ", instance_noise: 0.5}")
    data = torch.randn(4000, 2, 1, 1) * torch.tensor([1.0, 100.0])[:, None, None]
    a, b = (State.start(c, (2, 1, 1), CPU, data) for c in (quiet, noisy))
    for name, generator in a.generators.items():  # the others keep their seeds
        assert torch.equal(generator.get_state(), b.generators[name].get_state())
    assert set(b.generators) - set(a.generators) == {"noise"}
    x, fake = Moves(b, noisy, torch.float32).noise(4000, 2)
    for noise in (x, fake):  # standard error of a standard deviation: 1 in 90
        spread = noise.std(0).flatten()
        torch.testing.assert_close(spread, 0.5 * data.std(0).flatten(), rtol=0.05, atol=0)
    assert not torch.equal(x, fake)
    assert Moves(a, quiet, torch.float32).noise(4000, 2) == [None, None]


def test_noise_is_on_real_images_and_on_both_batches_of_fakes(tiny, digits, monkeypatch):
    """Each its own, of σ; nothing else of the first update changes."""
    seen = []
    real_D, real_G = moves.objective_D, moves.objective_G

    def of_D(model, x, x_aug, fake, *a):
        seen.extend([x, fake])
        return real_D(model, x, x_aug, fake, *a)

    def of_G(model, fake, *a):
        seen.append(fake.detach())
        return real_G(model, fake, *a)

    monkeypatch.setattr(moves, "objective_D", of_D)
    monkeypatch.setattr(moves, "objective_G", of_G)
    for text in ("loss: {instance_noise: 0}", "loss: {instance_noise: 0.5}"):
        config = with_(tiny, text)
        train_step(start(config), to_float(digits[:16]), config, torch.float32)
    noises = [noisy - quiet for quiet, noisy in zip(seen[:3], seen[3:], strict=True)]
    for noise in noises:  # 12,544 numbers: standard error 0.003
        assert noise.std().item() == pytest.approx(0.5, abs=0.015)
        assert abs(noise.mean().item()) < 0.02
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert abs((noises[one] * noises[other]).mean().item()) < 0.02


def test_a_step_with_noise_goes_on_bit_for_bit(tiny):
    text = (
        "net: {kind: mlp, widths: [8], norm: none, output: linear, fourier: 4}\n"
        "loss: {pairs: 0, instance_noise: 0.5, r1: 0.1}"
    )
    config = with_(tiny, text)
    data = torch.randn(64, 3, 1, 1) + 5
    one, two = (State.start(config, (3, 1, 1), CPU, data) for _ in range(2))
    train_step(one, data[:32], config, torch.float32)
    two.load(one.update, one.tensors())
    for state in (one, two):
        train_step(state, data[32:], config, torch.float32)
    ours, theirs = one.tensors(), two.tensors()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
