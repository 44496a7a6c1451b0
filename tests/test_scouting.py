"""Scouts find kinds on real images alone; all else stays as it was, and a stop is harmless."""

import io
import json
import math
import signal
from dataclasses import replace

import pytest
import torch

from infogan import scouting
from infogan.batches import picks
from infogan.config import Config, from_yaml
from infogan.metrics import clustering
from infogan.prior import Prior
from infogan.progress import Progress
from infogan.run import Run
from infogan.scouting import STRIDE, Scout, scouted
from infogan.state import State
from infogan.step import advance, sends_scouts
from infogan.training import Interrupted, train

CPU = torch.device("cpu")


@pytest.fixture
def config(tiny):
    """Two scouts of three updates at most, before a run of four; none of them finds kinds that
    stand."""
    text = """
    train: {restarts: 2, scout_updates: 3, scout_followed: 2, updates: 4}
    loss: {votes: 5, votes_from: 3}
    augment: {neighbours_until: 2}
    """
    return from_yaml(text, "test", tiny)


def go(config, images, path):
    run = Run.open(path) if Run.exists(path) else Run.create(path, config, "test")
    said = io.StringIO()
    return run, train(config, images, run, Progress(Prior.parse(config.codes), said)), said


def sent(config, images, path):
    """The first state after scouting, and one that none were sent for."""
    first, same = (State.start(config, tuple(images.shape[1:]), CPU) for _ in range(2))
    run = Run.create(path, config, "test")
    progress = Progress(first.model.prior, io.StringIO())
    scouted(first, images, config, torch.float32, run, progress, lambda: False)
    return first, same, run


def four_kinds(n=240):
    """8×8 images of four kinds, two to a shape: a bar or a ring, each bright above or below."""
    generator = torch.Generator().manual_seed(0)
    x = 40 * torch.rand(n, 1, 8, 8, generator=generator)
    labels = torch.arange(n) % 4
    for i, kind in enumerate(labels.tolist()):
        top = 0 if kind % 2 else 4
        if kind < 2:
            x[i, 0, top + 1 : top + 3, 1:7] += 200
        else:
            x[i, 0, top : top + 4, 2] += 200
            x[i, 0, top : top + 4, 5] += 200
    return x.clamp(0, 255).to(torch.uint8), labels


KINDS = """
codes: z4 + kind:cat4 + 2u@0.1
net: {widths: [16], fc: 64}
loss: {pairs: 8, pairs_m: 3, votes: 10, votes_from: 100}
augment: {neighbours_until: 1000, shift: 0.0}
train: {batch: 32, restarts: 3, scout_updates: 80, scout_followed: 20, precision: float32}
"""


def accuracy_of(first, labels, config):
    """Of the categories that the first updates are taught."""
    which = torch.stack([picks(u, len(labels), config.train)[0] for u in range(20)]).flatten()
    k = first.votes["kind"].flatten()
    told = k >= 0
    assert told.float().mean() > 0.4
    return clustering(labels[which][told].numpy(), k[told].numpy(), 4)["clustering.accuracy"]


@pytest.mark.parametrize("seed", [0, 1])
def test_kinds_are_known_before_the_first_update(tmp_path, seed):
    images, labels = four_kinds()
    config = from_yaml(f"train: {{seed: {seed}}}", "seed", from_yaml(KINDS, "test", Config()))
    first, _, run = sent(config, images, tmp_path / "run")
    assert first.votes["kind"].shape == (20, 1, 32)
    assert accuracy_of(first, labels, config) >= 0.95
    assert first.model.prior["kind"].p == ()
    assert not run.warnings()


def test_kinds_of_unequal_frequency_are_found_and_their_frequencies_learned(tmp_path):
    """Four kinds that stand 1 : 2 : 4 : 5; with P(c) = 1/4 the same images give a warning."""
    images, labels = four_kinds(720)
    kept = torch.cat([(labels == k).nonzero()[: 36 * n, 0] for k, n in enumerate((1, 2, 4, 5))])
    images, labels = images[kept], labels[kept]
    learned = from_yaml(
        "codes: 'z4 + kind:cat4(learned) + 2u@0.1'", "it", from_yaml(KINDS, "test", Config())
    )
    first, _, run = sent(learned, images, tmp_path / "learned")
    assert accuracy_of(first, labels, learned) >= 0.95
    found = first.model.prior["kind"].probabilities.sort().values
    right = torch.tensor([1, 2, 4, 5], dtype=torch.float64) / 12
    assert (found - right).abs().sum() / 2 < 0.05
    assert not run.warnings()
    _, _, run = sent(from_yaml(KINDS, "test", Config()), images, tmp_path / "uniform")
    assert "kind:cat4(learned)" in run.warnings()["prior kind"]


