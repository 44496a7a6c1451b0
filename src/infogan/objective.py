"""What D and Q, and G, minimize: min_{G,Q} max_D V(D, G) − λ L_I(G, Q)  (Chen et al. 2016, eq. 6).

Every function gives its formula as it stands, in nats; the sign turns where a loss is formed.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.distributions import Distribution

from infogan.adversarial import ADVERSARIAL, gp, r1, r2
from infogan.codes import probs
from infogan.model import InfoGAN
from infogan.networks.layers import apart
from infogan.pairs import alike_information, pair_information
from infogan.prior import Prior
from infogan.processes import gathered, total
from infogan.weights import Weights

NONE = -1  # in place of a category that nobody votes for
Changed = Callable[[Tensor], Tensor]


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


def objective_D(
    model: InfoGAN,
    x: Tensor,
    x_aug: Tensor | None,
    fake: Tensor,
    c: Mapping[str, Tensor],
    w: Weights,
    t: Tensor | None = None,
    r_bar: Mapping[str, Tensor] | None = None,
    x_near: Tensor | None = None,
    T: Changed | None = None,
    voted: Mapping[str, Tensor] | None = None,
    read: Mapping[str, Tensor] | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """What the trunk and both heads minimize.

    −V_D(D, G) − Σ_i λ_i L_I(c_i) − pairs I_m − votes E[ln Q(k|x')] − components E[ln Q(u|x)]
    − alike Σ_i (I_i − T_i) + penalties,   λ = w.lam_D

    Real, generated and augmented images go through the trunk apart: batch norm must not mix them.
    D judges T(x) and T(G(z, c)); Q reads the images as they are.

    Args:
        model: In training mode.
        x: Real images (n, C, H, W).
        x_aug: Their augmented copies, where the pair term is on.
        fake: G(z, c), detached (n, C, H, W).
        c: The codes of `fake`.
        w: The weights.
        t: Where between x and `fake` the gradient penalty looks, as `gp` takes it; for that alone.
        r_bar: r̄ of each categorical code (K,), for I_m; moved on in place, as batch norm moves its
            statistics. None: each batch's own r.
        x_near: Look-alikes of the first m of x (m, C, H, W), for the information on those.
        T: Change of all images that D judges (DiffAugment); None: they stay as they are.
        voted: k, the category that the images nearest to each of x have, by code (n,), -1 where
            none is said: the votes then take the place of I_m.
        read: u, what a scout read from each of x, by continuous code (n, d): this then takes the
            place of the information on look-alikes.

    Returns:
        The loss, and its terms by name.
    """
    V = ADVERSARIAL[w.loss.adversarial]
    pairs = [] if x_aug is None or not w.loss.pairs or w.plain else [x_aug]
    judged = (T(x), T(fake)) if T else ()
    h_real, h_fake, *others = apart(model.trunk, [x, fake, *pairs, *judged])
    h_aug = others[: len(pairs)]
    D_real, D_fake = (_logit(model, h) for h in others[len(pairs) :] or (h_real, h_fake))
    terms = {"loss_D": V.d(D_real, D_fake)}

    lam = dict.fromkeys(w.lam_D, 1.0) if w.plain else w.lam_D
    q = model.prior.q(model.Q(h_fake.detach() if w.plain else h_fake))
    bound = L_I(model.prior, q, c)
    terms |= {f"L_I.{name}": value for name, value in bound.items()}
    loss = terms["loss_D"] - sum(lam[name] * bound[name] for name in bound)

    if pairs and voted:
        found = _votes(model, h_aug[0], voted)
        terms |= found
        loss = loss - w.loss.votes * sum(found.values())
    elif pairs:
        for name, I_m in _pairs(model, h_real, h_aug[0], w, r_bar).items():
            terms[f"I_pairs.{name}"] = I_m
            loss = loss - w.loss.pairs * I_m

    if read and not w.plain:
        found = _components(model, h_real, read)
        terms |= found
        loss = loss - w.loss.components * sum(found.values())
    elif x_near is not None and w.alike and model.prior.continuous and not w.plain:
        information, told = _alike(model, h_real, x_near)
        terms |= {f"I_alike.{name}": value for name, value in information.items()}
        loss = loss - w.alike * (sum(information.values()) - told)

    if w.r1 or w.loss.r2 or w.loss.gp:
        with torch.autocast(x.device.type, enabled=False):

            def D(images: Tensor) -> Tensor:
                # forward: torch.compile's code has no second derivatives
                return _logit(model, model.trunk.forward(images))

            x, fake = judged or (x, fake)
            if w.r1:
                terms["r1"] = r1(D, x, model.unit)
                loss = loss + w.r1 * terms["r1"]
            if w.loss.r2:
                terms["r2"] = r2(D, fake, model.unit)
                loss = loss + w.loss.r2 * terms["r2"]
            if w.loss.gp:
                assert t is not None, "the gradient penalty needs t"
                terms["gp"] = gp(D, x, fake, t, model.unit)
                loss = loss + w.loss.gp * terms["gp"]
    return loss, terms


def objective_G(
    model: InfoGAN,
    fake: Tensor,
    c: Mapping[str, Tensor],
    w: Weights,
    x: Tensor | None = None,
    T: Changed | None = None,
    owned: Tensor | None = None,
    told: Tensor | None = None,
) -> tuple[Tensor, dict[str, Tensor]]:
    """What G minimizes: V's part of G − Σ_i λ_i L_I(c_i) − alone A − contrast L_C.

    Args:
        model: In training mode, its trunk and heads frozen.
        fake: G(z, c) with gradient (n, C, H, W).
        c: Its codes.
        w: The weights.
        x: Real images, for a form of the game whose G looks at them.
        T: As in `objective_D`.
        owned: A, what one code makes of each place by itself, as `alone` gives it.
        told: L_C of pairs of G's images that share a code.

    Returns:
        The loss, and its terms by name.
    """
    V = ADVERSARIAL[w.loss.adversarial]
    h = model.trunk(fake)
    D_fake = _logit(model, model.trunk(T(fake)) if T else h)
    D_real = None
    if V.needs_real and x is not None:
        D_real = _logit(model, model.trunk(T(x) if T else x))
    terms = {"loss_G": V.g(D_fake, D_real)}
    if w.plain:
        return terms["loss_G"], terms
    bound = L_I(model.prior, model.prior.q(model.Q(h)), c)
    loss = terms["loss_G"] - sum(w.lam[name] * bound[name] for name in bound)
    if owned is not None:
        terms["alone"] = owned
        loss = loss - w.alone * owned
    if told is not None:
        terms["L_C"] = told
        loss = loss - w.contrast * told
    return loss, terms


def objective_Q(
    model: InfoGAN,
    x_aug: Tensor,
    fake: Tensor,
    c: Mapping[str, Tensor],
    w: Weights,
    voted: Mapping[str, Tensor],
) -> tuple[Tensor, dict[str, Tensor]]:
    """What trunk and Q minimize when the game is over and G rests.

    −votes E[ln Q(k|x')] − Σ_i λ_i L_I(c_i),   λ = w.lam

    Real and generated images go through the trunk as one batch: there is no D that their statistics
    could tell them apart to, and batch norm has those that a kept model has.

    Args:
        model: In training mode.
        x_aug: Augmented copies of real images (n, C, H, W).
        fake: G(z, c), detached (n, C, H, W).
        c: Its codes.
        w: The weights.
        voted: k, the category that the images nearest to the original of each copy have, by code.

    Returns:
        The loss, and its terms by name.
    """
    h_aug, h_fake = model.trunk(torch.cat([x_aug, fake])).split([len(x_aug), len(fake)])
    bound = L_I(model.prior, model.prior.q(model.Q(h_fake)), c)
    found = _votes(model, h_aug, voted)
    told = torch.stack([w.lam[name] * nats for name, nats in bound.items()]).sum()
    voted_for = torch.stack(list(found.values())).sum()
    terms = {f"L_I.{name}": value for name, value in bound.items()} | found
    return -told - w.loss.votes * voted_for, terms


def _votes(model: InfoGAN, h_aug: Tensor, voted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """E[ln Q(k|x')] of each categorical code, from the copies' features; 0 where there is no k."""
    q = model.prior.q(model.Q(h_aug))
    return {
        f"votes.{name}": (q[name].log_prob(k.clamp_min(0)) * (k != NONE)).mean()
        for name, k in voted.items()
    }


def _pairs(
    model: InfoGAN, h: Tensor, h_aug: Tensor, w: Weights, r_bar: Mapping[str, Tensor] | None
) -> dict[str, Tensor]:
    """I_m of each categorical code, between images and their copies; r̄ moves on."""
    found = {}
    q, q_aug = (model.prior.q(model.Q(features)) for features in (h, h_aug))
    for code in model.prior.categorical:
        # P is a mean of products, and I_m no mean over the batch: it takes all processes' rows
        p, p_aug = (gathered(probs(q_[code.name])) for q_ in (q, q_aug))
        running = r_bar[code.name] if r_bar else None
        pi = code.probabilities.to(p) if code.p else None
        if running is not None:
            r = torch.cat([p, p_aug]).detach().to(running).mean(0)
            running.lerp_(r, 1 - w.loss.pairs_memory)
        found[code.name] = pair_information(p, p_aug, w.loss.pairs_m, running, pi)
    return found


def _components(model: InfoGAN, h: Tensor, read: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """E[ln Q(u|x)] of each continuous code, from the images' features; it moves Q's head alone."""
    q = model.prior.q(model.Q(h.detach()))
    return {f"components.{name}": q[name].log_prob(u).mean() for name, u in read.items()}


def _alike(model: InfoGAN, h: Tensor, x_near: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """I of each continuous coordinate on look-alikes, and the sum of T; they move Q's head alone.

    A trunk that hears of slant before it tells digits sorts the categories by slant.
    """
    prior = model.prior
    with torch.no_grad():
        h_near = model.trunk(x_near)
    q, q_near = (prior.q(model.Q(features)) for features in (h.detach(), h_near))
    u, u_near = (torch.cat([q_[c.name].mean for c in prior.continuous], 1) for q_ in (q, q_near))
    p = probs(q[prior.categorical[0].name]) if prior.categorical else torch.ones_like(u[:, :1])
    u, u_near, p = gathered(u), gathered(u_near, total(len(u_near))), gathered(p.detach())
    names = [coordinate for code in prior.continuous for coordinate in code.coordinates]
    information, told = alike_information(u, u_near, p)
    return dict(zip(names, information, strict=True)), told.sum()


def _logit(model: InfoGAN, h: Tensor) -> Tensor:
    """D's logit (n,), in at least float32."""
    logit: Tensor = model.D(h).squeeze(1)
    return logit if logit.dtype == torch.float64 else logit.float()
