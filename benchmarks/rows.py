"""The rows of the ablation in `meaning.py`: a recipe, what is changed, what was predicted."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One setting, to be run over seeds.

    Args:
        name: What the table calls it.
        flags: Of `infogan train`, what differs from the recipe.
        predicted: Written before the first run.
        came_out: Written after the last; empty until then.
        recipe: That it starts from.
    """

    name: str
    flags: tuple[str, ...]
    predicted: str
    came_out: str = ""
    recipe: str = "mnist"


ROWS = [
    Row("the recipe", (), "accuracy 0.988 ± 0.001; slant and width apart in nine of ten."),
    Row(
        "no scout",
        ("--train.scout-updates", "0"),
        "0.987 in four of five, one in ten stuck at 0.93: two digits share two categories.",
    ),
    Row(
        "the game to its end",
        ("--loss.votes-alone-from", "0"),
        "accuracy 0.988 ± 0.001, in three quarters more time.",
    ),
    Row(
        "neither votes nor scout",
        ("--loss.votes", "0"),
        "accuracy 0.984 ± 0.002, one in ten stuck; the sliders as they are.",
    ),
    Row(
        "no real images: the paper's objective",
        ("--loss.pairs", "0", "--loss.alike", "0", "--loss.lam-d-categorical", "1"),
        "accuracy 0.5 to 0.8, L_I 2.29 all the same; sliders are mixtures.",
    ),
    Row(
        "copies of the image itself alone",
        ("--augment.neighbours-until", "0"),
        "below 0.98: what ties a seven with a bar to one without is gone, for the scout too.",
    ),
    Row(
        "no look-alikes for the sliders",
        ("--loss.alike", "0"),
        "accuracy as the recipe's; slant and width apart in one of five.",
    ),
    Row("shear ±0.2", ("--augment.shear", "0.2"), "two of five with digits mixed by slant."),
    Row("m = 1", ("--loss.pairs-m", "1"), "0.986: the scout has told the kinds apart already."),
    Row(
        "the whole λ of the category in D's step",
        ("--loss.lam-d-categorical", "1"),
        "0.985: G holds what is wrong, but less is.",
    ),
    Row("an even softmax at the start", ("--net.q-gain", "1"), "as the recipe: Q is told first."),
    Row("no average of trunk and Q", ("--train.ema-d", "0"), "0.001 less at the end."),
    Row("no norm in the trunk", ("--net.norm", "none"), "below 0.9: categories form late."),
]
