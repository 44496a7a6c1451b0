"""Sets with exact factors: what is drawn obeys geometry, and the published files are read."""

import math
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from infogan.config import Config, DataConfig, from_yaml, recipe
from infogan.data import load, rooms, sprites
from infogan.data.combinations import hues, sample
from infogan.data.published import _parts
from infogan.errors import InfoganError, MissingExtraError
from infogan.model import InfoGAN
from infogan.prior import Prior
from infogan.state import State
from infogan.step import advance


class Bomb:
    """What a pickle can do; nothing may ever unpickle it."""

    def __reduce__(self):
        return (sys.exit, ("unpickled",))


def write_dsprites(folder, n=300, **changes):
    """A file of dSprites' form: n images, every one another."""
    rng = np.random.default_rng(0)
    arrays = {
        "metadata": np.array(Bomb(), dtype=object),
        "imgs": (rng.random((n, 64, 64)) < np.linspace(0, 1, n)[:, None, None]).astype(np.uint8),
        "latents_classes": np.stack(
            [np.zeros(n, np.int64), *(rng.integers(0, k, n) for k in sprites.SIZES)], 1
        ),
    }
    file = folder / "dsprites_ndarray_small.npz"
    np.savez_compressed(file, **(arrays | changes))
    return file


def write_shapes3d(folder, n=300):
    """A file of 3D Shapes' form: n images, each of one colour; its labels are hues and degrees."""
    file = folder / "3dshapes.h5"
    numbers = np.arange(n) * 104729 % math.prod(rooms.SIZES)
    classes = np.stack(np.unravel_index(numbers, rooms.SIZES), 1)
    with h5py.File(file, "w") as archive:
        archive["images"] = np.broadcast_to(
            (classes[:, None, None, :3] * 25).astype(np.uint8), (n, 64, 64, 3)
        )
        low = np.array([0, 0, 0, 0.75, 0, -30])
        step = np.array([0.1, 0.1, 0.1, 0.5 / 7, 1, 60 / 14])
        archive["labels"] = low + step * classes
    return file


@pytest.mark.parametrize("limit", [0, 7, 10**6])
def test_a_sample_is_fixed_and_its_splits_have_nothing_in_common(limit):
    total = 1000
    train, test = (sample(total, 100, 30, split, limit) for split in ("train", "test"))
    assert len(train) == {0: 100, 7: 7, 10**6: total - 30}[limit]
    assert len(test) == {0: 30, 7: 7, 10**6: 30}[limit]
    both = torch.cat([train, test])
    assert len(both.unique()) == len(both)
    assert 0 <= both.min() <= both.max() < total
    assert torch.equal(train, sample(total, 100, 30, "train", limit))
    assert torch.equal(train[:7], sample(total, 100, 30, "train", 7))  # fewer are the first of more


def test_hues_go_round_the_wheel():
    import colorsys

    expected = [colorsys.hsv_to_rgb(i / 10, 0.6, 0.9) for i in range(10)]
    torch.testing.assert_close(hues(10, 0.6, 0.9), torch.tensor(expected))


def sprite(*values, size=64):
    return sprites.draw(torch.tensor([values]), size)[0, 0].double() / 255


@pytest.mark.parametrize(("shape", "area"), [(0, 2), (1, math.pi / 2), (2, 0.8927 / 0.632**2)])
def test_a_sprite_has_the_area_and_the_place_of_its_shape(shape, area):
    """Area in squares of its reach: (√2)² · π ab = π/2 · a square ½ and two half-discs π/8."""
    for scale, turn, x, y, size in [(0, 3, 5, 20, 64), (5, 17, 31, 0, 64), (3, 0, 9, 9, 200)]:
        image = sprite(shape, scale, turn, x, y, size=size)
        unit = sprites.REACH * size * (0.5 + 0.1 * scale)
        # the edge is a pixel wide and its curvature is not drawn: some tenths of a pixel all round
        assert image.sum() == pytest.approx(area * unit**2, rel=1 / unit**2 + 0.01)
        at = torch.arange(size) + 0.5
        middle = size * (0.2 + 0.6 * torch.tensor([x, y]) / 31)
        centre = torch.stack([(image.sum(0) * at).sum(), (image.sum(1) * at).sum()]) / image.sum()
        far = 0.06 * unit if shape == 2 else 0.05  # a heart's centre of mass is above its middle
        assert (centre - middle).norm() < far
        r = torch.hypot(at[None, :] - middle[0], at[:, None] - middle[1])
        assert image[r > unit + 1].sum() == 0  # what a window could cut off is not there


