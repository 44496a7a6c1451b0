"""InfoGAN-CR's contrast: which code do two images share?"""

import math
from dataclasses import replace

import pytest
import torch
from command import infogan

from infogan.config import NetConfig
from infogan.contrast import L_C, Contrast, sharing
from infogan.data import to_float
from infogan.errors import InfoganError
from infogan.prior import Prior
from infogan.run import Run
from infogan.state import State
from infogan.step import advance
from infogan.update import train_step

CPU = torch.device("cpu")
PRIOR = Prior.parse("z2 + a:cat3 + b:cat2 + u2")
SMALL = NetConfig(widths=(4, 8), fc=16)


def drawn(n, seed):
    return PRIOR.embed(*PRIOR.sample(n, torch.Generator().manual_seed(seed)))


def test_noise_and_one_code_are_shared():
    latent, other, which = drawn(3, 0), drawn(3, 1), torch.tensor([0, 1, 2])
    shared = sharing(PRIOR, latent, other, which)
    assert torch.equal(shared[:, :2], latent[:, :2])
    for row, code in enumerate(["a", "b", "u"]):
        for name, columns in PRIOR.columns().items():
            of = latent if name == code else other
            assert torch.equal(shared[row, columns], of[row, columns])


def test_it_is_a_bound_on_what_a_pair_tells():
    """Two bits c_1, c_2 to be seen: the pair differs in exactly one of them half the time, and
    tells then which is shared; else both are the same, and it tells nothing. I = ½ ln 2."""
    rng = torch.Generator().manual_seed(0)
    n = 100_000
    which = torch.randint(2, (n,), generator=rng)
    differs = torch.randint(2, (n,), generator=rng).bool()  # the code that is not shared
    best = torch.zeros(n, 2, dtype=torch.float64)  # ln H of the posterior, up to a constant
    best[torch.arange(n)[differs], which[differs]] = 40.0
    truth = 0.5 * math.log(2)
    assert L_C(best, which).item() == pytest.approx(truth, abs=0.01)
    for worse in (0.5 * best.clamp_max(2), best.clamp_max(6) + torch.tensor([0.3, 0.0]), -best):
        assert L_C(worse, which).item() < truth
    knows_nothing = torch.full((n, 2), 7.0, dtype=torch.float64)
    assert L_C(knows_nothing, which).item() == pytest.approx(0, abs=1e-12)
    sure = 50.0 * torch.nn.functional.one_hot(which, 2).double()
    assert L_C(sure, which).item() == pytest.approx(math.log(2), abs=1e-12)


def test_gradients():
    logits = torch.randn(5, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda a: L_C(a, torch.tensor([0, 1, 2, 0, 1])), (logits,))
    H = Contrast(replace(SMALL, norm="none"), (1, 8, 8), PRIOR).double()
    x = torch.rand(2, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    y = torch.rand(2, 1, 8, 8, dtype=torch.float64, requires_grad=True)
    which = torch.tensor([0, 2])
    assert torch.autograd.gradcheck(lambda x, y: L_C(H(x, y), which), (x, y))


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (SMALL, (3, 16, 16)),
        (replace(SMALL, output="tanh", norm="spectral"), (1, 28, 28)),
        (NetConfig(kind="resnet", widths=(4, 8)), (1, 32, 32)),
        (NetConfig(kind="mlp", widths=(8,), norm="none", output="linear"), (4, 1, 1)),
    ],
)
def test_every_architecture_has_one(net, shape):
    H = Contrast(net, shape, PRIOR, seed=3)
    x, y = torch.rand(2, 5, *shape)
    H.measure(torch.rand(50, *shape))
    assert H(x, y).shape == (5, 3)
    same = Contrast(net, shape, PRIOR, seed=3)
    assert all(map(torch.equal, H.head.parameters(), same.head.parameters()))


def test_one_code_is_shared_with_itself():
    with pytest.raises(InfoganError, match="has 1; give more codes"):
        Contrast(SMALL, (1, 8, 8), Prior.parse("z5 + digit:cat10"))


def test_that_is_said_before_anything_is_written(capsys, tmp_path, tiny_yaml):
    one = ("--codes", "z5 + digit:cat10", "--loss.contrast", "1")
    assert infogan("train", "--config", tiny_yaml, *one, "--out", tmp_path / "run") == 2
    assert "loss.contrast asks which of several codes" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def at(tiny, **loss):
    config = replace(tiny, codes="z4 + a:cat3 + 2u@0.1")
    return replace(config, loss=replace(tiny.loss, pairs=0, **loss))


def weights(state):
    parts = {name: getattr(state.model, name) for name in ("G", "trunk", "D", "Q")} | {"H": state.H}
    return {n: [p.clone() for p in m.parameters()] for n, m in parts.items() if m is not None}


def changed(a, b):
    return {n for n in a.keys() & b.keys() if not all(map(torch.equal, a[n], b[n]))}


def test_it_moves_G_and_H_from_the_update_that_is_said(tiny, digits):
    x = to_float(digits[:16])
    configs = at(tiny), at(tiny, contrast=2.0, contrast_from=1)
    plain, contrasted = (State.start(config, (1, 28, 28), CPU) for config in configs)
    before = weights(contrasted)
    for state, config in zip((plain, contrasted), configs, strict=True):
        assert "L_C" not in train_step(state, x, config, torch.float32)
    assert changed(weights(plain), weights(contrasted)) == set()
    assert changed(before, weights(contrasted)) == {"G", "trunk", "D", "Q"}
    before = weights(contrasted)
    terms = [train_step(s, x, c, torch.float32) for s, c in zip((plain, contrasted), configs)]
    assert set(terms[1]) - set(terms[0]) == {"L_C"}
    # D's step is the same: trunk, D and Q hear nothing of it
    assert changed(weights(plain), weights(contrasted)) == {"G"}
    assert changed(before, weights(contrasted)) == {"G", "trunk", "D", "Q", "H"}


def test_a_plain_gan_has_none(tiny, digits):
    config = replace(at(tiny, contrast=1.0), objective="gan")
    state = State.start(config, (1, 28, 28), CPU)
    assert state.H is None
    assert "L_C" not in train_step(state, to_float(digits[:16]), config, torch.float32)


def test_which_code_is_shared_is_seen_more_and_more(tiny, digits):
    config = at(tiny, contrast=5.0)
    rates = replace(config.train, lr_g=2e-3, lr_d=2e-3, g_steps=2)
    config = replace(config, train=rates)
    state = State.start(config, (1, 28, 28), CPU)
    x = to_float(digits[:64])
    told = [train_step(state, x, config, torch.float32)["L_C"].item() for _ in range(80)]
    assert sum(told[-10:]) / 10 > sum(told[:10]) / 10 + 0.2


def test_training_goes_on_bit_for_bit(tiny, digits, tmp_path):
    config = at(tiny, contrast=2.0, contrast_from=1)
    first, second = (State.start(config, (1, 28, 28), CPU) for _ in range(2))
    for _ in range(3):
        advance(first, digits, config, torch.float32)
    run = Run.create(tmp_path / "run", config, "test")
    run.checkpoint(3, first.tensors(), 1)
    second.load(*run.restore())
    for state in (first, second):
        advance(state, digits, config, torch.float32)
    flat, other = first.tensors(), second.tensors()
    assert "H.head.weight" in flat
    assert all(torch.equal(flat[name], other[name]) for name in flat)
