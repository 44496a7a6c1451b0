"""What training on real images supposed of them, for the report: each thing with its flag."""

from infogan.config import Config
from infogan.prior import Prior
from infogan.scout import small_categories
from infogan.step import sends_scouts
from infogan.update import has_pairs


def supposed(config: Config, prior: Prior) -> str:
    """A section of HTML; empty where nothing was asked of real images but that G's look like them.

    Args:
        config: The run's settings.
        prior: Its codes.
    """
    if not has_pairs(config, prior):
        return ""
    a, loss, scouts = config.augment, config.loss, sends_scouts(config, prior)
    said = [
        f"<b>Such changes keep the kind.</b> A real image and a copy of it, {_changes(config)}, "
        "were to fall in one category. Where such a change alters the meaning (a 6 turned by half "
        "is a 9), turn it off: <code>--augment.rotation 0</code>, and so <code>shear</code>, "
        "<code>scale</code>, <code>shift</code>, <code>warp</code>, <code>erase</code>."
    ]
    if a.colour:
        eyes = ", and scouts saw the pattern of light and dark alone" if scouts else ""
        said.append(
            "<b>Light and colour do not tell kinds apart.</b> Copies were in another light"
            f"{eyes}. Where they do: <code>--augment.colour 0</code>."
        )
    fixed = [code.name for code in prior.categorical if not code.learned]
    if fixed and loss.pairs_m > 1:
        said.append(
            f"<b>Kinds are as frequent as P(c) says</b>, for {', '.join(fixed)}: evenly where "
            "nothing else is given. Where some are rarer and nobody knows by how much, "
            "<code>cat10(learned)</code>."
        )
    if a.neighbours_until:
        alike = "pattern of light and dark" if a.patterns else "pixels"
        said.append(
            f"<b>What looks alike is mostly of one kind.</b> Up to update {a.neighbours_until:,} "
            "the copies of half of the images were made of another image, the nearest by its "
            f"{alike}: <code>--augment.neighbours-until 0</code>."
        )
    if loss.votes:
        said.append(
            "<b>Mistakes are scattered.</b> Q learned what the nearest images, by the trunk's "
            "features, had for a category; a mistake that many neighbours share stays: "
            "<code>--loss.votes 0</code>."
        )
    if scouts:
        parts = small_categories(config.train, prior.categorical[0].k)
        said.append(
            f"<b>Kinds are large enough to find.</b> A scout's {parts} small categories were "
            f"joined to kinds; one rarer than 1 in {parts} has none of its own: "
            "<code>--train.scout-updates 0</code>."
        )
        if loss.components and prior.continuous:
            said.append(
                "<b>What differs most within kinds is what you want on a slider</b>, in the "
                "features of the scout: <code>--loss.components 0</code>."
            )
    items = "".join(f"<li>{sentence}</li>" for sentence in said)
    return f"<h2>What training supposed</h2><ul>{items}</ul>"


def _changes(config: Config) -> str:
    """What is done to a copy, in words."""
    a = config.augment
    words = (
        f"turned by up to {a.rotation:g}°, sheared by {a.shear:g}, zoomed by {a.scale:.0%}, moved "
        f"by {a.shift:.0%} of the side"
    )
    last = a.at(config.train.updates, voted=bool(config.loss.votes))
    if last.warp:
        words += f", at the end warped by {a.warp:.0%} of its half"
    if last.erase:
        words += f", at the end without a band along one side in {a.erase:.0%}"
    return words + ", changed a little where Q heeds it most" * bool(a.adversarial)