def test_learned_frequencies_that_are_even_are_joined_as_if_known(monkeypatch):
    """By the run's m, 3, where the kinds are equally frequent, by 0.9 where they are not."""
    even, labels = four_kinds(720)
    uneven = torch.cat([(labels == k).nonzero()[: 36 * n, 0] for k, n in enumerate((1, 2, 4, 5))])
    learned = "codes: 'z4 + kind:cat4(learned) + 2u@0.1'"
    config = from_yaml(learned, "it", from_yaml(KINDS, "test", Config()))
    used, real = [], scouting.margins

    def watched(P, groups, K, m):
        used.append(m)
        return real(P, groups, K, m)

    monkeypatch.setattr(scouting, "margins", watched)
    for images in (even, even[uneven]):
        scout = Scout(config, State.start(config, (1, 8, 8), CPU), images, torch.float32)
        [*scout.explore()]
        scout.join()
    assert used == [3, scouting.M_FREE]


def test_images_in_doubt_are_told_as_their_look_alikes_outside_are(monkeypatch):
    """A small category that was joined to a wrong kind, with the right one next."""
    images, labels = four_kinds()
    config = from_yaml(KINDS, "test", Config())
    scout = Scout(config, State.start(config, (1, 8, 8), CPU), images, torch.float32)
    [*scout.explore()]
    kinds, every = scout.join(), torch.arange(len(images))
    certain = replace(kinds, told=torch.ones_like(kinds.told))
    right, told = scout.categories(certain, every)
    assert told.all()
    assert clustering(labels.numpy(), right.numpy(), 4)["clustering.accuracy"] >= 0.95

    model = scout.state.reader(images, config.train.seed)
    h, _ = scouting.read(model, images, every, torch.float32)
    small = scout.layer(h).argmax(1)
    i = int(small.unique(return_counts=True)[1].argmin())
    i = int(small.unique()[i])  # the smallest: most of its kind's images are in others
    own = int(kinds.groups[i])
    groups, rivals, sure = kinds.groups.clone(), kinds.rivals.clone(), certain.told.clone()
    groups[i], rivals[i], sure[i] = (own + 1) % 4, own, False
    wrong = replace(kinds, groups=groups, rivals=rivals, told=sure)
    found, told = scout.categories(wrong, every)
    assert told[small != i].all()
    assert told[small == i].double().mean() > 0.3
    assert (found == right)[told & (small == i)].all()

    rivals[i] = (own + 2) % 4  # look-alikes of a kind that is not possible say nothing
    _, told = scout.categories(wrong, every)
    assert not told[small == i].any()
    off = replace(config, augment=replace(config.augment, neighbours_until=0))
    monkeypatch.setattr(scout, "config", off)
    rivals[i] = own
    _, told = scout.categories(wrong, every)
    assert not told[small == i].any()


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


def test_kinds_are_joined_by_copies_that_are_warped_twice_as_much(config, digits, monkeypatch):
    config = from_yaml("augment: {warp: 0.1, warp_from: 1000}", "test", config)
    scout = Scout(config, State.start(config, (1, 28, 28), CPU), digits, torch.float32)
    warps, real = [], scouting.augment

    def watched(x, settings, generator):
        warps.append(settings.warp)
        return real(x, settings, generator)

    monkeypatch.setattr(scouting, "augment", watched)
    [*scout.explore()]
    assert set(warps) == {0.0}
    warps.clear()
    scout.join()
    assert set(warps) == {0.0, 0.2}


def test_nothing_but_the_votes_of_a_run_is_changed(config, digits, tmp_path):
    first, same, _ = sent(config, digits, tmp_path / "run")
    before, after = same.tensors(), first.tensors()
    assert after.pop("votes.digit").shape == (2, 1, config.train.batch)
    assert before.keys() == after.keys()
    assert all(torch.equal(tensor, after[name]) for name, tensor in before.items())


def test_Q_learns_what_the_scout_found_and_then_goes_on_by_itself(config, digits, tmp_path):
    state, _, _ = sent(config, digits, tmp_path / "run")
    found, seen = state.votes["digit"], []
    for update in range(4):
        terms = advance(state, digits, config, torch.float32)
        seen.append(["votes.digit" in terms, "I_pairs.digit" in terms])
        if update == 0:
            assert torch.equal(state.votes["digit"], found)
        elif update == 2:
            assert not state.votes
    assert seen[:3] == [[True, False], [True, False], [False, True]]