def test_sprites_turn():
    assert torch.equal(sprite(0, 5, 4, 9, 9), sprite(0, 5, 14, 9, 9))  # a quarter of a turn
    assert torch.equal(sprite(1, 5, 4, 9, 9), sprite(1, 5, 24, 9, 9))  # a half
    a, b = sprite(2, 5, 0, 15, 15, size=65), sprite(2, 5, 20, 15, 15, size=65)
    assert (a - b).abs().sum() > 20
    upright = sprite(2, 5, 0, 15, 15)
    ink = (upright > 0.5).nonzero()
    widths = (upright > 0.5).sum(1)
    assert widths[ink[:, 0].min() + 4] > 2 * widths[ink[:, 0].max() - 2]  # lobes up, tip down


def test_small_sprites_are_big_ones_seen_from_afar():
    values = torch.tensor([[2, 5, 7, 20, 11], [0, 4, 3, 2, 30], [1, 5, 9, 10, 10]])
    small = sprites.draw(values, 32).float()
    big = F.avg_pool2d(sprites.draw(values, 128).float(), 4)
    assert (small - big).abs().mean() < 1.0  # of 255


def inside(shape, s, p):
    """Whether points are in the object, from its definition."""
    x, y, z = p.unbind(-1)
    if shape == 0:
        h = 0.56 * s
        return (x.abs() < h) & (y.abs() < h) & (z > 0) & (z < 2 * h)
    if shape == 1:
        return (torch.hypot(x, y) < 0.58 * s) & (z > 0) & (z < 1.16 * s)
    low, high, r = (0.68 * s, 0.68 * s, 0.68 * s) if shape == 2 else rooms._capsule(s)
    axis = torch.stack([0 * x, 0 * x, z.clamp(low, high)], -1)
    return (p - axis).norm(dim=-1) < r


@pytest.mark.parametrize("shape", range(4))
def test_rays_are_inside_an_object_just_where_they_say(shape):
    g = torch.Generator().manual_seed(shape)
    o = torch.tensor([2.0, 2.0, 3.0]) * torch.rand(800, 3, generator=g) - torch.tensor([1, 1, 0.5])
    d = F.normalize(torch.randn(800, 3, generator=g), dim=1)
    t = torch.linspace(-2, 2, 101)
    enter, leave = rooms._body(shape, 1.1, o, d)
    said = (t > enter[:, None]) & (t < leave[:, None])
    true = inside(shape, 1.1, o[:, None] + t[:, None] * d[:, None])
    assert 0.04 < true.float().mean() < 0.5
    assert (said != true).float().mean() < 1e-3  # rounding at the surface
    hit = (enter < leave) & (enter > -3) & ((o + enter[:, None] * d)[:, 2] > 0.01)
    p = (o + enter[:, None] * d)[hit]
    n = rooms._normal(shape, 1.1, p)
    torch.testing.assert_close(n.norm(dim=1), torch.ones(len(n)))
    assert not inside(shape, 1.1, p + 1e-2 * n).any()
    assert inside(shape, 1.1, p - 1e-2 * n).float().mean() > 0.97  # but at a thin edge


def room(*values, size=32):
    return rooms.draw(torch.tensor([values]), size)[0].float()


def test_each_hue_colours_its_own_part():
    plain = room(0, 3, 6, 7, 2, 7)
    floor, wall, body = room(5, 3, 6, 7, 2, 7), room(0, 8, 6, 7, 2, 7), room(0, 3, 1, 7, 2, 7)
    changed = [(image - plain).abs().amax(0) > 12 for image in (floor, wall, body)]
    assert changed[0][-1].all()  # the bottom row is floor
    assert not changed[0][0].any()
    assert changed[1][0].all()  # the top row is wall
    assert not changed[1][-1].any()
    assert changed[2][16, 16]  # the object is in the middle
    assert not changed[2][:, 0].any()
    several = sum(part.int() for part in changed)
    assert (several > 1).float().mean() < 0.15  # only along the edges, which are smooth
    assert (several == 0).float().mean() < 0.05


