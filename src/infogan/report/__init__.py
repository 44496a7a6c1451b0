"""A run as one HTML page that opens offline, with its pictures also as PNG files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from infogan.model import InfoGAN
from infogan.report.page import page
from infogan.report.pictures import pictures
from infogan.run import Run

__all__ = ["report"]


def report(run: Run, model: InfoGAN, metrics: Mapping[str, Any]) -> Path:
    """Write `report.html` and `figures/*.png` into the run.

    Args:
        run: For its log, settings and command.
        model: The trained model.
        metrics: What `infogan evaluate` measured.

    Returns:
        The page's path.
    """
    made = pictures(run, model, metrics)
    if "groups" not in made:  # they may have been taken back
        (run.path / "figures" / "groups.png").unlink(missing_ok=True)
    for name, content in made.items():
        run.write(f"figures/{_filename(name)}.png", content)
    return run.write("report.html", page(run, model, metrics, made))


def _filename(name: str) -> str:
    return name.replace("[", "-").replace("]", "")
