"""The category that the nearest images have."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from infogan import moves
from infogan import votes as module
from infogan.batches import picks
from infogan.config import AugmentConfig, NetConfig, from_yaml
from infogan.model import InfoGAN
from infogan.state import State
from infogan.step import advance
from infogan.votes import neighbours, unsettled, votes


def a_model(codes="z2 + digit:cat4 + kind:cat3 + u", seed=1):
    """Its categories differ between images: Q's outputs are centred."""
    model = InfoGAN(codes, (1, 8, 8), NetConfig(widths=(4, 8), fc=12, q_hidden=8), seed=seed).eval()
    with torch.no_grad():
        model.Q.deep[-1].bias -= model.Q(model.trunk(some_images().float() / 255)).mean(0)
    return model


def some_images(n=60, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randint(256, (n, 1, 8, 8), generator=g, dtype=torch.uint8)


@torch.no_grad()
def by_hand(model, images, which, bank):
    """The formula, one image at a time: all twelve components leave cosines as they are."""
    h = model.trunk(images.float() / 255)
    z = F.normalize(h - h[bank].mean(0), dim=1)
    q = model.infer(images)
    found = {"digit": [], "kind": []}
    for i in which.tolist():
        others = [j for j in bank.tolist() if j != i]
        near = sorted(others, key=lambda j: -float(z[i] @ z[j]))[:5]
        for name, ks in found.items():
            ks.append(int(q[name].probs[near].sum(0).argmax()))
    return {name: torch.tensor(ks) for name, ks in found.items()}


def test_votes_are_those_of_the_five_nearest_and_never_ones_own():
    model, images = a_model(), some_images()
    which = torch.cat([torch.tensor([3]), torch.arange(60)])
    found = votes(model, images, which, seed=0)
    right = by_hand(model, images, which, torch.arange(60))
    assert found.keys() == right.keys()
    for name, k in right.items():
        assert torch.equal(found[name], k)
    assert found["digit"][0] == found["digit"][4]


def test_mistakes_among_their_kind_are_outvoted():
    """Two kinds of images that the features tell apart; Q, which splits them by one feature and a
    threshold, takes some of the second for the first."""
    images, kind = some_images(40), (torch.arange(40) >= 20).long()
    images[:20] //= 8
    model = a_model("z2 + kind:cat2")
    with torch.no_grad():
        h = model.trunk(images.float() / 255)
        weight = 40 * F.normalize(h[20:].mean(0) - h[:20].mean(0), dim=0)
        model.Q.deep[0].weight.zero_()[0] = weight
        model.Q.deep[0].bias.zero_()[0] = -(h[20:] @ weight).sort().values[3:5].mean()
        model.Q.deep[-1].weight.zero_()[1, 0] = 9.0
        model.Q.deep[-1].bias.zero_()
    own = model.infer(images)["kind"].probs.argmax(1)
    assert (own[:20] == 0).all()
    assert (own[20:] == 0).sum() == 4
    assert torch.equal(votes(model, images, torch.arange(40), seed=0)["kind"], kind)


def test_of_a_large_set_a_part_votes_with_those_that_are_asked_about(monkeypatch):
    model, images = a_model(), some_images(200)
    monkeypatch.setattr(module, "BANK", 30)
    which = torch.tensor([1, 2, 150])
    bank = torch.randperm(200, generator=torch.Generator().manual_seed(4))[:30]
    members = torch.cat([bank, which]).unique()
    right = by_hand(model, images, which, members)
    found = votes(model, images, which, seed=4)
    assert all(torch.equal(found[name], k) for name, k in right.items())


def test_neighbours_are_the_nearest_and_never_the_row_itself():
    f = F.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0]]), dim=1)
    assert neighbours(f, torch.arange(3), 10).tolist() == [[1, 2], [0, 2], [1, 0]]
    assert neighbours(f, torch.tensor([2]), 1).tolist() == [[1]]


def test_two_images_and_bfloat16_and_double_models():
    which = torch.tensor([0, 1])
    model = a_model()
    own = model.infer(some_images())["digit"].probs.argmax(1)
    images = some_images()[[0, int((own != own[0]).nonzero()[0])]]
    own = model.infer(images)["digit"].probs.argmax(1)
    assert torch.equal(votes(model, images, which, seed=0)["digit"], own.flip(0))
    assert votes(model, images, which, 0, torch.bfloat16)["digit"].shape == (2,)
    double = a_model().double()
    assert torch.equal(votes(double, images, which, seed=0)["digit"], own.flip(0))


