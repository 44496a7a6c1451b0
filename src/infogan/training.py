"""Training: `train_step` is the maths, `train` the loop around it."""

import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from infogan import precision
from infogan.adversarial import ADVERSARIAL
from infogan.codes import number
from infogan.config import Config, TrainConfig
from infogan.data import augment, batch_indices, to_float
from infogan.errors import InfoganError
from infogan.model import InfoGAN
from infogan.objective import objective_D, objective_G
from infogan.prior import Prior
from infogan.progress import Progress
from infogan.run import Run
from infogan.state import State
from infogan.weights import starts, weights_at

WARM_UP = 500  # updates after which a code that is not read is worth a warning


class Interrupted(Exception):
    """Ctrl-C or SIGTERM: the state after `update` is saved."""

    def __init__(self, update: int) -> None:
        super().__init__(f"stopped after update {update}")
        self.update = update


class NonFinite(InfoganError):
    """A term of the objective, or a weight, became infinite or NaN."""


def train_step(state: State, x: Tensor, config: Config, dtype: torch.dtype) -> dict[str, Tensor]:
    """One update of (trunk, D, Q), then one of G, each with fresh z and c.

    λ L_I is in both: the first moves the trunk and Q's head, the second moves G (section 3 of
    docs/maths.md).

    Args:
        state: Changed in place.
        x: Real images (n, C, H, W) in [0, 1].
        config: The run's settings.
        dtype: Of convolutions and products.

    Returns:
        The terms of the objective by name, detached, before the update.

    Raises:
        NonFinite: a loss is infinite or NaN; it was not followed.
    """
    model, prior = state.model, state.model.prior
    w = weights_at(state.update, prior, config.loss, plain=config.objective == "gan")
    autocast = torch.autocast(x.device.type, dtype, enabled=dtype != torch.float32)
    pairs = bool(config.loss.pairs and prior.categorical and not w.plain)
    x_aug = augment(x, config.augment, state.generators["augment"]) if pairs else None

    latent, c = state.latent(len(x))
    with autocast:
        with torch.no_grad():
            fake = model.G(latent)
        loss_D, terms = objective_D(
            model, x, x_aug, fake, c, w, state.generators["penalty"], state.r_bar
        )
    _update(state.adam_D, loss_D, terms, state.update)

    latent, c = state.latent(len(x))
    seen = x if ADVERSARIAL[w.loss.adversarial].needs_real else None
    with autocast, _frozen(state.adam_D):
        loss_G, terms_G = objective_G(model, model.G(latent), c, w, seen)
    _update(state.adam_G, loss_G, terms_G, state.update)  # backward stays out of autocast

    with torch.no_grad():
        # the average starts short, so that the first images do not weigh for long
        decay = min(config.train.ema, (1 + state.update) / (10 + state.update))
        torch._foreach_lerp_(state.G_ema, list(model.G.parameters()), 1 - decay)
    state.update += 1
    return {name: term.detach() for name, term in (terms | terms_G).items()}


def train(
    config: Config,
    images: Tensor,
    run: Run,
    progress: Progress,
    on_sample: Callable[[InfoGAN, int], None] | None = None,
) -> InfoGAN:
    """Train to `config.train.updates` from the run's last checkpoint, or from the start.

    Args:
        config: The settings; the run's own but for what may change when it goes on.
        images: (N, C, H, W) bytes. No label comes in here.
        run: Where log, checkpoints and model go.
        progress: Where a person sees it.
        on_sample: Called now and then with the model as it stands.

    Returns:
        The trained model, also saved under `run.path / "model"`.

    Raises:
        NonFinite: with the update and the term; the last checkpoint stays.
        Interrupted: after Ctrl-C or SIGTERM; a checkpoint is saved.
    """
    t = config.train
    state, dtype = _begin(config, images, run, progress)
    device = state.G_ema[0].device
    board = _tensorboard(run) if t.tensorboard else None
    means, warned = _Means(), ""
    with progress.watching(state, t.updates), _interruptible() as interrupted:
        while state.update < t.updates:
            _set_rates(state, t)
            pick = batch_indices(len(images), t.batch, state.update, t.seed)
            x = to_float(images[pick]).to(device).contiguous(memory_format=torch.channels_last)
            means.add(train_step(state, x, config, dtype))

            done = state.update == t.updates or interrupted()
            if state.update % t.log_every == 0 or done:
                record = means.take(state.update, t.batch)
                run.log(record)
                progress.show(record)
                if not warned and (warned := ignored_code(record, config)):
                    progress.say(f"warning: {warned}")
                if board:
                    for name, value in record.items():
                        board.add_scalar(name, value, state.update)
            if on_sample and state.update % t.sample_every == 0 and not done:
                on_sample(state.trained(images, t.seed), state.update)
            if state.update % t.checkpoint_every == 0 or done:
                flat = state.tensors()
                _check_finite(flat, state.update)
                run.checkpoint(state.update, flat, t.keep)
            if done and state.update < t.updates:
                raise Interrupted(state.update)
    if board:
        board.close()
    model = state.trained(images, t.seed)
    with run.replacing("model") as folder:
        model.save_pretrained(folder)
    if on_sample:
        on_sample(model, state.update)
    return model


