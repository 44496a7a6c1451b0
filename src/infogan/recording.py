"""CUDA graphs: what a GPU is told of an objective's gradient, recorded once and played again.

A step of small nets is some thousand kernels that are busy for a tenth of the time in which Python
and torch launch them one by one. Recorded, they are launched as one: the same kernels in the same
order, and so the same numbers.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

Given = Mapping[str, Any]  # tensors by name, None, or such mappings again
Terms = dict[str, Tensor]
Objective = Callable[[Given], tuple[Tensor, Terms]]

WARM_UP = 3  # computations before one is recorded: by then libraries are loaded, kernels chosen
MOST = 8  # recordings that are kept: of each player, with R1 and without, of a phase and the next


class Recorder:
    """Recordings of one state's gradients, by what they depend on beside tensors.

    What is recorded is played with other tensors in the same places; whatever else an objective
    looks at, numbers and branches, is part of the recording, and so must be part of its key.
    """

    def __init__(self) -> None:
        self.refused = ""
        self._times: Counter[Hashable] = Counter()
        self._kept: dict[Hashable, Recording] = {}
        self._pool: Any = None

    def recording(
        self, key: Hashable, objective: Objective, given: Given, parameters: Sequence[Tensor]
    ) -> "Recording | None":
        """The recording of this key, made now if it is time; None while it is to be computed.

        Args:
            key: All that the objective looks at but tensors.
            objective: given ↦ (loss, terms).
            given: Its tensors, on the GPU.
            parameters: Which get a gradient; none of them has one now.
        """
        key = (key, *_likeness(given))
        if key in self._kept:
            self._kept[key] = found = self._kept.pop(key)  # the last one used goes last
            return found
        self._times[key] += 1
        if self.refused or self._times[key] <= WARM_UP:
            return None
        self._pool = self._pool or _pool()
        try:
            made = Recording(objective, given, parameters, self._pool)
        except RuntimeError as e:  # a network of someone else's may look at a number
            self.refused = str(e).splitlines()[0]
            for p in parameters:
                p.grad = None
            return None
        if len(self._kept) == MOST:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = made
        return made


class Recording:
    """An objective's value, terms and gradient, as launched once.

    Args:
        objective: given ↦ (loss, terms); the same tensors of the model at each playing.
        given: What it is recorded on, copied.
        parameters: Which get a gradient.
        pool: Memory that recordings share: they are played one after another.
    """

    def __init__(
        self, objective: Objective, given: Given, parameters: Sequence[Tensor], pool: Any
    ) -> None:
        self.given, self.parameters = _copied(given), parameters
        self.names: list[str] = []
        self.values = torch.empty(0)
        self.gradients: list[Tensor | None] = []

        def launch() -> None:
            loss, terms = objective(self.given)
            loss.backward()  # type: ignore[no-untyped-call]
            self.names = list(terms)
            self.values = torch.stack([value.detach().float() for value in (loss, *terms.values())])
            self.gradients = [p.grad for p in parameters]

        self._play = _recorded(launch, pool)

    def play(self, given: Given) -> tuple[Tensor, Terms]:
        """Loss and terms for other tensors, detached; the parameters, which had none, have their
        gradients then."""
        torch._foreach_copy_([*_tensors(self.given)], [*_tensors(given)], non_blocking=True)
        self._play()
        for p, gradient in zip(self.parameters, self.gradients, strict=True):
            p.grad = gradient
        loss, *terms = self.values.clone()
        return loss, dict(zip(self.names, terms, strict=True))


def _pool() -> Any:
    return torch.cuda.graph_pool_handle()


def _recorded(launch: Callable[[], None], pool: Any) -> Callable[[], None]:
    """Launch without computing anything; what computes it."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, pool=pool):
        launch()
    return graph.replay


def _tensors(given: Given) -> Iterator[Tensor]:
    for value in given.values():
        if isinstance(value, Tensor):
            yield value
        elif value is not None:
            yield from _tensors(value)


def _copied(given: Given) -> Given:
    return {
        name: value.clone() if isinstance(value, Tensor) else value and _copied(value)
        for name, value in given.items()
    }


def _likeness(given: Given) -> Iterator[Hashable]:
    """Names, and of each tensor what is not its numbers."""
    for name, value in given.items():
        if isinstance(value, Tensor):
            yield name, value.dtype, tuple(value.shape), value.stride()
        else:
            yield name, value if value is None else (*_likeness(value),)
