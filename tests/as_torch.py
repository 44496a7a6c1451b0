"""A layer of ours beside torch's own."""

import torch


def same_values_and_gradients(ours, theirs, x):
    """Both of the same weights on x: their outputs, and their gradients of x and all weights.

    Returns:
        Our output and our gradients.
    """
    y, right = ours(x), theirs(x)
    torch.testing.assert_close(y, right)
    g = torch.randn_like(right)
    found = torch.autograd.grad(y, [x, *ours.parameters()], g)
    wanted = torch.autograd.grad(right, [x, *theirs.parameters()], g)
    for a, b in zip(found, wanted, strict=True):
        torch.testing.assert_close(a, b)
    return y, found
