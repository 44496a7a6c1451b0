"""What D and Q, and G, minimize: min_{G,Q} max_D V(D, G) − λ L_I(G, Q)  (Chen et al. 2016, eq. 6).

Every function gives its formula as it stands, in nats; the sign turns where a loss is formed.
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.distributions import Distribution

from infogan.adversarial import ADVERSARIAL, gp, r1, r2
from infogan.codes import log_probs, probs
from infogan.model import InfoGAN
from infogan.networks.layers import apart
from infogan.prior import Prior
from infogan.weights import Weights


def L_I(prior: Prior, q: Mapping[str, Distribution], c: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The variational lower bound on I(c_i; G(z, c)) of each code.

    L_I(G, Q) = E_{c ~ P(c), x ~ G(z,c)} [ln Q(c|x)] + H(c)  ≤  I(c; G(z, c))

    Chen et al. 2016, eq. 4 and 5. A code's dimensions are summed, the batch is averaged.

    Args:
        prior: P(c).
        q: Q(c_i|x) of n generated images, by code.
        c: The codes that they were generated from.

    Returns:
        L_I of each code, in nats, with gradient to Q's parameters and, through x, to G's.
    """
    return {
        code.name: q[code.name].log_prob(c[code.name]).mean() + code.entropy() for code in prior
    }


def pair_information(
    p: Tensor, p_aug: Tensor, m: float = 1.0, r_bar: Tensor | None = None
) -> Tensor:
    """Information between the categories of an image and of its augmented copy, without labels.

    I_m = Σ_kl P_kl ln(P_kl / (r_k r_l)) − 2 (m − 1) Σ_k r_k ln r̄_k
    P = sym(E[p p_augᵀ]),   r = P's marginal,   r̄ = the marginal over many batches

    The first sum is the mutual information of Ji et al. 2019 (IIC), eq. 3. With r̄ = r the second
    is 2 (m − 1) H(r), so that m > 1 weighs more that the categories are used equally, as P(c) says
    they are; the maximum over P is then (2m − 1) ln K. The counts of one batch are never quite
    equal, even where the classes are: with r̄ of many batches only what lasts is pulled back.

    Computed in at least float32: its first signal is of the size of bfloat16's rounding.

    Args:
        p: Q's categories of n real images, (n, K), rows sum to 1.
        p_aug: The same of their augmented copies.
        m: Weight on the marginal; > 0.
        r_bar: r̄ (K,), a constant; None: this batch's own r.

    Returns:
        I_m in nats.
    """
    with torch.autocast(p.device.type, enabled=False):
        if p.dtype != torch.float64:
            p, p_aug = p.float(), p_aug.float()
        tiny = torch.finfo(p.dtype).tiny
        P = joint(p, p_aug)
        r = P.sum(1)  # (K,)
        # 0 ln 0 = 0, and its gradient stays finite
        P_ln_P = P * P.clamp_min(tiny).log()
        r_ln_r = r * r.clamp_min(tiny).log()
        pull = r_ln_r if r_bar is None else r * r_bar.clamp_min(tiny).log()
        # Σ_kl P_kl (ln r_k + ln r_l) = 2 Σ_k r_k ln r_k
        return P_ln_P.sum() - 2 * r_ln_r.sum() - 2 * (m - 1) * pull.sum()


def joint(p: Tensor, p_aug: Tensor) -> Tensor:
    """P = sym(E[p p_augᵀ]) (K, K), the joint of the categories of an image and of its copy."""
    P = p.T @ p_aug / len(p)
    return (P + P.T) / 2


def pair_bound(log_p: Tensor, log_p_aug: Tensor) -> Tensor:
    """InfoGAN's bound once more, with a real image's category as the code and its copy as G(z, c).

    I(k; x') ≥ H(k) + E_x E_{k ~ Q(k|x)} ln Q(k|x')          x' the augmented copy of x

    as `L_I` has it, k ~ Q(k|x) in place of c ~ P(c). This gives the second term, from the image to
    its copy and back, the mean of the two: it is 0 where a copy is sure to keep its category. H(k)
    is `pair_information`'s to hold up. What k is drawn from is a constant, as P(c) is.

    I_m is bilinear in p and p': where Q is sure of both and they differ, the softmax leaves its
    gradient near 0 and the pair stays apart. Here it is p' − p at the logits.

    Args:
        log_p: ln Q(k|x) of n real images, (n, K).
        log_p_aug: The same of their copies.

    Returns:
        ≤ 0, in nats.
    """
    there = (log_p.detach().exp() * log_p_aug).sum(1)
    back = (log_p_aug.detach().exp() * log_p).sum(1)
    return (there + back).mean() / 2


