"""Real images beside what Q says of them, in the order that a page asks for."""

from collections.abc import Mapping
from threading import Event, Thread
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from infogan.codes import probs
from infogan.data import Dataset
from infogan.encode import BATCH, outputs
from infogan.errors import InfoganError
from infogan.model import InfoGAN

MOST = 20_000  # images that are read, evenly spread over all there are
ORDERS = ("like", "surest", "unsurest")


class Gallery:
    """Real images, read in the background: what was read so far is there, in a random order.

    Args:
        model: Whose Q reads them.
        data: Images of the model's shape.
        dtype: Of the trunk; `precision.choose` gives the fastest.
        most: How many of them are read.
    """

    def __init__(
        self,
        model: InfoGAN,
        data: Dataset,
        dtype: torch.dtype = torch.float32,
        most: int = MOST,
    ) -> None:
        self.model, self.data, self.dtype = model, data, dtype
        n = len(data.images)
        spread = torch.linspace(0, n - 1, min(n, most), dtype=torch.float64).round().long()
        order = torch.randperm(len(spread), generator=torch.Generator().manual_seed(0))
        self.which = spread[order]  # (M,) their places among all
        self.read = 0  # of them so far
        self._outputs = torch.empty(len(spread), model.prior.n_params)
        self._ended = Event()
        self._thread = Thread(target=self._fill, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def close(self) -> None:
        """Read no further."""
        self._ended.set()
        if self._thread.is_alive():
            self._thread.join()

    def wait(self) -> None:
        """Until all are read."""
        self._thread.join()

    def _fill(self) -> None:
        batches = (self.data.images[part] for part in torch.split(self.which, BATCH))
        for rows in outputs(self.model, batches, self.dtype):
            self._outputs[self.read : self.read + len(rows)] = rows
            self.read += len(rows)
            if self._ended.is_set():
                return

    def q(self, n: int) -> dict[str, Distribution]:
        """Q(c|x) of the first n images that were read, (n,)."""
        return self.model.prior.q(self._outputs[:n])

    def image(self, i: int) -> Tensor:
        """Image i of those that were read, (1, C, H, W).

        Raises:
            InfoganError: there is none.
        """
        if not 0 <= i < self.read:
            raise InfoganError(f"there is no image {i}; {self.read:,} were read")
        place = int(self.which[i])
        return self.data.images[place : place + 1]

    def called(self, i: int) -> str:
        """What image i is called: its file, or its number among all."""
        place = int(self.which[i])
        return self.data.names[place] if self.data.names is not None else f"{place:,}"

    def ordered(self, c: Mapping[str, Tensor], order: str, by: str) -> tuple[Tensor, Tensor]:
        """The images in an order, best first, and by what: (m,) numbers of images and (m,) values.

        like: all, by ln Q(c|x) = Σ_i ln Q(c_i|x) of the codes in c, in nats: the images that Q
        reads most like them. surest, unsurest: those whose likeliest category of the code `by` is
        that of c, by its probability.

        Raises:
            InfoganError: no such order, or no such categorical code.
        """
        n = self.read  # once: it grows meanwhile
        q = self.q(n)
        if order == "like":
            score = torch.zeros(n)
            for name, value in c.items() if n else ():
                score = score + q[name].log_prob(value.expand(n, *value.shape[1:]))
            score = score.clamp_min(torch.finfo(score.dtype).min)  # far off it is −∞, no JSON
            first = score.argsort(descending=True, stable=True)
            return first, score[first]
        if order not in ORDERS:
            raise InfoganError(f"no order {order!r}; there are {', '.join(ORDERS)}")
        codes = [code.name for code in self.model.prior.categorical]
        if by not in codes or by not in c:
            raise InfoganError(f"{order} of which code? {by!r} is none of {', '.join(codes)}")
        p, k = probs(q[by]).max(1)
        held = (k == c[by]).nonzero()[:, 0]
        first = held[p[held].argsort(descending=order == "surest", stable=True)]
        return first, p[first]

    def shares(self) -> dict[str, list[float]]:
        """The share of images whose likeliest category it is, for each categorical code, (K,)."""
        if not (n := self.read):
            return {}
        q = self.q(n)
        return {
            code.name: (probs(q[code.name]).argmax(1).bincount(minlength=code.k) / n).tolist()
            for code in self.model.prior.categorical
        }

    def facts(self) -> dict[str, Any]:
        """How far it is."""
        return {"read": self.read, "of": len(self.which), "all": len(self.data.images)}
