"""Scouts are sent and the best is followed; all else stays as it was, and a stop is harmless."""

import json
import signal
from dataclasses import replace

import pytest
import torch
from four_kinds import KINDS, SCOUTS, four_kinds, go, sent

from infogan import lessons
from infogan import scout as scouts
from infogan.batches import picks
from infogan.config import Config, from_yaml
from infogan.metrics import clustering
from infogan.prior import Prior
from infogan.scout import Scout
from infogan.scouting import STRIDE
from infogan.step import advance, sends_scouts
from infogan.training import Interrupted


@pytest.fixture
def config(tiny):
    return from_yaml(SCOUTS, "test", tiny)


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


@pytest.mark.parametrize("order", [(1, 2, 4, 5), (5, 1, 4, 2)])
def test_kinds_of_given_frequencies_are_the_categories_that_have_them(tmp_path, order):
    images, labels = four_kinds(720)
    kept = torch.cat([(labels == k).nonzero()[: 36 * n, 0] for k, n in enumerate((1, 2, 4, 5))])
    images, labels = images[kept], labels[kept]
    p = ", ".join(f"{n / 12:.6f}" for n in order)
    given = from_yaml(
        f"codes: 'z4 + kind:cat4({p}) + 2u@0.1'", "it", from_yaml(KINDS, "test", Config())
    )
    first, _, run = sent(given, images, tmp_path / "given")
    told = first.votes["kind"].flatten()
    share = torch.bincount(told[told >= 0], minlength=4) / (told >= 0).sum()
    assert (share - torch.tensor(order) / 12).abs().sum() / 2 < 0.05
    assert accuracy_of(first, labels, given) >= 0.95
    assert not run.warnings()


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
    monkeypatch.setattr(scouts, "shared", lambda P: True)
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
    voted, told, _ = lessons.categories(alone, kinds, which)
    assert torch.equal(first.votes["digit"].flatten(), torch.where(told, voted, -1))

    monkeypatch.setattr(scouts, "shared", lambda P: False)
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
    real, calls = scouts.pair_information, 0

    def stop_once(*args):
        nonlocal calls
        calls += 1
        if calls == 5:
            signal.raise_signal(signal.SIGINT)
        return real(*args)

    monkeypatch.setattr(scouts, "pair_information", stop_once)
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
