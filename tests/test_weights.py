"""λ of each code over training."""

import pytest

from infogan.config import LossConfig
from infogan.prior import Prior
from infogan.weights import noise_at, weights_at


def test_lambda_ramp_is_for_categorical_codes():
    prior = Prior.parse("cat3@2 + u@0.5")
    loss = LossConfig(lam_ramp=100)
    for update, lam in ((0, 0), (50, 1), (500, 2)):
        assert weights_at(update, prior, loss).lam == {"cat": lam, "u": 0.5}
    assert weights_at(0, prior, LossConfig()).lam == {"cat": 2, "u": 0.5}


def test_continuous_codes_set_in_one_after_another():
    prior = Prior.parse("cat3@2 + a:u@0.5 + b:g@0.1 + d:u@0.3")
    for starts, update, lam in (
        ((), 0, (0.5, 0.1, 0.3)),
        ((30, 80), 29, (0, 0, 0)),
        ((30, 80), 30, (0.5, 0, 0)),
        ((30, 80), 80, (0.5, 0.1, 0.3)),
        ((0, 5, 9), 5, (0.5, 0.1, 0)),
    ):
        w = weights_at(update, prior, LossConfig(lam_starts=starts))
        assert w.lam == {"cat": 2} | dict(zip("abd", lam))


def test_continuous_codes_need_less_to_keep_their_factor():
    prior = Prior.parse("cat3@2 + a:u@0.5 + b:u@0.1")
    loss = LossConfig(lam_rest=0.2, lam_rest_from=50, lam_starts=(0, 60), lam_d_continuous=0.5)
    for update, a, b in ((49, 0.5, 0), (50, 0.1, 0), (60, 0.1, 0.02)):
        w = weights_at(update, prior, loss)
        assert w.lam == pytest.approx({"cat": 2, "a": a, "b": b})
        assert w.lam_D == pytest.approx({"cat": 2, "a": a / 2, "b": b / 2})


def test_categorical_codes_have_their_own_share_in_the_d_step():
    prior = Prior.parse("cat3@2 + a:u@0.5")
    w = weights_at(7, prior, LossConfig(lam_d_categorical=0.1, lam_ramp=10))
    assert w.lam == pytest.approx({"cat": 1.4, "a": 0.5})
    assert w.lam_D == pytest.approx({"cat": 0.14, "a": 0.5})


def test_look_alikes_count_until_their_update():
    prior, loss = Prior.parse("cat3 + u"), LossConfig(alike=0.3, alike_until=50)
    assert weights_at(49, prior, loss).alike == 0.3
    assert weights_at(50, prior, loss).alike == 0


def test_instance_noise_is_let_down_evenly():
    loss = LossConfig(instance_noise=0.6, instance_noise_until=100, instance_noise_to=0.1)
    for update, sigma in ((0, 0.6), (50, 0.35), (100, 0.1), (999, 0.1)):
        assert noise_at(update, loss) == pytest.approx(sigma)
    assert noise_at(999, LossConfig(instance_noise=0.6)) == 0.6  # it stays
    assert noise_at(0, LossConfig()) == 0


@pytest.mark.parametrize("every", [1, 4])
def test_lazy_r1_is_the_same_in_the_mean(every):
    prior, loss = Prior.parse("u"), LossConfig(r1=0.5, r1_every=every)
    weights = [weights_at(update, prior, loss).r1 for update in range(8)]
    assert sum(weights) / 8 == 0.5
    assert sum(w > 0 for w in weights) == 8 / every