def test_the_object_grows_with_its_scale_and_the_room_turns():
    areas = [rooms.cast(0, scale, 7, 32)[2].gt(0).sum().item() for scale in range(8)]
    assert areas == sorted(areas)
    assert areas[7] > 2 * areas[0]
    for shape in (0, 2):  # seen from the left as from the right, but for the light
        left, right = (rooms.cast(shape, 4, o, 32)[:3] > 0.01 for o in (2, 12))
        mirrored = right.reshape(3, 32, 32).flip(2).reshape(3, -1)
        assert (left != mirrored).float().mean() < 0.01
    assert (rooms.cast(0, 4, 0, 32) - rooms.cast(0, 4, 14, 32)).abs().mean() > 0.02


def test_the_object_throws_a_soft_shadow():
    floor, _, body, _ = rooms.cast(0, 4, 7, 64)
    lit = floor[(body == 0) & (floor > 0)]
    # pixels at the wall's foot are part floor, part wall: a shadow is what is wider than those
    image = floor.reshape(64, 64)[40:]
    image = image[image > 0]
    dark, half = (image < 0.6 * lit.max()), (image > 0.6 * lit.max()) & (image < 0.95 * lit.max())
    assert dark.sum() > 20
    assert half.sum() > 15


def test_small_rooms_are_big_ones_seen_from_afar():
    a, b = room(1, 4, 7, 5, 1, 3, size=24), room(1, 4, 7, 5, 1, 3, size=96)
    assert (a - F.avg_pool2d(b, 4)).abs().mean() < 1.5  # of 255


def test_sizes_and_channels_are_free():
    for source in ("rooms", "sprites"):
        grey = load(DataConfig(source=source, size=30, channels=1, limit=4), "test")
        colour = load(DataConfig(source=source, size=30, channels=3, limit=4), "test")
        assert grey.shape == (1, 30, 30)
        assert colour.shape == (3, 30, 30)
        luma = (colour.images * torch.tensor([0.299, 0.587, 0.114]).reshape(3, 1, 1)).sum(1)
        assert (luma - grey.images[:, 0].float()).abs().max() <= 0.51
        assert grey.images.float().std() > 20
        assert torch.equal(grey.factors.values, colour.factors.values)
        with pytest.raises(InfoganError, match="8 to 256 pixels, got 5"):
            load(DataConfig(source=source, size=5), "train")


def test_dsprites_is_read_part_by_part(tmp_path, monkeypatch):
    file = write_dsprites(tmp_path)
    raw = np.load(file)
    monkeypatch.setattr("infogan.data.published.CHUNK", 64)  # several parts, the last broken off
    data = load(DataConfig(source=str(file)), "train")
    which = sample(300, sprites.TRAIN, sprites.TEST, "train").numpy()
    assert data.shape == (1, 64, 64)
    assert np.array_equal(data.images[:, 0].numpy(), 255 * raw["imgs"][which])
    assert np.array_equal(data.factors.values.numpy(), raw["latents_classes"][which, 1:])
    assert data.factors.names == sprites.NAMES
    half = load(DataConfig(source=str(file), size=32, limit=5), "train")
    assert half.images.shape == (5, 1, 32, 32)
    mean = half.images.float().mean(), data.images[:5].float().mean()
    assert mean[0] == pytest.approx(mean[1], abs=1)


def test_shapes3d_is_read_part_by_part(tmp_path, monkeypatch):
    file = write_shapes3d(tmp_path)
    monkeypatch.setattr("infogan.data.published.CHUNK", 64)
    data = load(DataConfig(source=str(file), size=32), "test")
    values = data.factors.values
    assert data.shape == (3, 32, 32)
    assert len(data.images) == 30
    assert torch.equal(data.images[:, :, 5, 7].long(), 25 * values[:, :3])
    which = sample(300, rooms.TRAIN, rooms.TEST, "test").numpy() * 104729 % 480_000
    assert np.array_equal(values.numpy(), np.stack(np.unravel_index(which, rooms.SIZES), 1))