def test_the_first_scout_whose_kinds_stand_is_followed_else_the_best(
    config, digits, tmp_path, monkeypatch
):
    monkeypatch.setattr(scouting, "shared", lambda P: True)
    first, _, run = sent(config, digits, tmp_path / "none")
    facts = json.loads((run.path / "starts.json").read_text())
    assert len(set(facts["I_groups"])) == 2
    assert facts["kept"] == facts["I_groups"].index(max(facts["I_groups"]))
    seed = config.train.seed + STRIDE * facts["kept"]
    train = replace(config.train, seed=seed, ema_d=0.0)
    alone = Scout(replace(config, train=train), first, digits, torch.float32)
    assert len([*alone.explore()]) == 3
    kinds = alone.join()
    assert kinds.score == facts["I_groups"][facts["kept"]]
    which = torch.cat([picks(u, len(digits), config.train)[0] for u in range(2)])
    voted, told = alone.categories(kinds, which)
    assert torch.equal(first.votes["digit"].flatten(), torch.where(told, voted, -1))

    monkeypatch.setattr(scouting, "shared", lambda P: False)
    _, _, run = sent(config, digits, tmp_path / "first")
    facts = json.loads((run.path / "starts.json").read_text())
    assert facts["kept"] == 0
    assert len(facts["I_groups"]) == 1


def test_stopped_among_the_scouts_it_begins_anew_and_ends_the_same(
    config, digits, tmp_path, monkeypatch
):
    whole, _, said = go(config, digits, tmp_path / "whole")
    assert "scout 2 of at most 2: 50 small categories joined to 10 kinds" in said.getvalue()
    assert whole.seconds() > sum(record["seconds"] for record in whole.history())
    real, calls = scouting.pair_information, 0

    def stop_once(*args):
        nonlocal calls
        calls += 1
        if calls == 5:
            signal.raise_signal(signal.SIGINT)
        return real(*args)

    monkeypatch.setattr(scouting, "pair_information", stop_once)
    with pytest.raises(Interrupted) as stopped:
        go(config, digits, tmp_path / "torn")
    assert stopped.value.update == 0
    torn, _, _ = go(config, digits, tmp_path / "torn")
    weights = "model/model.safetensors"
    assert (whole.path / weights).read_bytes() == (torn.path / weights).read_bytes()


@pytest.mark.parametrize(
    "text",
    [
        "loss: {pairs: 0}",
        "loss: {votes: 0}",
        "train: {scout_updates: 0}",
        "objective: gan",
        "codes: z4 + 2u",
        "codes: z4 + 2cat10",
        "codes: z4 + cat51",
    ],
)
def test_where_there_is_nothing_for_scouts_none_are_sent(config, text):
    assert sends_scouts(config, Prior.parse(config.codes))
    other = from_yaml(text, "test", config)
    assert not sends_scouts(other, Prior.parse(other.codes))


@pytest.mark.parametrize("codes", ["z4 + 2cat10 + 2u@0.1", "z4 + digit:cat51 + 2u@0.1"])
def test_who_asks_for_scouts_that_cannot_be_sent_is_told(config, digits, tmp_path, codes):
    config = replace(config, codes=codes, train=replace(config.train, restarts=1, updates=1))
    _, _, said = go(config, digits, tmp_path / "run")
    assert (
        "no scout goes out: it finds the kinds of one categorical code of at most 50"
        in said.getvalue()
    )


@pytest.mark.parametrize(("parts", "M"), [(1, 10), (3, 30), (20, 100)])
def test_a_scout_looks_for_as_many_small_categories_as_said(config, digits, parts, M):
    config = replace(config, train=replace(config.train, scout_parts=parts))
    scout = Scout(config, State.start(config, (1, 28, 28), CPU), digits, torch.float32)
    assert scout.M == M
    kinds = scout.join()
    assert sorted(set(kinds.groups.tolist())) == list(range(10))
    voted, told = scout.categories(kinds, torch.arange(20))
    assert voted.shape == (20,)
    if parts == 1:  # each is a kind, and none is in doubt
        assert kinds.told.all()
        assert told.all()


def test_few_images_make_small_batches(config):
    images = torch.randint(0, 256, (9, 1, 28, 28), dtype=torch.uint8)
    first = State.start(config, (1, 28, 28), CPU)
    scout = Scout(config, first, images, torch.float32)
    assert all(map(math.isfinite, scout.explore()))
    assert scout.categories(scout.join(), torch.arange(9))[0].shape == (9,)
