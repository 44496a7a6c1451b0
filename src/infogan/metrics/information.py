"""How much of each code can be read from the images that it makes."""

from typing import Any

import torch

from infogan.codes import Categorical, Gaussian, Uniform, probs
from infogan.model import InfoGAN
from infogan.objective import L_I


def information(model: InfoGAN, n: int, seed: int) -> dict[str, Any]:
    """L_I of each code on n fresh images x = G(z, c), z and c from the prior.

    information.CODE.L_I     = mean ln Q(c|x) + H(c), nats; .se is its standard error
    information.CODE.H       = H(c), nats (differential for a continuous code)
    information.CODE.share   = L_I / H(c); may pass 1 for a continuous code, whose H is differential
    information.CODE.R2      = 1 − E(c − μ)² / Var(c), μ = Q's mean, for a continuous code
    information.CODE.confidence = mean of max_k Q(k|x), for a categorical code
    """
    generator = torch.Generator().manual_seed(seed)
    z, c = model.prior.sample(n, generator)
    q = model.read_back(z, c)
    c = {name: value.to(next(model.parameters()).device) for name, value in c.items()}
    bounds = L_I(model.prior, q, c)
    out: dict[str, Any] = {}
    for code in model.prior:
        key = f"information.{code.name}"
        log_q = q[code.name].log_prob(c[code.name])
        out[f"{key}.L_I"] = bounds[code.name].item()
        out[f"{key}.se"] = (log_q.std() / n**0.5).item()
        out[f"{key}.H"] = code.entropy()
        if code.entropy():  # U(0, 1) has none
            out[f"{key}.share"] = bounds[code.name].item() / code.entropy()
        if isinstance(code, Uniform | Gaussian):
            error = (c[code.name] - q[code.name].mean).square().mean()
            out[f"{key}.R2"] = (1 - error / c[code.name].var()).item()
        if isinstance(code, Categorical):
            out[f"{key}.confidence"] = probs(q[code.name]).amax(1).mean().item()
    return out
