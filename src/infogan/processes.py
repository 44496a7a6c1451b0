"""Many processes under `torchrun`: every one computes its rows of each update, the first writes.

All draw the same random numbers, for the whole batch, and process r of n takes rows r, r + n, …;
gradients are averaged after backward. The same seed is then the same run for any n, up to rounding.
Alone, every function here gives back what it got.
"""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.rendezvous import rendezvous

from infogan.errors import InfoganError

# A process that dies closes its connections, which the others notice at once; a machine that
# vanishes closes nothing. Long, since the first process writes samples while the others wait.
PATIENCE = timedelta(minutes=10)
POLL = 0.05  # seconds between two looks at what the first process said
SAID = "infogan/said"  # how many processes had something to say
LEAST = 4  # rows for each process: batch norm needs two, of the look-alikes too, which are half


class Died(InfoganError):
    """Another process of the run is gone."""

    def __init__(self) -> None:
        super().__init__(
            "another process of the run died, or torchrun was told to end, so that this one ends "
            "too; the last checkpoint is whole: go on with --resume, with as many processes as you "
            "like"
        )


@dataclass
class _World:
    """All processes of a run.

    Args:
        rank: Which of them this is; 0 is the first.
        size: How many there are.
        store: A few words that all of them can read.
        device: Where the tensors lie that they exchange.
        turns: How often the first went ahead.
        over: Whether this process knows that another is gone.
    """

    rank: int
    size: int
    store: Any
    device: torch.device
    turns: int = 0
    over: bool = False


_world: _World | None = None


def rank() -> int:
    """Which process this is: 0, the first, alone writes and speaks."""
    return int(os.environ.get("RANK", "0")) if launched() else 0


def launched() -> bool:
    """Whether `torchrun` started this process as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def command() -> list[str]:
    """What begins as many processes: the first words of a command that makes the same again."""
    if not launched():
        return ["infogan"]
    here = os.environ.get("LOCAL_WORLD_SIZE", os.environ["WORLD_SIZE"])
    return ["torchrun", "--nproc-per-node", here, "-m", "infogan"]


def size() -> int:
    """How many processes share each update; 1 before `begin` and after `end`."""
    return _world.size if _world else 1


def begin(device: torch.device) -> None:
    """Meet the other processes, where there are any; they exchange tensors of `device`."""
    global _world  # noqa: PLW0603  (torch.distributed is one for the process too)
    if not launched() or _world:
        return
    store, its_rank, n = next(rendezvous("env://", timeout=PATIENCE))
    backend = "nccl" if device.type == "cuda" else "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)
    with _together():
        dist.init_process_group(backend, store=store, rank=its_rank, world_size=n, timeout=PATIENCE)
    _world = _World(its_rank, n, store, device)
    _on_sigterm(_told_to_end)


def end() -> None:
    """Part from the others, when the last update is made: each is alone from here on."""
    global _world  # noqa: PLW0603
    if _world:
        barrier()
        dist.destroy_process_group()
        _world = None
        _on_sigterm(signal.SIG_DFL)


def leave(code: int) -> NoReturn:
    """End this process of several. gloo aborts now and then where Python takes it down at exit
    (torch 2.13: in one of four runs), and after a death it would wait for the dead."""
    if code == 0:
        end()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def speaks() -> bool:
    """Whether this process should say what is wrong: the first one that asks.

    When one is gone the others find out by themselves, each a little later: one line will do.
    """
    if not _world:
        return rank() == 0
    try:
        return int(_world.store.add(SAID, 1)) == 1
    except RuntimeError:  # the launcher is gone too
        return True


def tell_launcher(text: str) -> None:
    """Give `torchrun` the reason, which it prints last of its own lines on a run that failed."""
    file = os.environ.get("TORCHELASTIC_ERROR_FILE", "")
    if file:
        reason = {"message": text, "extraInfo": {"timestamp": str(int(time.time()))}}
        Path(file).write_text(json.dumps({"message": reason}), "utf-8")


@contextmanager
def first_goes_ahead() -> Iterator[None]:
    """The first process does what is inside, then the others: what it leaves behind is made once,
    however long that takes."""
    if _world:
        _world.turns += 1
        done = f"infogan/turn{_world.turns}"
        while _world.rank and not _world.store.check([done]):
            if _world.store.check([SAID]):
                raise _died()
            time.sleep(POLL)
        yield
        if not _world.rank:
            _world.store.set(done, "")
    else:
        yield


def mine(rows: Tensor) -> Tensor:
    """This process's rows of what is drawn or picked for all of them, (n, …) → (n / size, …).

    Every size-th one, so that those of the first half of a batch come first in each process too.
    """
    return rows[_world.rank :: _world.size] if _world else rows


@contextmanager
def by_itself() -> Iterator[None]:
    """While inside, this process draws as one that is alone: for work that each does on the same
    images, to the same end. Nothing inside may need the others."""
    global _world  # noqa: PLW0603
    world, _world = _world, None
    try:
        yield
    finally:
        _world = world


def rand(n: int, *shape: int, generator: torch.Generator) -> Tensor:
    """`torch.rand(n, *shape)` for each process: its rows of one draw for all."""
    return mine(torch.rand(n * size(), *shape, generator=generator))


def randn(n: int, *shape: int, generator: torch.Generator) -> Tensor:
    """The same of `torch.randn`."""
    return mine(torch.randn(n * size(), *shape, generator=generator))


def randint(low: int, high: int, n: int, *shape: int, generator: torch.Generator) -> Tensor:
    """The same of `torch.randint`."""
    return mine(torch.randint(low, high, (n * size(), *shape), generator=generator))


def gathered(rows: Tensor, n: int | None = None) -> Tensor:
    """The inverse of `mine`, differentiable: the rows of all processes, the same in each.

    A term that is no mean over the batch (I_m looks at a mean of products) is computed of these,
    the same in every process. Its gradient to this process's rows comes back times the number of
    processes, so that the mean of the gradients over processes, which `average_gradients` takes,
    is the gradient of the term.

    Args:
        rows: (m, …), m as `mine` gave them.
        n: How many rows there are in all; m · size where nothing is said.

    Returns:
        (n, …).
    """
    if not _world:
        return rows
    gather: Tensor = _Gather.apply(rows, len(rows) * _world.size if n is None else n)  # type: ignore[no-untyped-call]
    return gather


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor, n: int) -> Tensor:
        everyone = rows.new_zeros(n, *rows.shape[1:])
        mine(everyone).copy_(rows)
        _sum(everyone)  # each row comes from one process: nothing is rounded
        return everyone

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return mine(grad) * size(), None


def total(n: int) -> int:
    """The sum of a number over processes."""
    return int(_sum(torch.tensor(n, device=_world.device))) if _world else n


def anyone(yes: bool) -> bool:
    """Whether any process says yes. All must ask."""
    return total(int(yes)) > 0


def differs(n: int) -> bool:
    """Whether the processes have different numbers."""
    if not _world:
        return False
    ends = torch.tensor([n, -n], device=_world.device)
    with _together():
        dist.all_reduce(ends, dist.ReduceOp.MAX)
    return bool(ends[0] != -ends[1])


def average(terms: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Each number's mean over processes, detached; all have the same names."""
    detached = {name: term.detach() for name, term in terms.items()}
    if not _world:
        return detached
    means = _sum(torch.stack(list(detached.values()))) / _world.size
    return dict(zip(detached, means.unbind(), strict=True))


