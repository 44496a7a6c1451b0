"""Independent batches, each on a processor thread of its own."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

import torch

from infogan import memory

A = TypeVar("A")
B = TypeVar("B")
AHEAD = 2  # batches under way or waiting for each worker, so that memory stays bounded


def each_on_one_thread(
    function: Callable[[A], B], items: Iterable[A], device: torch.device
) -> Iterator[B]:
    """function(item) of each, in order.

    On a processor as many run at once as torch has threads, on one thread each: no batch then
    waits for the slower half of a shared product. On a GPU one after another.

    Args:
        function: Independent of the order of its calls.
        items: Taken as they are needed.
        device: Where the function computes.
    """
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    memory.keep()
    waiting: list[Future[B]] = []
    left = iter(items)
    with ThreadPoolExecutor(threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            while True:
                new = islice(left, threads * AHEAD - len(waiting))
                waiting += [pool.submit(function, item) for item in new]
                if not waiting:
                    return
                yield waiting.pop(0).result()
        finally:
            for future in waiting:
                future.cancel()
