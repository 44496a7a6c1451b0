"""Which of many small categories are one kind: the grouping that keeps most information."""

import itertools

import numpy as np
from numpy.typing import NDArray

TRIES = 20  # ways to begin the search
UNEVEN = (0.5, 0.7, 0.9)  # m below 1, which joins to groups of any size: more ways for a given P(c)
GAIN = 1e-9  # nats; less is rounding
CLEARLY = 1.3  # times as many look-alikes: 1.5 to 4.7 where MNIST's barred sevens were with twos or
# nines, or a mixture of threes and fives was with the rarer; once 1.1 where the grouping was right

Joint = NDArray[np.float64]
Grouping = NDArray[np.int64]


def joint_information(P: Joint, m: float, pi: Joint | None = None) -> float:
    """What `pairs.pair_information` is at r̄ = r:

    I_m(P) = Σ_kl P_kl ln P_kl − 2 m Σ_k r_k ln r_k + (2m − 1) Σ_k r_k ln(K π_k).

    Args:
        P: The joint of the categories of an image and of its copy (K, K), symmetric, sum 1.
        m: Weight on the marginal r.
        pi: P(c) (K,); None: uniform, and the last sum is 0.
    """
    value = float(_of_each(P, m))
    return value if pi is None else value + (2 * m - 1) * float(P.sum(1) @ np.log(len(pi) * pi))


def joined(P: Joint, groups: Grouping, K: int) -> Joint:
    """P^g_kl = Σ_{i in k, j in l} P_ij: the joint of K groups of M categories.

    Its mutual information is never more than that of P (m = 1): joining loses.

    Args:
        P: (M, M).
        groups: The group of each category, (M,), 0 … K−1.
        K: How many groups.
    """
    member = np.eye(K)[groups]  # (M, K)
    together: Joint = member.T @ P @ member
    return together


def best_grouping(P: Joint, K: int, m: float, seed: int, pi: Joint | None = None) -> Grouping:
    """argmax_g I_m(P^g), over all ways to join M categories to K groups, as far as a search finds.

    From the M categories, joining the two that lose least until K are left, and from random
    groupings; then a category at a time goes where it adds most, until none does, and of the best
    two at a time change places.

    Args:
        P: The joint of M ≥ K categories (M, M), symmetric.
        K: How many groups.
        m: As in I_m; with m > 1 groups are about as large as P(c) says, of equal size if uniform.
        seed: Of the random groupings.
        pi: P(c) (K,): which group is which then matters too. None: uniform.

    Returns:
        The group of each category, (M,), each of 0 … K−1 at least once.
    """
    rng = np.random.default_rng(seed)
    beginnings = [_agglomerated(P, K, how) for how in (m, *(UNEVEN if pi is not None else ()))]
    for _ in range(TRIES - 1):
        groups = rng.integers(K, size=len(P))
        groups[rng.permutation(len(P))[:K]] = np.arange(K)
        beginnings.append(groups)
    found = [_improved(P, groups, K, m, pi) for groups in beginnings]
    best = max(found, key=lambda groups: float(_of_each(joined(P, groups, K), m, pi)))
    return _numbered(P, _exchanged(P, best, K, m, pi), pi)


def margins(
    P: Joint, groups: Grouping, K: int, m: float, pi: Joint | None = None
) -> tuple[Joint, Grouping]:
    """How sure the group of each category is: what I_m(P^g) loses when it goes to the next best
    one, for each of its images; and which that is.

    Δ_i = min_{k ≠ g(i)} (I_m(P^g) − I_m(P^{g: i → k})) / r_i

    Args:
        P: The joint of M categories (M, M).
        groups: The group of each, (M,), as `best_grouping` gives them.
        K: How many groups.
        m: As there.
        pi: As there.

    Returns:
        Δ (M,), in nats, >= 0, and the next best group of each, (M,); for the only category of its
        group infinite, and its own.
    """
    whole, sure = joint_information(joined(P, groups, K), m, pi), np.full(len(P), np.inf)
    rival = groups.copy()
    for i, own in enumerate(groups):
        if (groups == own).sum() == 1:
            continue
        others = [k for k in range(K) if k != own]
        tried = np.tile(groups, (K - 1, 1))
        tried[:, i] = others
        kept = [joint_information(joined(P, other, K), m, pi) for other in tried]
        rival[i] = others[int(np.argmax(kept))]
        sure[i] = (whole - max(kept)) / max(P[i].sum(), np.finfo(float).tiny)
    return sure, rival


