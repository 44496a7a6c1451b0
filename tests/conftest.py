"""What several tests share: a small configuration, a few real digits, one short finished run."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from infogan.cli import main
from infogan.config import Config, from_yaml
from infogan.data import load
from infogan.run import Run

# small nets are fastest on one thread, and two test processes then do not get in each other's way
torch.set_num_threads(1)

TINY = """
codes: z4 + digit:cat10 + 2u@0.1
net: {kind: dcgan, widths: [4, 8], fc: 16, q_hidden: 8}
loss: {lam_ramp: 2, pairs: 8}
train: {updates: 6, batch: 16, log_every: 2, checkpoint_every: 2, sample_every: 3, threads: 1,
        scout_updates: 0}
"""


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test packs into the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("INFOGAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("hub")))
        yield


@pytest.fixture(scope="session")
def tiny() -> Config:
    return from_yaml(TINY, "tiny", Config())


@pytest.fixture(scope="session")
def digits() -> torch.Tensor:
    """256 real digits, (256, 1, 28, 28) bytes."""
    return load("mnist", "train").images[:256]


@pytest.fixture(scope="session")
def tiny_yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("settings") / "tiny.yaml"
    file.write_text(TINY)
    return file


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory, tiny_yaml: Path) -> Run:
    """A run of six updates with metrics and report, made by the command line."""
    out = tmp_path_factory.mktemp("runs") / "mnist"
    with pytest.raises(SystemExit) as done:
        main(["train", "--config", str(tiny_yaml), "--out", str(out)])
    assert done.value.code == 0
    return Run.open(out)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's chromium, to drive; without it, what needs it is skipped."""
    sync = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        pytest.skip("no browser to drive: Debian's chromium is not installed")
    with sync.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()