def objective_D(
    model: InfoGAN,
    x: Tensor,
    x_aug: Tensor | None,
    fake: Tensor,
    c: Mapping[str, Tensor],
    w: Weights,
    generator: torch.Generator,
    r_bar: Mapping[str, Tensor] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """What the trunk and both heads minimize.

    −V_D(D, G) − Σ_i λ_i L_I(c_i) − pairs I_m − pairs_bound E ln Q(k|x') + penalties,   λ = w.lam_D

    Real, generated and augmented images go through the trunk apart: batch norm must not mix them.

    Args:
        model: In training mode.
        x: Real images (n, C, H, W).
        x_aug: Their augmented copies, where the pair term is on.
        fake: G(z, c), detached (n, C, H, W).
        c: The codes of `fake`.
        w: The weights.
        generator: For the gradient penalty's interpolation.
        r_bar: r̄ of each categorical code (K,), for I_m; moved on in place, as batch norm moves its
            statistics. None: each batch's own r.

    Returns:
        The loss, and its terms by name.
    """
    V = ADVERSARIAL[w.loss.adversarial]
    pairs = [] if x_aug is None or not w.loss.pairs or w.plain else [x_aug]
    h_real, h_fake, *h_aug = apart(model.trunk, [x, fake, *pairs])
    terms = {"loss_D": V.d(_logit(model, h_real), _logit(model, h_fake))}

    lam = dict.fromkeys(w.lam_D, 1.0) if w.plain else w.lam_D
    q = model.prior.q(model.Q(h_fake.detach() if w.plain else h_fake))
    bound = L_I(model.prior, q, c)
    terms |= {f"L_I.{name}": value for name, value in bound.items()}
    loss = terms["loss_D"] - sum(lam[name] * bound[name] for name in bound)

    if pairs:
        q_real, q_aug = (model.prior.q(model.Q(h)) for h in (h_real, *h_aug))
        for code in model.prior.categorical:
            p, p_aug = probs(q_real[code.name]), probs(q_aug[code.name])
            running = r_bar[code.name] if r_bar else None
            if running is not None:
                r = torch.cat([p, p_aug]).detach().to(running).mean(0)
                running.lerp_(r, 1 - w.loss.pairs_memory)
            terms[f"I_pairs.{code.name}"] = pair_information(p, p_aug, w.loss.pairs_m, running)
            loss = loss - w.loss.pairs * terms[f"I_pairs.{code.name}"]
            if w.pair_bound:
                log_p, log_p_aug = (log_probs(q[code.name]) for q in (q_real, q_aug))
                terms[f"pair_bound.{code.name}"] = pair_bound(log_p, log_p_aug)
                loss = loss - w.pair_bound * terms[f"pair_bound.{code.name}"]

    if w.loss.r1 or w.loss.r2 or w.loss.gp:
        with torch.autocast(x.device.type, enabled=False):

            def D(images: Tensor) -> Tensor:
                return _logit(model, model.trunk(images))

            if w.loss.r1:
                terms["r1"] = r1(D, x)
                loss = loss + w.loss.r1 * terms["r1"]
            if w.loss.r2:
                terms["r2"] = r2(D, fake)
                loss = loss + w.loss.r2 * terms["r2"]
            if w.loss.gp:
                terms["gp"] = gp(D, x, fake, generator)
                loss = loss + w.loss.gp * terms["gp"]
    return loss, terms


def objective_G(
    model: InfoGAN, fake: Tensor, c: Mapping[str, Tensor], w: Weights, x: Tensor | None = None
) -> tuple[Tensor, dict[str, Tensor]]:
    """What G minimizes: V's part of G − Σ_i λ_i L_I(c_i).

    Args:
        model: In training mode, its trunk and heads frozen.
        fake: G(z, c) with gradient (n, C, H, W).
        c: Its codes.
        w: The weights.
        x: Real images, for a form of the game whose G looks at them.

    Returns:
        The loss, and its terms by name.
    """
    V = ADVERSARIAL[w.loss.adversarial]
    h = model.trunk(fake)
    real = _logit(model, model.trunk(x)) if V.needs_real and x is not None else None
    terms = {"loss_G": V.g(_logit(model, h), real)}
    if w.plain:
        return terms["loss_G"], terms
    bound = L_I(model.prior, model.prior.q(model.Q(h)), c)
    return terms["loss_G"] - sum(w.lam[name] * bound[name] for name in bound), terms


def _logit(model: InfoGAN, h: Tensor) -> Tensor:
    """D's logit (n,), in at least float32."""
    logit: Tensor = model.D(h).squeeze(1)
    return logit if logit.dtype == torch.float64 else logit.float()
