"""Which part of what generated images differ in is made by each code."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from infogan.model import InfoGAN

PAIRS = 500
AT_ONCE = 250  # pairs under way, with all their variants
NOISE = "z"  # no code is called so


def variance(model: InfoGAN, n: int = PAIRS, seed: int = 0) -> dict[str, Any]:
    """Sobol's indices of G's images, by pairs of draws v, v' of (z, c). No label is looked at.

    variance.CODE.alone = S_i = 1 − E‖G(v) − G(v'_i←v)‖² / E‖G(v) − G(v')‖²
    variance.CODE.in_all = T_i =    E‖G(v) − G(v_i←v')‖² / E‖G(v) − G(v')‖²
    variance.together   = 1 − Σ S_i, over the codes and z

    v'_i←v is v' with code i of v. S_i is the variance of E[x | c_i] over that of x, T_i the same of
    what is left when all but c_i is known: S_i ≤ T_i, Σ S_i ≤ 1 ≤ Σ T_i, and all are equal where
    G is a sum of what each code does (Sobol 1993; T_i by Jansen 1999). Variances are summed over
    pixels; over vectors each coordinate is in units of its spread.

    Args:
        model: Trained.
        n: Pairs.
        seed: Of the draws.

    Returns:
        Those of each code, and of z where there is any; nothing where G's images do not vary.
    """
    z, c = model.prior.sample(2 * n, torch.Generator().manual_seed(seed))
    parts = {name: value.chunk(2) for name, value in c.items()}
    if model.prior.noise:
        parts[NOISE] = z.chunk(2)
    sums = torch.zeros(1 + 2 * len(parts), dtype=torch.float64)
    for at in range(0, n, AT_ONCE):
        v, w = ({k: p[i][at : at + AT_ONCE] for k, p in parts.items()} for i in (0, 1))
        x, y = _images(model, v), _images(model, w)
        sums[0] += _distance(x, y)
        for i, name in enumerate(parts):
            sums[1 + 2 * i] += _distance(x, _images(model, {**w, name: v[name]}))
            sums[2 + 2 * i] += _distance(x, _images(model, {**v, name: w[name]}))
    if not sums[0]:
        return {}
    shares = (sums[1:] / sums[0]).tolist()
    out: dict[str, Any] = {}
    for name, left, moved in zip(parts, shares[::2], shares[1::2], strict=True):
        out[f"variance.{name}.alone"] = 1 - left
        out[f"variance.{name}.in_all"] = moved
    out["variance.together"] = 1 - sum(out[f"variance.{name}.alone"] for name in parts)
    return out


def _images(model: InfoGAN, of: Mapping[str, Tensor]) -> Tensor:
    """G(z, c), each number in the unit in which it is compared."""
    some = next(iter(of.values()))
    z = of[NOISE] if NOISE in of else torch.empty(len(some), 0)
    x = model.decode(z, {name: value for name, value in of.items() if name != NOISE})
    return x / model.unit


def _distance(x: Tensor, y: Tensor) -> Tensor:
    """Σ ‖x − y‖²."""
    return (x - y).double().square().sum().cpu()


def in_words(metrics: Mapping[str, Any]) -> list[str]:
    """What each code makes, the most first."""
    names = [key.split(".")[1] for key in metrics if key.endswith(".in_all")]
    if not names:
        return []
    alone = {name: metrics[f"variance.{name}.alone"] for name in names}
    told = [f"{n} {alone[n]:.0%}" for n in sorted(names, key=lambda n: -alone[n])]
    return [
        f"of what generated images differ in, {', '.join(told)} alone, "
        f"{metrics['variance.together']:.0%} several together"
    ]
