"""The report says what training supposed of real images, and nothing that it did not."""

import pytest

from infogan.config import from_yaml, recipe
from infogan.prior import Prior
from infogan.supposed import supposed


def said(name, text="{}"):
    config = from_yaml(text, "test", recipe(name))
    return supposed(config, Prior.parse(config.codes))


def test_all_that_the_recipe_asks_of_real_images_is_said():
    page = said("mnist")
    for part in (
        "turned by up to 15°",
        "at the end warped by 10% of its half",
        "without a band along one side in 50%",
        "a 6 turned by half is a 9",
        "Kinds are as frequent as P(c) says",
        "Up to update 600",
        "Mistakes are scattered",
        "one rarer than 1 in 50",
        "--loss.components 0",
    ):
        assert part in page, part


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("loss: {votes: 0}", "warped"),
        ("loss: {votes: 0}", "scattered"),
        ("loss: {votes: 0}", "scout"),
        ("train: {scout_updates: 0}", "scout"),
        ("train: {scout_updates: 0}", "slider"),
        ("loss: {components: 0}", "slider"),
        ("loss: {pairs_m: 1}", "frequent"),
        ("codes: 'z62 + digit:cat10(learned) + 2u'", "frequent"),
        ("augment: {neighbours_until: 0}", "looks alike"),
    ],
)
def test_what_is_turned_off_is_not_said(text, part):
    assert part in said("mnist")
    assert part not in said("mnist", text)


def test_the_papers_game_supposes_nothing():
    assert said("mnist-paper") == ""
    assert said("mnist", "loss: {pairs: 0}") == ""
    assert said("mnist", "objective: gan") == ""


def test_what_colours_are_not_supposed_to_say():
    assert "colour" not in said("mnist")
    page = said("mnist", "augment: {colour: 0.5}")
    assert "Light and colour do not tell kinds apart" in page
    assert "scouts saw the pattern" in page
    assert "the nearest by its pattern of light and dark" in page
    alone = said("mnist", "{augment: {colour: 0.5}, train: {scout_updates: 0}}")
    assert "Light and colour" in alone
    assert "scouts saw" not in alone
