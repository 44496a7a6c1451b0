"""Training: the loop around `step.advance`."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from infogan import memory, precision, processes
from infogan.batches import picks
from infogan.config import Config
from infogan.data import look_again
from infogan.descent import check_finite
from infogan.diffaugment import strength_for
from infogan.errors import InfoganError
from infogan.guards import Guards
from infogan.model import InfoGAN
from infogan.progress import Means, Progress
from infogan.restarts import best_start
from infogan.run import Run
from infogan.scouting import scouted
from infogan.state import State
from infogan.step import (
    MOST,
    advance,
    lacks_scouts,
    needs_look_alikes,
    sends_scouts,
)
from infogan.weights import onsets


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
    renew: Callable[[Tensor], None] | None = None,
) -> InfoGAN:
    """Train to `config.train.updates` from the run's last checkpoint, or from the start.

    Of many processes the first alone writes; when the last update is made the others are free.

    Args:
        config: The settings; the run's own but for what may change when it goes on.
        images: (N, C, H, W) bytes. No label comes in here.
        run: Where log, checkpoints and model go.
        progress: Where a person sees it.
        on_sample: Called now and then with the model as it stands.
        renew: Called between updates with which images the last one saw, (n,), of this process:
            puts others in their place, where they come from a stream.

    Returns:
        The trained model, also saved under `run.path / "model"`; of a process that is not the
        first, the model as it trained.

    Raises:
        NonFinite: with the update and the term; the last checkpoint stays.
        Interrupted: after Ctrl-C or SIGTERM; a checkpoint is saved.
        InfoganError: the stream broke off; a checkpoint is saved.
        Died: another process of the run is gone; the last checkpoint stays.
    """
    t = config.train
    state, dtype = _begin(config, images, run, progress)
    board = _tensorboard(run) if t.tensorboard and processes.rank() == 0 else None
    with _interruptible() as interrupted:
        if state.update == 0 and sends_scouts(config, state.model.prior):
            scouted(state, images, config, dtype, run, progress, interrupted)
            if interrupted():  # nothing to keep: they would go out again
                raise Interrupted(0)
            memory.give_back()
        elif state.update == 0 and t.restarts > 1 and t.restart_updates < t.updates:
            state = best_start(state, images, config, dtype, run, progress, interrupted)
            _save(state, run, t.keep)
            for record in run.history():
                _plot(board, record)
            if interrupted():
                raise Interrupted(state.update)
        diary = _Diary(config, images, run, progress, board, on_sample)
        with progress.watching(state, t.updates):
            while state.update < t.updates:
                terms = advance(state, images, config, dtype)
                done = state.update == t.updates or interrupted()
                if processes.rank() == 0:
                    diary.write(state, terms, done)
                if state.update % t.checkpoint_every == 0 or done:
                    _save(state, run, t.keep)
                if done and state.update < t.updates:
                    processes.barrier()  # the others end when the checkpoint is whole
                    raise Interrupted(state.update)
                if renew and not done:
                    try:
                        _renew(state, images, config, renew)
                    except InfoganError as e:
                        raise InfoganError(f"{e}; {_kept(state, run, t.keep)}") from None
    if board:
        board.close()
    processes.end()  # what is left is the first one's work
    memory.give_back()
    return diary.close(state) if processes.rank() == 0 else state.model


class _Diary:
    """What is written and shown of a training as it goes: log, samples and warnings."""

    def __init__(
        self,
        config: Config,
        images: Tensor,
        run: Run,
        progress: Progress,
        board: Any,
        on_sample: Callable[[InfoGAN, int], None] | None,
    ) -> None:
        self.config, self.images, self.run, self.progress = config, images, run, progress
        self.board, self.on_sample = board, on_sample
        self.means, self.refused = Means(), False
        self.guards = Guards(config, run.history(), run.warnings())

    def write(self, state: State, terms: Mapping[str, Tensor], done: bool) -> None:
        """After each update."""
        t = self.config.train
        if state.recorder and state.recorder.refused and not self.refused:
            self.refused = True
            self.progress.say(f"steps are launched one by one: {state.recorder.refused}")
        self.means.add(terms)
        if state.update % t.log_every == 0 or done:
            record = self.means.take(state.update, t.batch * t.d_steps)
            self.run.log(record)
            self.progress.follow(state.model.prior)
            self.progress.show(record)
            self._warn(self.guards.of_log(record, state.model.prior), state.update)
            _plot(self.board, record)
        if self.on_sample and state.update % t.sample_every == 0 and not done:
            model = state.trained(self.images, t.seed, self.config.loss)
            self.on_sample(model, state.update)
            self._warn(self.guards.of_model(model, state.update, last=False), state.update)

    def close(self, state: State) -> InfoGAN:
        """After the last: the trained model, saved."""
        model = state.trained(self.images, self.config.train.seed, self.config.loss)
        with suppress(InfoganError):  # a finished run that went on keeps what was merged
            if (self.run.path / "model").is_dir():
                old = InfoGAN.from_pretrained(self.run.path / "model")
                model.groups, model.names = old.groups, old.names
        with self.run.replacing("model") as folder:
            model.save_pretrained(folder)
        if self.on_sample:
            self.on_sample(model, state.update)
        self._warn(self.guards.of_model(model, state.update), state.update)
        return model

    def _warn(self, found: Mapping[str, str], update: int) -> None:
        for name, text in found.items():
            self.run.warn(update, name, text)
            self.progress.say(f"warning: {text}")


def _renew(state: State, images: Tensor, config: Config, renew: Callable[[Tensor], None]) -> None:
    """Others in the place of the images that the last update saw in this process."""
    seen = picks(state.update - 1, len(images), config.train)
    which = torch.cat([processes.mine(pick) for pick in seen]).unique()  # type: ignore[no-untyped-call]
    renew(which)
    if needs_look_alikes(config, state):
        device = state.G_ema[0].device
        look_again(images, which, config.train.seed, device, config.augment.patterns)


def _save(state: State, run: Run, keep: int) -> None:
    flat = state.tensors()
    check_finite(flat, state.update)  # in every process: all stop, or none
    if processes.rank() == 0:
        run.checkpoint(state.update, flat, keep)


def _kept(state: State, run: Run, keep: int) -> str:
    """Save what there is where no more images come; in words what that was."""
    if processes.size() > 1:  # the others may be in the middle of an update
        return "the last checkpoint is kept: go on with --resume"
    _save(state, run, keep)
    return f"the state after update {state.update} is saved: go on with --resume"


def _plot(board: Any, record: Mapping[str, Any]) -> None:
    if board:
        for name, value in record.items():
            board.add_scalar(name, value, record["update"])


def _begin(
    config: Config, images: Tensor, run: Run, progress: Progress
) -> tuple[State, torch.dtype]:
    """The state to go on from, the run's last or the first, and the number format."""
    t = config.train
    if t.threads:
        torch.set_num_threads(t.threads)
    memory.keep()
    device = precision.device(t.device)
    dtype, why = precision.choose(t.precision, device)
    c, h, w = images.shape[1:]
    state = State.start(config, (c, h, w), device, images)
    saved = run.restore()
    if saved:
        state.load(*saved)
    if processes.differs(state.update):
        raise InfoganError(
            "the processes see different checkpoints; give an --out that lies where all of them "
            "can read it"
        )
    if state.update > t.updates:
        raise InfoganError(
            f"the run is at update {state.update} already, beyond train.updates {t.updates}; give "
            "at least as many"
        )
    if processes.rank() == 0:
        run.rewind(state.update)
        run.goes_on_with(config, state.update)
    shared = f" · {processes.size()} processes" if processes.size() > 1 else ""
    what = f"vectors of {c} numbers" if state.model.vectors else f"images {c}×{h}×{w}"
    progress.say(f"{len(images):,} {what} · {device}{shared} · {why}")
    strength = strength_for(config.loss.diffaugment, len(images), (c, h, w))
    if config.loss.diffaugment:
        progress.say(f"DiffAugment at strength {strength:.2g} of 1 on all that D sees")
    for name, update in onsets(state.model.prior, config.loss).items():
        if update >= t.updates:
            progress.say(
                f"warning: λ of {name} sets in at update {update}, after the last ({t.updates}): "
                "it stays without meaning; lower --loss.lam-starts"
            )
    if lacks_scouts(config, state.model.prior) and not saved:
        progress.say(
            f"no scout goes out: it finds the kinds of one categorical code of at most {MOST // 2} "
            "categories; votes wait until the game's own categories stand"
        )
    if saved:
        progress.say(f"going on from update {state.update} of {t.updates}")
    return state, dtype


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """While inside, Ctrl-C and SIGTERM are only noted, so that an update is never torn; a second
    Ctrl-C stops at once, but for one of many processes, to which `torchrun` also passes it on.

    All processes must ask together whether any of them was told.
    """
    caught: list[int] = []

    def note(signum: int, frame: FrameType | None) -> None:
        if signum in caught and not processes.launched():
            raise KeyboardInterrupt
        caught.append(signum)

    # another thread than the first is told of no signal
    told = threading.current_thread() is threading.main_thread()
    signals = (signal.SIGINT, signal.SIGTERM) if told else ()
    before = {s: signal.signal(s, note) for s in signals}
    try:
        yield lambda: processes.anyone(bool(caught))
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