def average_gradients(parameters: Sequence[Tensor]) -> None:
    """The mean over processes of every gradient: one sum of all of them, flattened."""
    if not _world:
        return
    gradients = [p.grad for p in parameters if p.grad is not None]
    flat = _sum(torch.cat([g.reshape(-1) for g in gradients])) / _world.size
    for g, part in zip(gradients, torch.split(flat, [g.numel() for g in gradients]), strict=True):
        g.copy_(part.view_as(g))


def barrier() -> None:
    """Wait until all are here."""
    anyone(False)


def check(batch: int) -> None:
    """See that the processes can share each update.

    Raises:
        InfoganError: the batch cannot be dealt out evenly, or leaves too few for each.
    """
    if size() == 1:
        return
    if batch % size() or batch < LEAST * size():
        raise InfoganError(
            f"train.batch {batch} cannot be shared by {size()} processes: it must be a multiple of "
            f"their number with at least {LEAST} images for each; give e.g. --train.batch "
            f"{max(LEAST, -(-batch // size())) * size()}"
        )


def _sum(values: Tensor) -> Tensor:
    """The sum over processes, in place."""
    with _together():
        dist.all_reduce(values)
    return values


@contextmanager
def _together() -> Iterator[None]:
    """What all must take part in: it fails where one of them is gone."""
    try:
        yield
    except RuntimeError:  # gloo's, or torch.distributed.DistBackendError
        raise _died() from None


def _died() -> Died:
    if _world:
        _world.over = True
    return Died()


def _told_to_end(*_: Any) -> None:
    """torchrun ends the others when one is gone: some before they find that out, and some while
    they are about to say it."""
    if _world and not _world.over:
        raise _died()


def _on_sigterm(action: Any) -> None:
    if threading.current_thread() is threading.main_thread():  # Python lets no other
        signal.signal(signal.SIGTERM, action)