def test_a_Q_that_knows_nothing_is_unsettled():
    """Of twenty even categories each pair shares a twentieth only, and as little stays."""
    model = a_model("z2 + kind:cat20")
    with torch.no_grad():
        model.Q.deep[-1].weight.zero_()
        model.Q.deep[-1].bias.zero_()
    assert unsettled(model, some_images(), AugmentConfig(), seed=0)


def test_categories_that_share_a_kind_are_told():
    """Q that looks at one pixel: shifted by up to a half, its images change sides."""
    images = torch.zeros(400, 1, 8, 8, dtype=torch.uint8)
    images[::2] = 255
    model = a_model("z2 + kind:cat2")
    still = AugmentConfig(rotation=0, shear=0, scale=0, shift=0)

    model.trunk = torch.nn.Flatten()
    model.Q = torch.nn.Linear(64, 2)
    with torch.no_grad():
        model.Q.weight.zero_()[:, 27] = torch.tensor([20.0, -20])
        model.Q.bias.copy_(torch.tensor([-10.0, 10]))
    assert not unsettled(model, images, still, seed=0)
    moved = AugmentConfig(rotation=0, shear=0, scale=0, shift=0.9)
    assert unsettled(model, images, moved, seed=0)

    # one pixel of noise is a category that copies keep and look-alikes do not
    noise = torch.randint(0, 60, images.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        model.Q.weight.mul_(100)
        model.Q.bias.copy_(model.Q.weight[:, 27] * -29.5 / 255)
    assert not unsettled(model, noise.to(torch.uint8), still, seed=0)
    assert unsettled(model, noise.to(torch.uint8), still, seed=0, alike=True)
    images[:] = torch.tensor([60, 0]).repeat(200)[:, None, None, None]
    images[..., :4] += 20  # of two kinds look-alikes are of one kind
    assert not unsettled(model, images, still, seed=0, alike=True)


@pytest.fixture(autouse=True)
def apart(monkeypatch, request):
    """Categories stand from the start, but for the tests of what happens while they do not."""
    if "sharing" not in request.fixturenames:
        monkeypatch.setattr("infogan.step.unsettled", lambda *_: False)


@pytest.fixture
def sharing(monkeypatch):
    """Two categories share a kind at the first two counts; how often that was asked."""
    asked = []
    monkeypatch.setattr("infogan.step.unsettled", lambda *_: asked.append(1) or len(asked) < 3)
    return asked


@pytest.fixture
def voting(tiny):
    text = "loss: {votes: 5, votes_from: 2, votes_every: 3}"
    return from_yaml(text, "test", tiny)


def test_votes_take_the_place_of_pairs_and_are_counted_now_and_then(voting, digits):
    state = State.start(voting, (1, 28, 28), torch.device("cpu"))
    seen, counted = [], []
    for _ in range(8):
        terms = advance(state, digits, voting, torch.float32)
        seen.append(("I_pairs.digit" in terms, "votes.digit" in terms))
        counted.append(state.votes.get("digit"))
        if "votes.digit" in terms:
            assert terms["votes.digit"] < 0
    assert seen == [(True, False)] * 2 + [(False, True)] * 6
    assert counted[0] is counted[1] is None
    assert counted[2].shape == (3, 1, 16)
    changes = [a is not b for a, b in pairwise(counted)]
    assert changes == [False, True, False, False, True, False, False]


def test_votes_wait_while_two_categories_share_a_kind(voting, digits, sharing):
    state = State.start(voting, (1, 28, 28), torch.device("cpu"))
    seen = ["votes.digit" in advance(state, digits, voting, torch.float32) for _ in range(15)]
    assert seen == [False] * 8 + [True] * 7  # asked at 2, 5 and 8, and no more from there on
    assert len(sharing) == 3


def test_the_votes_are_on_the_images_that_the_updates_see(voting, digits, monkeypatch):
    asked = []

    def note(model, images, which, seed, dtype):
        asked.append(which)
        return {"digit": which % 10}

    monkeypatch.setattr("infogan.step.votes", note)
    state = State.start(voting, (1, 28, 28), torch.device("cpu"))
    for _ in range(4):
        advance(state, digits, voting, torch.float32)
    right = torch.cat([picks(u, len(digits), voting.train)[0] for u in (2, 3, 4)])
    assert len(asked) == 1
    assert torch.equal(asked[0], right)


def test_a_count_is_part_of_the_state(voting, digits):
    """Stopped between two counts, a run goes on with the votes that it had, bit for bit."""
    cpu = torch.device("cpu")
    whole, torn = (State.start(voting, (1, 28, 28), cpu) for _ in range(2))
    for _ in range(4):
        advance(whole, digits, voting, torch.float32)
    flat = {name: t.clone() for name, t in whole.tensors().items()}
    assert "votes.digit" in flat
    for _ in range(3):
        advance(whole, digits, voting, torch.float32)
    torn.load(4, flat)
    for _ in range(3):
        advance(torn, digits, voting, torch.float32)
    after = torn.tensors()
    assert all(torch.equal(t, after[name]) for name, t in whole.tensors().items())


def test_alone_G_and_D_rest_and_the_log_says_so(voting, digits):
    config = from_yaml("loss: {votes_alone_from: 4}", "test", voting)
    state = State.start(config, (1, 28, 28), torch.device("cpu"))
    for _ in range(4):
        advance(state, digits, config, torch.float32)
    G = [p.clone() for p in state.G_ema]
    D = [p.clone() for p in state.model.D.parameters()]
    trunk = [p.clone() for p in state.model.trunk.parameters()]
    for _ in range(3):
        terms = advance(state, digits, config, torch.float32)
        assert set(terms) == {"L_I.digit", "L_I.u1", "L_I.u2", "votes.digit"}
    for mine, average, before in zip(state.model.G.parameters(), state.G_ema, G, strict=True):
        assert torch.equal(mine, before)
        assert torch.allclose(average, before, atol=1e-7)
    assert all(map(torch.equal, state.model.D.parameters(), D))
    assert not any(map(torch.equal, state.model.trunk.parameters(), trunk))


def test_alone_they_see_so_many_generated_images_beside_the_real_ones(voting, digits, monkeypatch):
    text = "loss: {votes_alone_from: 4, votes_alone_fakes: 0.25}"
    config = from_yaml(text, "test", voting)
    state, sizes = State.start(config, (1, 28, 28), torch.device("cpu")), []
    real = moves.objective_Q

    def seen(model, x_aug, fake, *others):
        sizes.append((len(x_aug), len(fake)))
        return real(model, x_aug, fake, *others)

    monkeypatch.setattr(moves, "objective_Q", seen)
    for _ in range(6):
        advance(state, digits, config, torch.float32)
    batch = config.train.batch
    assert sizes == [(batch, batch // 4)] * 2
    mixed = []
    monkeypatch.setattr(
        "infogan.state.recalibrate", lambda model, real, z: mixed.append([*map(len, z)])
    )
    state.trained(digits, 0, config.loss)
    state.votes = {}  # while votes wait the game goes on, as many of both
    state.trained(digits, 0, config.loss)
    assert mixed == [[64] * 16, [256] * 16]


def test_the_game_goes_on_while_votes_wait(voting, digits, sharing):
    config = from_yaml("loss: {votes_alone_from: 3}", "test", voting)
    state = State.start(config, (1, 28, 28), torch.device("cpu"))
    seen = ["loss_G" in advance(state, digits, config, torch.float32) for _ in range(10)]
    assert seen == [True] * 8 + [False] * 2


def test_the_game_is_not_over_before_votes_are_counted(tiny, digits):
    """Asked to end in the midst of what a scout says, it ends when votes are the game's own."""
    text = """
    loss: {votes: 5, votes_from: 5, votes_every: 3, votes_alone_from: 2}
    train: {scout_updates: 3, scout_followed: 4}
    """
    config = from_yaml(text, "test", tiny)
    state = State.start(config, (1, 28, 28), torch.device("cpu"))
    state.votes = {"digit": torch.zeros(4, 1, 16, dtype=torch.int64)}
    seen = ["loss_G" in advance(state, digits, config, torch.float32) for _ in range(8)]
    assert seen == [True] * 5 + [False] * 3
    assert config.loss.over_from == 5
    assert from_yaml("loss: {votes: 0}", "test", config).loss.over_from > 10**9


@pytest.mark.parametrize(
    ("n", "most"), [(5, 2), (32, 5), (33, 5), (200, 70), (2_048, 5), (4_100, 9)]
)
@pytest.mark.parametrize("gathered", [module.GATHERED, 1_000])
def test_neighbours_of_many_are_those_of_a_full_search(n, most, gathered, monkeypatch):
    monkeypatch.setattr(module, "GATHERED", gathered)
    f = torch.randn(n, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(n))
    rows = torch.tensor([0, n - 1, n // 2, 0])
    product = f[rows] @ f.T
    product[torch.arange(4), rows] = -torch.inf
    right = product.topk(min(most, n - 1), dim=1).indices
    assert torch.equal(neighbours(f, rows, most).sort(1).values, right.sort(1).values)