def test_files_of_something_else_are_refused(tmp_path, monkeypatch):
    def refused(file, rule):
        with pytest.raises(InfoganError, match=rule):
            load(DataConfig(source=str(file)), "train")

    refused(tmp_path / "none.h5", "no such file")
    (tmp_path / "dsprites_text.npz").write_text("text")
    refused(tmp_path / "dsprites_text.npz", "not a zip file")
    (tmp_path / "text.h5").write_text("text")
    refused(tmp_path / "text.h5", "cannot read")
    classes = np.zeros((300, 6), np.int64)
    refused(write_dsprites(tmp_path, latents_classes=classes + 7), "factors of")
    refused(write_dsprites(tmp_path, latents_classes=classes[:, :3]), "factors of")
    refused(write_dsprites(tmp_path, imgs=np.zeros((20, 64, 64), np.uint8)), "fewer images")
    objects = np.array([Bomb()], dtype=object)
    refused(write_dsprites(tmp_path, latents_classes=objects), "expected plain numbers")
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"h5py .*infogan\[hub\]"):
        load(DataConfig(source=str(tmp_path / "text.h5")), "train")


def test_a_cut_array_is_no_array(tmp_path):
    np.save(tmp_path / "x.npy", np.arange(5000).reshape(-1, 2))
    whole = (tmp_path / "x.npy").read_bytes()
    with (tmp_path / "x.npy").open("rb") as member:
        assert np.array_equal(np.concatenate([*_parts(member)]), np.load(tmp_path / "x.npy"))
    (tmp_path / "x.npy").write_bytes(whole[:-1])
    with (tmp_path / "x.npy").open("rb") as member, pytest.raises(EOFError):
        [*_parts(member)]


@pytest.mark.parametrize(
    ("name", "shape", "norm"),
    [("rooms", (3, 32, 32), "none"), ("sprites", (1, 64, 64), "spectral")],
)
def test_recipes_train_on_what_is_drawn_and_no_pairs(name, shape, norm):
    config = recipe(name)
    assert load(replace(config.data, limit=2), "train").shape == shape
    assert (config.net.norm, config.loss.r1 > 0) == (norm, norm == "none")
    assert config.loss.pairs == config.loss.alike == 0
    model = InfoGAN.from_config(config, shape)
    assert not any(type(m).__name__.startswith("BatchNorm") for m in model.trunk.modules())


def test_the_sprites_recipe_has_the_published_settings():
    """Lin et al. 2020: five codes and five of noise, fixed σ, λ 0.05, rates 1e-3 and 2e-3."""
    config = recipe("sprites")
    prior = Prior.parse(config.codes)
    assert prior.noise == len(prior.codes) == 5
    assert {(c.lam, c.sigma, c.low, c.high) for c in prior.continuous} == {(0.05, 1, -1, 1)}
    t = config.train
    assert (t.batch, t.lr_g, t.lr_d, t.beta1) == (64, 1e-3, 2e-3, 0.5)
    assert config.net.slope == 0.2


def test_spectral_norm_goes_on_bit_for_bit():
    """u and v are in the checkpoint: a state that was loaded goes on like the one it came from."""
    config = from_yaml(
        "codes: z3 + kind:cat3 + u\nnet: {widths: [3, 4], fc: 4, norm: spectral, up: nearest}\n"
        "train: {batch: 4, ema_d: 0.9}\nloss: {r1: 0.1}",
        "tiny",
        Config(),
    )
    images = rooms.draw(torch.randint(4, (8, 6)), 16)
    first, again = (State.start(config, (3, 16, 16), torch.device("cpu")) for _ in range(2))
    for _ in range(3):
        advance(first, images, config, torch.float32)
    again.load(first.update, first.tensors())
    for state in (first, again):
        advance(state, images, config, torch.float32)
    a, b = first.tensors(), again.tensors()
    assert any(name.endswith(".u") for name in a)
    assert all(torch.equal(a[name], b[name]) for name in a)
    model = first.trained(images, 0, config.loss)
    assert model.discriminate(images).isfinite().all()
