"""What the continuous codes have to do with slant, width and stroke thickness: `meaning`, what they
do to generated images; `reading`, what Q reads of them from real ones."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from infogan.codes import probs
from infogan.data import to_float
from infogan.model import InfoGAN


def slant(x: Tensor) -> Tensor:
    """cov_xy / cov_yy of the ink, y upwards: the mean shift to the right per pixel of height.

    0 is upright, positive leans right like /.

    Args:
        x: Images (n, C, H, W), ink bright.

    Returns:
        (n,); NaN for an image without ink or of one row.
    """
    _, cov_xy, cov_yy = _moments(x)
    return cov_xy / cov_yy


def width(x: Tensor) -> Tensor:
    """√(cov_xx − cov_xy² / cov_yy): the spread of the ink along x with the slant taken out, pixels.

    It is what shearing the image upright would leave; a plain extent grows with slant and could
    not be told from it. Args and returns as `slant`.
    """
    cov_xx, cov_xy, cov_yy = _moments(x)
    return (cov_xx - cov_xy.square() / cov_yy).clamp_min(0).sqrt()


def thickness(x: Tensor) -> Tensor:
    """Ink over half its outline, pixels: a long stroke of breadth b has ink b·l and outline 2·l.

    The outline is the total variation Σ‖∇x‖. Args and returns as `slant`.
    """
    ink = x.double().sum(1)  # (n, H, W)
    padded = F.pad(ink, (1, 1, 1, 1))
    across = padded[:, 1:, 1:] - padded[:, 1:, :-1]
    down = padded[:, 1:, 1:] - padded[:, :-1, 1:]
    outline = torch.hypot(across, down).sum((1, 2))
    return 2 * ink.sum((1, 2)) / outline


FACTORS = {"slant": slant, "width": width, "thickness": thickness}
LEAST = 10  # images of a category; of fewer ρ says nothing
AT_ONCE = 1_000  # images measured, whose doubles are eight times their bytes and more


def spearman(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Spearman's ρ, Pearson's correlation of the ranks; 0 where one of the two does not vary."""
    whole = np.isfinite(a) & np.isfinite(b)
    ranks = np.stack([_ranks(a[whole]), _ranks(b[whole])])
    if whole.sum() < 2 or (np.ptp(ranks, axis=1) == 0).any():
        return 0.0
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def _ranks(v: NDArray[np.float64]) -> NDArray[np.float64]:
    """The rank of each value, from 1; equal ones share the mean of theirs."""
    _, place, n = np.unique(v, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = (n.cumsum() - (n - 1) / 2)[place]
    return ranks


def meaning(model: InfoGAN, n: int, seed: int) -> dict[str, Any]:
    """Spearman's ρ between each continuous coordinate and each factor of the images it makes.

    meaning.CODE.FACTOR.rho         = mean over categories of ρ, signed: does the slider lean every
                                      category the same way?
    meaning.CODE.FACTOR.abs         = mean over categories of |ρ|
    meaning.CODE.FACTOR.by_category = ρ in each category

    Categories are those of the first categorical code (one group where there is none); z and all
    other codes are drawn from the prior, so that ρ counts the code against everything else that
    moves the factor.

    Args:
        model: Makes the images.
        n: Images per category.
        seed: Of z and the codes.
    """
    generator = torch.Generator().manual_seed(seed)
    first = model.prior.categorical[:1]
    rho: dict[tuple[str, str], list[float | None]] = {}
    for k in range(first[0].k if first else 1):
        z, c = model.prior.sample(n, generator)
        if first:
            c[first[0].name] = torch.full((n,), k)
        values = _factors(model.decode(z, c).cpu())
        for code in model.prior.continuous:
            for i, coordinate in enumerate(code.coordinates):
                for factor, value in values.items():
                    r = spearman(c[code.name][:, i].double().numpy(), value)
                    rho.setdefault((coordinate, factor), []).append(r)
    return _summary("meaning", rho)


def reading(model: InfoGAN, images: Tensor) -> dict[str, Any]:
    """Spearman's ρ between what Q reads from real images (its mean) and each factor of them.

    reading.CODE.FACTOR.rho, .abs and .by_category as `meaning` has them; categories are those that
    Q gives to at least ten of the images. The others count for nothing, and have None by category;
    where there are no others, nothing is returned.

    Args:
        model: Reads the images.
        images: (N, C, H, W) bytes, held out.
    """
    q = model.infer(images)
    first = model.prior.categorical[:1]
    k = probs(q[first[0].name]).argmax(1) if first else torch.zeros(len(images), dtype=torch.int64)
    values = _factors(images)
    rho: dict[tuple[str, str], list[float | None]] = {}
    for category in range(first[0].k if first else 1):
        of = (k == category).cpu().numpy()
        enough = of.sum() >= LEAST
        for code in model.prior.continuous:
            for i, coordinate in enumerate(code.coordinates):
                u = q[code.name].mean[:, i].double().cpu().numpy()
                for factor, value in values.items():
                    r = spearman(u[of], value[of]) if enough else None
                    rho.setdefault((coordinate, factor), []).append(r)
    return _summary("reading", rho)


def _summary(family: str, rho: Mapping[tuple[str, str], list[float | None]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for (coordinate, factor), by_category in rho.items():
        if not (counted := [r for r in by_category if r is not None]):
            continue
        key = f"{family}.{coordinate}.{factor}"
        out[f"{key}.rho"] = float(np.mean(counted))
        out[f"{key}.abs"] = float(np.mean(np.abs(counted)))
        out[f"{key}.by_category"] = by_category
    return out


def in_words(metrics: Mapping[str, Any], family: str = "meaning") -> list[str]:
    """One sentence per coordinate: `u1 follows slant, ρ = 0.93, the same way in every category`.

    Args:
        metrics: With the numbers of `meaning`, or of `reading`.
        family: Which.
    """
    best: dict[str, tuple[float, str]] = {}
    for key, value in metrics.items():
        if key.startswith(f"{family}.") and key.endswith(".abs"):
            coordinate, factor = key.split(".")[1:3]
            best[coordinate] = max(best.get(coordinate, (0.0, "")), (value, factor))
    sentences = []
    for coordinate, (strength, factor) in best.items():
        rho = metrics[f"{family}.{coordinate}.{factor}.rho"]
        what = coordinate if family == "meaning" else f"{coordinate}, read from real images,"
        if strength < 0.3:
            sentences.append(f"{what} follows none of {', '.join(FACTORS)}: |ρ| ≤ {strength:.2f}")
        elif abs(rho) > 0.9 * strength:
            sentences.append(
                f"{what} follows {factor}, ρ = {rho:.2f}, the same way in every category"
            )
        else:
            sentences.append(
                f"{what} follows {factor}, |ρ| = {strength:.2f} in the mean over categories, "
                f"but not the same way in all (signed mean {rho:.2f})"
            )
    return sentences


def _factors(images: Tensor) -> dict[str, NDArray[np.float64]]:
    """Each factor of images (n, C, H, W), bytes or floats; (n,) each."""
    parts = torch.split(images, AT_ONCE)
    return {
        name: torch.cat([measure(to_float(part)) for part in parts]).numpy()
        for name, measure in FACTORS.items()
    }


def _moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """cov_xx, cov_xy, cov_yy of the ink, x to the right and y upwards, pixels²; (n,) each."""
    ink = x.double().sum(1)  # (n, H, W)
    p = ink / ink.sum((1, 2), keepdim=True)
    y = -torch.arange(ink.shape[1], dtype=torch.float64)[:, None]
    x_ = torch.arange(ink.shape[2], dtype=torch.float64)[None, :]

    def mean(value: Tensor) -> Tensor:
        return (p * value).sum((1, 2), keepdim=True)  # (n, 1, 1)

    dx, dy = x_ - mean(x_), y - mean(y)
    cov = (mean(dx * dx), mean(dx * dy), mean(dy * dy))
    xx, xy, yy = (value.flatten() for value in cov)
    return xx, xy, yy
