"""Sets that are larger than the disk: some images in memory, whose places the next ones take.

Each update draws its batch from the images in memory by `batch_indices`, as from any set, and the
next ones of the stream take the places of those that it saw: every image is learnt from once in a
pass, in an order that is random as far as the images in memory reach.
"""

import threading
from collections.abc import Generator, Iterator
from queue import Full, Queue

import numpy as np
import torch
from torch import Tensor

from infogan import processes
from infogan.config import DataConfig
from infogan.data.choose import LOOKED_AT, choose
from infogan.data.hub import Streamed, open_stream
from infogan.data.source import Dataset, Split
from infogan.errors import InfoganError
from infogan.pictures import Batch, Crew, Form, Item, in_batches
from infogan.pictures.decode import Pixels

MANY = 1_000_000  # images in a stream that does not say how many it has
AHEAD = 8  # batches of 64 that are decoded while an update is computed
DECODERS = 1  # processes, beside each process that trains
WAIT = 0.1  # seconds between two looks at whether to stop


def streamed(data: DataConfig, split: Split) -> tuple[Dataset, str]:
    """A set as it comes over the network, and in words what form its images get.

    Raises:
        InfoganError: it cannot be read, holds too few images, or all of them are asked for.
    """
    if split == "all":
        raise InfoganError(
            f"{data.source} is streamed, and all of it does not fit: give --split test, or name it "
            "as SOURCE of a run that was not streamed"
        )
    share = (processes.rank(), processes.size()) if processes.size() > 1 else (0, 1)
    place = open_stream(data.source, split == "test", share if split == "train" else (0, 1))
    form, chosen = choose(place, data)
    stream = Stream(place, form, data)
    if split == "train":
        return Dataset(place.title, split, stream.first(data.buffer), stream=stream), chosen
    batches = list(stream.once())
    good = [item for batch in batches for item in batch.good]
    if not good:
        raise InfoganError(f"{place.source} has no picture to measure on: {stream.bad or 'no row'}")
    labels = torch.tensor([item.label for item in good])
    return Dataset(
        place.title,
        split,
        torch.from_numpy(np.concatenate([batch.pixels for batch in batches])),
        labels if labels.min() >= 0 else None,
        names=[item.name for item in good],
    ), chosen


class Stream:
    """Decoded pictures of a place, one after another, from its start again when it ends.

    Args:
        place: Where they come from.
        form: What they become.
        data: What to do about bad ones.
    """

    def __init__(self, place: Streamed, form: Form, data: DataConfig) -> None:
        self.place, self.form, self.data = place, form, data
        self.items = self.refused = self.passes = 0
        self.bad = ""  # the first that cannot be read, and why
        self._endless = self._again_and_again()
        self._left = np.empty((0, form.channels, form.size, form.size), np.uint8)
        self._ready: Queue[Pixels | Exception] = Queue(AHEAD)
        self._stop = threading.Event()
        self._reader: threading.Thread | None = None

    @property
    def count(self) -> int:
        """How many pictures there are, or may be."""
        return self.place.total or MANY

    def notice(self, images: Tensor) -> str:
        """What a user must know of such a run."""
        return (
            f"{self.place.source} is streamed, {len(images):,} images in memory at a time: such a "
            "run cannot be resumed exactly, since --resume begins the stream again at its start"
        )

    def first(self, n: int) -> Tensor:
        """The first n pictures, (n, C, S, S) bytes.

        Raises:
            InfoganError: there are fewer.
        """
        images = torch.empty(n, *self._left.shape[1:], dtype=torch.uint8)
        have = 0
        while have < n:
            pixels = next(self._endless)
            if self.passes:
                self.close()
                raise InfoganError(
                    f"{self.place.source} holds only {have:,} pictures for each process to learn "
                    f"from, fewer than data.buffer {n:,}: leave --data.stream out, or give a "
                    "smaller --data.buffer"
                )
            part = pixels[: n - have]
            images[have : have + len(part)] = torch.tensor(part)
            have, self._left = have + len(part), pixels[len(part) :]
        return images

    def renew(self, images: Tensor, which: Tensor) -> None:
        """Put the next pictures in the place of some.

        Args:
            images: (N, C, S, S) bytes, changed in place.
            which: (n,) which of them.

        Raises:
            InfoganError: the stream broke off, or too many of its pictures cannot be read.
        """
        if self._reader is None:
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
        while len(self._left) < len(which):
            got = self._ready.get()
            if isinstance(got, Exception):
                raise got
            self._left = np.concatenate([self._left, got])
        images[which] = torch.tensor(self._left[: len(which)])
        self._left = self._left[len(which) :]

    def skipped(self) -> str:
        """In words what was left out so far; "" if nothing was."""
        if not self.refused:
            return ""
        return (
            f"{self.refused:,} of {self.items:,} pictures of {self.place.source} could not be read "
            f"and were left out; the first, {self.bad}"
        )

    def close(self) -> None:
        """Read no more."""
        self._stop.set()
        if self._reader is None:
            self._endless.close()
        else:
            self._reader.join(timeout=5)  # it may hang on a network that is gone

    def once(self) -> Iterator[Batch]:
        """Every picture once, in order, decoded in this process."""
        with Crew(self.form, 0) as crew:
            yield from self._checked(crew)

    def _again_and_again(self) -> Generator[Pixels, None, None]:
        with Crew(self.form, DECODERS) as crew:
            while True:
                before = self.items - self.refused
                for batch in self._checked(crew):
                    yield batch.pixels
                if self.items - self.refused == before:
                    raise InfoganError(
                        f"{self.place.source} has no picture: {self.bad or 'no row'}"
                    )
                self.passes += 1

    def _checked(self, crew: Crew) -> Iterator[Batch]:
        """One pass over the pictures, while few enough of them are bad."""
        broke: list[InfoganError] = []

        def items() -> Iterator[Item]:
            try:
                yield from self.place.items()
            except InfoganError as e:  # what came before it is not lost
                broke.append(e)

        for batch in crew.decode(in_batches(items())):
            self.items += len(batch.items)
            self.refused += len(batch.refused)
            if batch.refused and not self.bad:
                item, why = batch.refused[0]
                self.bad = f"{item.name}: {why}"
            if self.bad and self.data.on_bad == "stop":
                raise InfoganError(
                    f"{self.place.source}: {self.bad}; leave such out with --data.on-bad skip"
                )
            if self.items >= LOOKED_AT:
                self._few_enough()
            yield batch
        if broke:
            raise broke[0]
        self._few_enough()

    def _few_enough(self) -> None:
        if self.refused > self.data.max_bad * self.items:
            raise InfoganError(
                f"{self.refused:,} of the first {self.items:,} pictures of {self.place.source} "
                f"cannot be read, more than {self.data.max_bad:.0%}; the first, {self.bad}; "
                "--data.max-bad 1 goes on without them"
            )

    def _read(self) -> None:
        """What the reading thread does: decode ahead of what is asked for."""
        try:
            for pixels in self._endless:
                if not self._put(pixels):
                    break
        except Exception as e:  # for the training to raise
            self._put(e)
        finally:
            self._endless.close()

    def _put(self, got: Pixels | Exception) -> bool:
        while not self._stop.is_set():
            try:
                self._ready.put(got, timeout=WAIT)
            except Full:
                continue
            return True
        return False
