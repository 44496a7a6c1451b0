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
    Row("the recipe", (), "accuracy 0.986 ± 0.001; slant and width apart in seven of ten."),
    Row("no votes", ("--loss.votes", "0"), "accuracy 0.984 ± 0.002; the sliders as they are."),
    Row(
        "no real images: the paper's objective",
        ("--loss.pairs", "0", "--loss.alike", "0", "--loss.lam-d-categorical", "1"),
        "accuracy 0.5 to 0.8, L_I 2.29 all the same; sliders are mixtures.",
    ),
    Row(
        "copies of the image itself alone",
        ("--augment.neighbours-until", "0"),
        "0.975 in the mean, one in five below 0.97: two digits share two categories.",
    ),
    Row(
        "no look-alikes for the sliders",
        ("--loss.alike", "0"),
        "accuracy as the recipe's; slant and width apart in one of five.",
    ),
    Row("shear ±0.2", ("--augment.shear", "0.2"), "two of five with digits mixed by slant."),
    Row("m = 1", ("--loss.pairs-m", "1"), "0.9: two digits in one category in half of the runs."),
    Row(
        "the whole λ of the category in D's step",
        ("--loss.lam-d-categorical", "1"),
        "0.97, one in five below: G holds what is wrong.",
    ),
    Row("an even softmax at the start", ("--net.q-gain", "1"), "0.98, later by 150 updates."),
    Row("no average of trunk and Q", ("--train.ema-d", "0"), "0.001 less at the end."),
    Row("no norm in the trunk", ("--net.norm", "none"), "below 0.9: categories form late."),
]