def ignored_code(record: Mapping[str, Any], config: Config) -> str:
    """A sentence when G still ignores a categorical code (L_I < H(c) / 2) after warm-up, or ""."""
    if config.objective == "gan" or record["update"] < config.loss.lam_ramp + WARM_UP:
        return ""
    for code in Prior.parse(config.codes).categorical:
        share = record[f"L_I.{code.name}"] / code.entropy()
        if share < 0.5 and code.lam > 0:
            return (
                f"G ignores {code.name!r} at update {record['update']}: L_I/H(c) = {share:.2f}, "
                f"below 0.5; raise its λ, e.g. {code.name}:{code.term()}@{number(2 * code.lam)}"
            )
    return ""


def _begin(
    config: Config, images: Tensor, run: Run, progress: Progress
) -> tuple[State, torch.dtype]:
    """The state to go on from, the run's last or the first, and the number format."""
    t = config.train
    if t.threads:
        torch.set_num_threads(t.threads)
    device = precision.device(t.device)
    dtype, why = precision.choose(t.precision, device)
    c, h, w = images.shape[1:]
    state = State.start(config, (c, h, w), device)
    saved = run.restore()
    if saved:
        state.load(*saved)
    if state.update > t.updates:
        raise InfoganError(
            f"the run is at update {state.update} already, beyond train.updates {t.updates}; give "
            "at least as many"
        )
    run.rewind(state.update)
    progress.say(f"{len(images):,} images {c}×{h}×{w} · {device} · {why}")
    for name, update in starts(state.model.prior, config.loss).items():
        if update >= t.updates:
            progress.say(
                f"warning: λ of {name} sets in at update {update}, after the last ({t.updates}): it "
                "stays without meaning; lower --loss.lam-starts"
            )
    if saved:
        progress.say(f"going on from update {state.update} of {t.updates}")
    return state, dtype


class _Means:
    """The means of the terms since the last line of the log."""

    def __init__(self) -> None:
        self.sums: dict[str, float] = defaultdict(float)
        self.steps, self.began = 0, time.perf_counter()

    def add(self, terms: Mapping[str, Tensor]) -> None:
        for name, term in terms.items():
            self.sums[name] += term.item()
        self.steps += 1

    def take(self, update: int, batch: int) -> dict[str, Any]:
        """One line of the log; the means start anew."""
        seconds = time.perf_counter() - self.began
        record: dict[str, Any] = {"update": update}
        record |= {name: total / self.steps for name, total in self.sums.items()}
        record |= {"seconds": round(seconds, 4)}
        record |= {"images_per_s": round(self.steps * batch / seconds, 1)}
        self.sums.clear()
        self.steps, self.began = 0, time.perf_counter()
        return record


def rate_at(update: int, t: TrainConfig) -> float:
    """The factor on both rates: 1, then falling linearly to `decay_to` at the end."""
    if t.decay_from >= 1:
        return 1.0
    part = (update / t.updates - t.decay_from) / (1 - t.decay_from)
    return 1 - (1 - t.decay_to) * min(1.0, max(0.0, part))


def _set_rates(state: State, t: TrainConfig) -> None:
    factor = rate_at(state.update, t)
    for adam, rate in ((state.adam_D, t.lr_d), (state.adam_G, t.lr_g)):
        for group in adam.param_groups:
            group["lr"] = rate * factor


def _update(adam: torch.optim.Adam, loss: Tensor, terms: Mapping[str, Tensor], update: int) -> None:
    if not torch.isfinite(loss):
        bad = [name for name, term in terms.items() if not torch.isfinite(term)] or ["the sum"]
        raise NonFinite(_not_finite(bad[0], update))
    adam.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    adam.step()


def _check_finite(flat: Mapping[str, Tensor], update: int) -> None:
    """A gradient can spoil the weights where the loss was still finite: never save that."""
    for name, tensor in flat.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise NonFinite(_not_finite(name, update))


def _not_finite(what: str, update: int) -> str:
    return (
        f"{what} is infinite or NaN at update {update}: training stopped and the last checkpoint "
        "is kept; lower --train.lr-d and --train.lr-g, or the weight of that term"
    )


@contextmanager
def _frozen(adam: torch.optim.Adam) -> Iterator[None]:
    """No gradients for these parameters: G's step does not need them."""
    parameters = [p for group in adam.param_groups for p in group["params"]]
    for p in parameters:
        p.requires_grad_(False)
    try:
        yield
    finally:
        for p in parameters:
            p.requires_grad_(True)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """While inside, Ctrl-C and SIGTERM are only noted, so that an update is never torn; a second
    Ctrl-C stops at once."""
    caught: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if signum in caught:
            raise KeyboardInterrupt
        caught.append(signum)

    before = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield lambda: bool(caught)
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)


def _tensorboard(run: Run) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        from infogan.errors import MissingExtraError

        raise MissingExtraError("tensorboard", "train") from None
    return SummaryWriter(str(run.path / "tensorboard"))