def reconsidered(
    groups: Grouping, rivals: Grouping, doubtful: Grouping, alike: Joint, sizes: Grouping
) -> tuple[Grouping, Grouping]:
    """Where a category goes that P leaves in doubt: to its rival, if look-alikes clearly say so.

    Category i goes where Σ_{j in rival} A_ij > 1.3 Σ_{j in own} A_ij, one after another. It stays
    where it has most of its group's images: then few of that kind are outside of it.

    Args:
        groups: The group of each of M categories, (M,).
        rivals: The next best, (M,), as `margins` gives them.
        doubtful: Which categories are in doubt, (d,).
        alike: A (M, M): of the look-alikes of i's images, all outside of i, how many are in j.
        sizes: Images of each category, (M,).

    Returns:
        Groups and rivals, (M,) each; for a category that went its first group is the rival.
    """
    groups, rivals = groups.copy(), rivals.copy()
    for i in doubtful:
        own, rival = groups == groups[i], groups == rivals[i]
        clear = alike[i, rival].sum() > CLEARLY * alike[i, own].sum()
        if clear and 2 * sizes[i] <= sizes[own].sum():
            groups[i], rivals[i] = rivals[i], groups[i]
    return groups, rivals


def _of_each(P: Joint, m: float, pi: Joint | None = None) -> Joint:
    """I_m of each joint of a stack (..., K, K); with P(c) of that numbering which has most."""
    r = P.sum(-1)
    value: Joint = _x_ln_x(P).sum((-2, -1)) - 2 * m * _x_ln_x(r).sum(-1)
    # Σ r_k ln π_k is greatest where the largest group is the most frequent category, and so on
    return value if pi is None else value + (2 * m - 1) * np.sort(r) @ np.log(len(pi) * np.sort(pi))


def _numbered(P: Joint, groups: Grouping, pi: Joint | None) -> Grouping:
    """The same groups, numbered as `_of_each` has it; where P(c) is uniform, as they are."""
    if pi is None:
        return groups
    r, number = np.bincount(groups, P.sum(1), len(pi)), np.empty(len(pi), dtype=groups.dtype)
    number[r.argsort(kind="stable")] = pi.argsort(kind="stable")
    return number[groups]


def _agglomerated(P: Joint, K: int, m: float) -> Grouping:
    groups = np.arange(len(P))
    while len(P) > K:
        # what is left of I_m when k and l are joined, less I_m: rows and columns become one
        r, n = P.sum(1), len(P)
        rows = P[:, None, :] + P[None, :, :]  # (n, n, n): the row of k and l together
        change = 2 * (_x_ln_x(rows).sum(2) - _x_ln_x(P).sum(1)[:, None] - _x_ln_x(P).sum(1))
        k, l = np.triu_indices(n, 1)
        kk, ll, kl = P[k, k], P[l, l], P[k, l]
        change = change[k, l] - 2 * (_x_ln_x(kk + kl) + _x_ln_x(ll + kl))
        change += _x_ln_x(kk) + _x_ln_x(ll) + 2 * _x_ln_x(kl) + _x_ln_x(kk + ll + 2 * kl)
        change -= 2 * m * (_x_ln_x(r[k] + r[l]) - _x_ln_x(r[k]) - _x_ln_x(r[l]))
        best = int(change.argmax())
        number = np.arange(n)
        number[l[best]] = k[best]
        number = np.unique(number, return_inverse=True)[1]
        P, groups = joined(P, number, n - 1), number[groups]
    return groups


def _improved(P: Joint, groups: Grouping, K: int, m: float, pi: Joint | None) -> Grouping:
    groups = groups.copy()
    moved = True
    while moved:
        moved = False
        for i, own in enumerate(groups):
            if (groups == own).sum() == 1:
                continue
            to = np.bincount(groups, P[i], K)  # (K,)
            to[own] -= P[i, i]
            without = joined(P, groups, K)
            without[own] -= to
            without[:, own] -= to
            without[own, own] -= P[i, i]
            tried = np.repeat(without[None], K, 0)  # (K, K, K): i in each of the groups
            k = np.arange(K)
            tried[k, k] += to
            tried[k, :, k] += to
            tried[k, k, k] += P[i, i]
            value = _of_each(tried, m, pi)
            best = int(np.argmax(value))
            if value[best] > value[own] + GAIN:
                groups[i], moved = best, True
    return groups


def _exchanged(P: Joint, groups: Grouping, K: int, m: float, pi: Joint | None) -> Grouping:
    """Two categories change groups where that adds something, until no two do."""
    best = float(_of_each(joined(P, groups, K), m, pi))
    moved = True
    while moved:
        moved = False
        for i, j in itertools.combinations(range(len(P)), 2):
            if groups[i] == groups[j]:
                continue
            tried = groups.copy()
            tried[[i, j]] = groups[[j, i]]
            value = float(_of_each(joined(P, tried, K), m, pi))
            if value > best + GAIN:
                groups, best, moved = tried, value, True
    return groups


def _x_ln_x(p: Joint) -> Joint:
    """With 0 ln 0 = 0; differences of sums may be a rounding below 0."""
    p = np.maximum(p, 0.0)
    value: Joint = p * np.log(np.maximum(p, np.finfo(float).tiny))
    return value
