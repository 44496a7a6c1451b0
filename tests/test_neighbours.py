import pytest
import torch

from infogan.config import from_yaml, recipe
from infogan.data import load, look_alikes, look_alikes_outside
from infogan.data.neighbours import CPU, _pool
from infogan.state import State
from infogan.step import advance


def g(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(autouse=True)
def _fresh():
    _pool.cache_clear()


def kinds(n=40, noise=12):
    """Two kinds of 6×6 images, bright left or bright right, in turn, with noise."""
    images = torch.randint(noise, (2 * n, 1, 6, 6), generator=g(), dtype=torch.uint8)
    images[0::2, :, :, :3] += 200
    images[1::2, :, :, 3:] += 200
    return images


def test_a_neighbour_is_the_nearest_of_the_block_and_never_the_image_itself():
    images = kinds()
    pick = torch.arange(len(images))
    others = look_alikes(images, pick, seed=0, generator=g())
    pool = _pool(images, 0, CPU, False)
    start = int(torch.randint(len(images) // 2 + 1, (), generator=g()))
    block = pool.members[start : start + len(images) // 2]
    apart = torch.cdist(pool.project(images, pick), pool.project(images, block))
    apart[pick[:, None] == block] = torch.inf
    assert torch.equal(others, block[apart.argmin(1)])
    assert (others != pick).all()
    assert (others % 2 == pick % 2).all()  # of the same kind


def test_the_block_changes_and_everything_follows_from_seed_and_generator():
    images, pick = kinds(), torch.arange(20)
    first = look_alikes(images, pick, 0, g(1))
    generator = g(1)
    assert torch.equal(first, look_alikes(images, pick, 0, generator))
    assert not torch.equal(first, look_alikes(images, pick, 0, generator))
    torch.manual_seed(5)
    before = torch.get_rng_state()
    _pool.cache_clear()
    look_alikes(images, pick, 0, generator)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("n", [2, 3, 5])
def test_few_images_have_neighbours_too(n):
    images = kinds()[:n]
    others = look_alikes(images, torch.arange(n), 0, g())
    assert (others != torch.arange(n)).all()
    assert ((others >= 0) & (others < n)).all()
    assert len(look_alikes(images, torch.arange(0), 0, g())) == 0


def test_large_colour_images_are_averaged_down():
    images = torch.zeros(12, 3, 80, 64, dtype=torch.uint8)
    images[::2] = 255
    images[1::2, 0] = 40
    images[:, 1] += torch.arange(12, dtype=torch.uint8)[:, None, None]
    others = look_alikes(images, torch.arange(12), 0, g())
    assert (others % 2 == torch.arange(12) % 2).all()


def test_by_their_patterns_colours_do_not_count():
    """Bright left or bright right, each in two lights: the light says nothing any more."""
    images = kinds().expand(-1, 3, -1, -1).clone()
    images[::4, 1:] //= 2  # red, and darker
    images[1::4, :2] //= 2  # blue
    pick = torch.arange(len(images))
    by_pixels = look_alikes(images, pick, 0, g())
    assert ((by_pixels % 4 < 2) == (pick % 4 < 2)).double().mean() > 0.9  # of the same light
    others = look_alikes(images, pick, 0, g(), pattern=True)
    assert (others % 2 == pick % 2).all()
    assert 0.2 < ((others % 4 < 2) == (pick % 4 < 2)).double().mean() < 0.8
    found = look_alikes_outside(images, pick, pick, pick, 3, seed=0, pattern=True)
    assert (found % 2 == pick[:, None] % 2).all()


def test_those_outside_are_the_nearest_of_other_groups():
    images = kinds()
    members = torch.randperm(len(images), generator=g(1))[:50]
    group = torch.arange(50) % 3
    asked = torch.tensor([4, 0, 31])
    found = look_alikes_outside(images, members, group, asked, 6, seed=0)
    features = _pool(images, 0, CPU, False).project(images, members)
    apart = torch.cdist(features[asked], features)
    apart[group[asked][:, None] == group] = torch.inf
    assert torch.equal(found, apart.argsort(1)[:, :6])
    assert look_alikes_outside(images, members, group, asked[:0], 6, seed=0).shape == (0, 6)


def test_neighbours_of_digits_are_mostly_the_same_digit():
    data = load("mnist", "train")
    pick = torch.randperm(60_000, generator=g())[:1000]
    others = look_alikes(data.images, pick, 0, g())
    same = (data.labels[pick] == data.labels[others]).double().mean().item()
    assert same > 0.955  # measured 0.975; one of ten by chance; standard error 0.005


def test_copies_are_of_neighbours_until_their_update(digits):
    text = """
    net: {widths: [4, 8], fc: 16}
    train: {batch: 8, updates: 4, precision: float32}
    augment: {rotation: 0, shear: 0, scale: 0, shift: 0, neighbours_until: 2}
    """
    config = from_yaml(text, "test", recipe("mnist"))
    state = State.start(config, (1, 28, 28), torch.device("cpu"))
    seen = []
    state.model.trunk[0].register_forward_hook(lambda _, x, y: seen.append(x[0].detach().clone()))
    for update in range(4):
        seen.clear()
        advance(state, digits, config, torch.float32)
        x, _, copies = seen[0].split(8)  # real, generated, copies
        same = (x - copies).abs().amax((1, 2, 3)) < 1e-5
        assert same.sum() == (8 if update >= 2 else 4)  # half are of another image
        whole = digits.float() / 255
        apart = (copies[:, None] - whole[None]).abs().amax((2, 3, 4))  # (8, N)
        assert apart.amin(1).max() < 1e-5  # each is an image of the set
