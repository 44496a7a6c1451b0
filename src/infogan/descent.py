"""Following the gradient of an objective, once: computed, or played from a recording."""

from collections.abc import Hashable, Mapping

import torch
from torch import Tensor

from infogan import processes
from infogan.errors import InfoganError
from infogan.recording import Given, Objective
from infogan.state import State, parameters_in


class NonFinite(InfoganError):
    """A term of the objective, or a weight, became infinite or NaN."""


def follow(
    state: State,
    adam: torch.optim.Adam,
    objective: Objective,
    given: Given,
    key: Hashable | None = None,
) -> dict[str, Tensor]:
    """Follow an objective's gradient once.

    Args:
        state: Whose update this is.
        adam: Of the parameters that move.
        objective: given ↦ (loss, terms).
        given: Its tensors.
        key: All that it looks at but tensors, if it may be recorded.

    Returns:
        The terms, detached, the means over processes.

    Raises:
        NonFinite: the loss is infinite or NaN; it was not followed.
    """
    parameters, recording = parameters_in(adam), None
    adam.zero_grad(set_to_none=True)
    if key is not None and state.recorder:
        recording = state.recorder.recording(key, objective, given, parameters)
    loss, terms = recording.play(given) if recording else objective(given)
    means = processes.average({**terms, "the sum": loss})
    if not torch.isfinite(means.pop("the sum")):
        bad = [name for name, term in means.items() if not torch.isfinite(term)] or ["the sum"]
        raise NonFinite(_not_finite(bad[0], state.update))
    if not recording:
        loss.backward()  # type: ignore[no-untyped-call]
        processes.average_gradients(parameters)
    adam.step()
    return means


def check_finite(flat: Mapping[str, Tensor], update: int) -> None:
    """A gradient can spoil the weights where the loss was still finite: never save that."""
    for name, tensor in flat.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise NonFinite(_not_finite(name, update))


def _not_finite(what: str, update: int) -> str:
    return (
        f"{what} is infinite or NaN at update {update}: training stopped and the last checkpoint "
        "is kept; lower --train.lr-d and --train.lr-g, or the weight of that term"
    )
