"""DiffAugment: identity at 0, right gradients, unbiased where it is, the same for real and made."""

import pytest
import torch

from infogan.config import from_yaml
from infogan.data import to_float
from infogan.data.colour import recoloured
from infogan.diffaugment import _cut, _translated, diffaugment, drawn, strength_for
from infogan.state import State
from infogan.step import advance
from infogan.update import train_step

f64 = {"dtype": torch.float64}
CPU = torch.device("cpu")


def stream(seed=0):
    return torch.Generator().manual_seed(seed)


def change(x, strength=1, seed=0):
    """One for each image of x."""
    return drawn(len(x), tuple(x.shape[1:]), strength, stream(seed))


def coloured(x):
    drawn = change(x)
    return recoloured(x, drawn["b"], drawn["k"], drawn.get("s"))


@pytest.mark.parametrize("channels", [1, 3])
def test_at_strength_0_it_is_the_identity_and_draws_nothing(channels):
    x = torch.rand(4, channels, 9, 7)
    generator = stream()
    assert torch.equal(diffaugment(x, drawn(4, (channels, 9, 7), 0, generator)), x)
    assert torch.equal(generator.get_state(), stream().get_state())


@pytest.mark.parametrize("channels", [1, 3])
def test_its_gradient_is_right(channels):
    x = torch.rand(2, channels, 5, 6, **f64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: diffaugment(x, change(x)), x)


def test_each_image_has_its_own_draw_and_the_seed_decides():
    x = torch.rand(1, 3, 16, 16).expand(8, -1, -1, -1)
    seen = diffaugment(x, change(x))
    assert torch.equal(seen, diffaugment(x, change(x)))
    assert not torch.equal(seen, diffaugment(x, change(x, seed=1)))
    assert len({image.sum().item() for image in seen}) == 8


@pytest.mark.parametrize("channels", [1, 3])
def test_colour_is_unbiased(channels):
    """E[b] = 0, E[s] = E[k] = 1, and they are independent: E[T(x)] = x."""
    x = torch.rand(1, channels, 3, 3, **f64)
    n = 40_000
    many = x.expand(n, -1, -1, -1)
    seen = coloured(many)
    standard_error = seen.std(0) / n**0.5
    assert ((seen.mean(0) - x[0]).abs() < 4.5 * standard_error).all()
    assert seen.std(0).min() > 0.1


def test_grey_images_keep_no_colours_apart():
    """Saturation is for colours: on a grey image the ranks of the pixels stay."""
    x = torch.rand(50, 1, 4, 4, **f64)
    seen = coloured(x)
    assert torch.equal(seen.flatten(1).argsort(1), x.flatten(1).argsort(1))
    flat = coloured(x[:, :, :1, :1])  # contrast about the mean leaves brightness
    assert (flat - x[:, :, :1, :1]).abs().max() <= 0.25


def test_translation_by_hand():
    """Whole pixels, at most an eighth of the side, the border repeated; a flat image stays."""
    x = torch.arange(16.0, **f64).expand(200, 1, 16, 16)
    seen = _translated(x, change(x))
    shifts = {int(image[0, 0, 8] - 8) for image in seen}
    assert shifts == {-2, -1, 0, 1, 2}
    for image in seen:
        assert torch.equal(
            image[0, 3], (torch.arange(16.0, **f64) + image[0, 0, 8] - 8).clamp(0, 15)
        )
    flat = torch.full((5, 3, 8, 8), 0.3)
    assert torch.equal(_translated(flat, change(flat)), flat)


def test_cutout_by_hand():
    """A grey square of half the side at most, somewhere; nothing else moves."""
    x = torch.ones(500, 2, 16, 12, **f64)
    seen = _cut(x, change(x))
    assert set(seen.unique().tolist()) == {0.5, 1.0}
    hidden = seen == 0.5
    assert torch.equal(hidden[:, 0], hidden[:, 1])
    rows, columns = hidden[:, 0].any(2).sum(1), hidden[:, 0].any(1).sum(1)
    assert (rows.max(), columns.max()) == (8, 6)
    assert torch.equal(hidden[:, 0].sum((1, 2)), rows * columns)
    assert hidden.any(0).all()  # every place is hidden at times


def test_the_strength_by_the_number_of_images():
    shape = (1, 28, 28)
    assert strength_for(-1, 300, shape) == strength_for(-1, 2_000, shape) == 1
    assert strength_for(-1, 20_000, shape) == strength_for(-1, 60_000, shape) == 0
    falling = [strength_for(-1, n, shape) for n in (2_000, 4_000, 9_000, 19_000)]
    assert falling == sorted(falling, reverse=True)
    assert 0 < falling[-1] < falling[1] < 1
    assert strength_for(0.3, 10, shape) == 0.3
    assert strength_for(0.0, 10, shape) == 0
    assert strength_for(1.0, 10, (2, 1, 1)) == 0  # vectors have no light and no place


def test_D_sees_real_and_made_images_alike_in_both_steps(tiny, digits, monkeypatch):
    """Three draws an update: the real images, those of D's step, those of G's, with gradient."""
    seen = []

    def noted(x, of):
        seen.append((x, x.requires_grad, of))
        return diffaugment(x, of)

    monkeypatch.setattr("infogan.moves.diffaugment", noted)
    config = from_yaml("loss: {diffaugment: 0.7}", "test", tiny)
    state = State.start(config, (1, 28, 28), CPU)
    before = [p.detach().clone() for p in state.model.G.parameters()]
    terms = advance(state, digits, config, torch.float32)
    assert [(len(x), of_G) for x, of_G, _ in seen] == [(16, False), (16, False), (16, True)]
    assert len({of["b"].sum().item() for *_, of in seen}) == 3
    assert 0.12 < max(of["b"].abs().max() for *_, of in seen) < 0.7 / 4
    assert all(not torch.equal(a, b) for a, b in zip(before, state.model.G.parameters()))
    assert all(term.isfinite() for term in terms.values())


def test_without_it_nothing_changes_and_with_it_a_run_goes_on_bit_for_bit(tiny, digits):
    x = to_float(digits[:16])
    plain = State.start(tiny, (1, 28, 28), CPU)
    assert "generator.diffaugment" not in plain.tensors()  # as in checkpoints from before

    config = from_yaml("loss: {diffaugment: -1}", "test", tiny)
    whole, first, second = (State.start(config, (1, 28, 28), CPU) for _ in range(3))
    for name, generator in plain.generators.items():
        assert torch.equal(generator.get_state(), whole.generators[name].get_state())
    for _ in range(4):
        advance(whole, digits, config, torch.float32)
    for _ in range(2):
        advance(first, digits, config, torch.float32)
    second.load(first.update, first.tensors())
    for _ in range(2):
        advance(second, digits, config, torch.float32)
    for name, tensor in whole.tensors().items():
        assert torch.equal(tensor, second.tensors()[name]), name

    off = State.start(config, (1, 28, 28), CPU)
    train_step(plain, x, tiny, torch.float32)
    train_step(off, x, config, torch.float32, strength=0.0)
    for p, q in zip(plain.model.parameters(), off.model.parameters()):
        assert torch.equal(p, q)
