"""What Q is told first: kinds where they are sure or look-alikes agree, and components."""

from dataclasses import replace

import pytest
import torch
from four_kinds import CPU, KINDS, SCOUTS, four_kinds, go, sent

from infogan import lessons
from infogan.batches import picks
from infogan.config import Config, from_yaml
from infogan.metrics import clustering
from infogan.scout import Scout
from infogan.state import State


@pytest.fixture
def config(tiny):
    return from_yaml(SCOUTS, "test", tiny)


def test_images_in_doubt_are_told_as_their_look_alikes_outside_are(monkeypatch):
    """A small category that was joined to a wrong kind, with the right one next: it goes there."""
    images, labels = four_kinds()
    config = from_yaml(KINDS, "test", Config())
    # on every kind of processor this scout finds the four, which that of seed 0 does not
    config = replace(config, train=replace(config.train, seed=1))
    scout = Scout(config, State.start(config, (1, 8, 8), CPU), images, torch.float32)
    [*scout.explore()]
    kinds, every = scout.join(), torch.arange(len(images))
    certain = replace(kinds, told=torch.ones_like(kinds.told))
    right, told, same = lessons.categories(scout, certain, every)
    assert told.all()
    assert torch.equal(same.groups, kinds.groups)
    assert clustering(labels.numpy(), right.numpy(), 4)["clustering.accuracy"] >= 0.95

    model = scout.state.reader(images, config.train.seed)
    h, _ = lessons.read(model, images, every, torch.float32)
    small = scout.layer(h).argmax(1)
    i = int(small.unique(return_counts=True)[1].argmin())
    i = int(small.unique()[i])  # the smallest: most of its kind's images are in others
    own = int(kinds.groups[i])
    groups, rivals, sure = kinds.groups.clone(), kinds.rivals.clone(), certain.told.clone()
    groups[i], rivals[i], sure[i] = (own + 1) % 4, own, False
    wrong = replace(kinds, groups=groups, rivals=rivals, told=sure)
    found, told, moved = lessons.categories(scout, wrong, every)
    assert told[small != i].all()
    assert told[small == i].double().mean() > 0.3
    assert torch.equal(moved.groups, kinds.groups)
    assert moved.rivals[i] == (own + 1) % 4
    assert (found == right)[told & (small == i)].all()

    with monkeypatch.context() as patch:  # where it stays, they are told as the next kind
        patch.setattr(lessons, "reconsidered", lambda groups, rivals, *_: (groups, rivals))
        found, told, moved = lessons.categories(scout, wrong, every)
    assert torch.equal(moved.groups, groups)
    assert told[small == i].double().mean() > 0.3
    assert (found == right)[told & (small == i)].all()

    rivals[i] = (own + 2) % 4  # look-alikes of a kind that is not possible say nothing
    _, told, moved = lessons.categories(scout, wrong, every)
    assert not told[small == i].any()
    assert torch.equal(moved.groups, groups)
    off = replace(config, augment=replace(config.augment, neighbours_until=0))
    monkeypatch.setattr(scout, "config", off)
    rivals[i] = own
    _, told, moved = lessons.categories(scout, wrong, every)
    assert not told[small == i].any()
    assert torch.equal(moved.groups, groups)


def test_the_sliders_are_told_what_differs_most_within_kinds(tmp_path):
    """Here that is how bright the strokes are; then Q reads it from real images."""
    images, labels = four_kinds(480)
    light = 0.4 + 0.6 * torch.rand(480, generator=torch.Generator().manual_seed(1))
    images = (images * light[:, None, None, None]).to(torch.uint8)
    text = """
    loss: {components: 0.1, votes_alone_from: 150, votes_every: 100}
    train: {updates: 160}
    """
    config = from_yaml(text, "test", from_yaml(KINDS, "test", Config()))
    first, _, _ = sent(config, images, tmp_path / "sent")
    u = first.components["u1"]
    assert u.shape == (150, 1, 32, 1)
    which = torch.stack([picks(update, 480, config.train)[0] for update in range(150)])
    told = torch.zeros(480).index_put((which.flatten(),), u.flatten())
    assert (told[which] == u[:, 0, :, 0]).all()  # of one image always the same
    asked = which.unique()
    for k in range(4):
        members = asked[labels[asked] == k]
        rho = torch.corrcoef(torch.stack([told[members], light[members]]))[0, 1]
        assert rho > 0.9
        assert abs(told[members].mean()) < 0.15
        assert abs(told[members].std() - 3**-0.5) < 0.1

    run, model, _ = go(config, images, tmp_path / "run")
    seen = ["components.u1" in record for record in run.history()]
    assert seen == [record["update"] <= 150 for record in run.history()]
    read = model.infer(images)["u1"].mean[:, 0]
    both = torch.stack([read, light])
    assert sum(torch.corrcoef(both[:, labels == k])[0, 1] for k in range(4)) / 4 > 0.5


@pytest.mark.parametrize("kind", ["mlp", "resnet"])
def test_every_trunk_has_something_to_find_components_of(config, digits, tmp_path, kind):
    text = f"net: {{kind: {kind}}}\nloss: {{components: 1}}\ncodes: z4 + digit:cat10 + u2 + g"
    first, _, _ = sent(from_yaml(text, "test", config), digits, tmp_path / "run")
    assert first.components["u"].shape == (4, 1, config.train.batch, 2)
    assert first.components["g"].shape == (4, 1, config.train.batch, 1)
    assert first.components["u"].abs().max() < 1 < first.components["g"].abs().max()
