"""Training: the loop around `step.advance`."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from infogan import precision
from infogan.codes import number
from infogan.config import Config
from infogan.diffaugment import strength_for
from infogan.errors import InfoganError
from infogan.model import InfoGAN
from infogan.prior import Prior
from infogan.progress import Means, Progress
from infogan.restarts import best_start
from infogan.run import Run
from infogan.state import State
from infogan.step import advance, check_finite
from infogan.weights import onsets

WARM_UP = 500  # updates after which a code that is not read is worth a warning


class Interrupted(Exception):
    """Ctrl-C or SIGTERM: the state after `update` is saved."""

    def __init__(self, update: int) -> None:
        super().__init__(f"stopped after update {update}")
        self.update = update


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
    board = _tensorboard(run) if t.tensorboard else None
    means, warned = Means(), ""
    with _interruptible() as interrupted:
        if state.update == 0 and t.restarts > 1 and t.restart_updates < t.updates:
            state = best_start(state, images, config, dtype, run, progress, interrupted)
            _save(state, run, t.keep)
            for record in run.history():
                _plot(board, record)
            if interrupted():
                raise Interrupted(state.update)
            means = Means()
        with progress.watching(state, t.updates):
            while state.update < t.updates:
                means.add(advance(state, images, config, dtype))

                done = state.update == t.updates or interrupted()
                if state.update % t.log_every == 0 or done:
                    record = means.take(state.update, t.batch)
                    run.log(record)
                    progress.show(record)
                    if not warned and (warned := ignored_code(record, config)):
                        progress.say(f"warning: {warned}")
                    _plot(board, record)
                if on_sample and state.update % t.sample_every == 0 and not done:
                    on_sample(state.trained(images, t.seed), state.update)
                if state.update % t.checkpoint_every == 0 or done:
                    _save(state, run, t.keep)
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


def _save(state: State, run: Run, keep: int) -> None:
    flat = state.tensors()
    check_finite(flat, state.update)
    run.checkpoint(state.update, flat, keep)


def _plot(board: Any, record: Mapping[str, Any]) -> None:
    if board:
        for name, value in record.items():
            board.add_scalar(name, value, record["update"])


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
    state = State.start(config, (c, h, w), device, images)
    saved = run.restore()
    if saved:
        state.load(*saved)
    if state.update > t.updates:
        raise InfoganError(
            f"the run is at update {state.update} already, beyond train.updates {t.updates}; give "
            "at least as many"
        )
    run.rewind(state.update)
    what = f"vectors of {c} numbers" if state.model.vectors else f"images {c}×{h}×{w}"
    progress.say(f"{len(images):,} {what} · {device} · {why}")
    strength = strength_for(config.loss.diffaugment, len(images), (c, h, w))
    if config.loss.diffaugment:
        progress.say(f"DiffAugment at strength {strength:.2g} of 1 on all that D sees")
    for name, update in onsets(state.model.prior, config.loss).items():
        if update >= t.updates:
            progress.say(
                f"warning: λ of {name} sets in at update {update}, after the last ({t.updates}): "
                "it stays without meaning; lower --loss.lam-starts"
            )
    if saved:
        progress.say(f"going on from update {state.update} of {t.updates}")
    return state, dtype


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
