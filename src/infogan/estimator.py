"""The scikit-learn face: arrays in, labels and codes out."""

import io
import os
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from infogan import precision
from infogan.codes import Categorical, probs
from infogan.config import Config, changed, recipe
from infogan.contrast import Contrast
from infogan.data.array import layout
from infogan.encode import BATCH, columns, outputs
from infogan.errors import InfoganError, MissingExtraError
from infogan.fitting import fitted
from infogan.inputs import array, checked_seed
from infogan.inputs import vectors as rows_of
from infogan.model import InfoGAN
from infogan.prior import Prior
from infogan.progress import Progress
from infogan.run import Run
from infogan.training import Interrupted, train

try:
    from sklearn.base import BaseEstimator, ClusterMixin, TransformerMixin
    from sklearn.utils.validation import check_is_fitted
except ImportError:
    raise MissingExtraError("scikit-learn", "metrics") from None

LEAST = 20  # images or rows
ROUNDED = 1e-6  # how far scaled pixels may be beyond [0, 1]


class Estimator(TransformerMixin, ClusterMixin, BaseEstimator):  # type: ignore[misc]
    """InfoGAN as scikit-learn knows clusterings: `infogan train` on an array.

    `predict` gives the category of each image, `predict_proba` Q's probability of each,
    `transform` what its sliders read, `sample` new images. Settings follow from the number, size
    and colour of the images, as on the command line; no label is looked at.

    >>> import numpy as np
    >>> from infogan import Estimator
    >>> X = np.random.default_rng(0).random((40, 8, 8))
    >>> found = Estimator(n_clusters=2, settings={"train.updates": 2}).fit(X)
    >>> found.predict(X).shape, found.transform(X).shape, found.sample(3, kind=1).shape
    ((40,), (40, 2), (3, 1, 8, 8))

    Args:
        n_clusters: Categories of the code `kind`, ≥ 2.
        n_sliders: Continuous codes u1, u2, …, ≥ 0.
        shape: (H, W), (H, W, C) or (C, H, W) of images that are given as rows; None: rows of
            numbers are vectors, in units of their own.
        settings: Other settings by their dotted names, {"augment.rotation": 0}, as `infogan train
            --help` lists them; "codes" there takes the place of n_clusters and n_sliders.
        random_state: Seed of everything random, an integer.
        verbose: Whether progress is shown.
        run: Folder to keep the run in, for `infogan explore` and `export`; None: only `model_` is
            kept.

    Attributes:
        model_: The trained `InfoGAN`.
        labels_: The category of each image of `fit`, (n,).
        config_: The settings.
    """

    def __init__(
        self,
        n_clusters: int = 10,
        n_sliders: int = 2,
        *,
        shape: Sequence[int] | None = None,
        settings: Mapping[str, Any] | None = None,
        random_state: int = 0,
        verbose: bool = False,
        run: str | Path | None = None,
    ) -> None:
        self.n_clusters, self.n_sliders = n_clusters, n_sliders
        self.shape, self.settings = shape, settings
        self.random_state, self.verbose, self.run = random_state, verbose, run

    def fit(self, X: ArrayLike, y: Any = None) -> "Estimator":
        """Learn from images; y is ignored.

        Args:
            X: Images (n, H, W), (n, H, W, C) or (n, C, H, W), bytes or floats in [0, 1]; rows
                (n, H·W·C) of them with `shape`; or vectors (n, d).

        Raises:
            InfoganError: they are none of these, or a setting is unknown or out of range.
        """
        images = self._images(X)
        if len(images) < LEAST:
            raise InfoganError(f"X holds {len(images)}; at least {LEAST} are needed to learn from")
        config = self._config(images)
        shape = _shape(images)
        model = InfoGAN.from_config(config, shape)  # the codes, the networks, and that they fit
        Contrast.from_config(config, model.prior, shape)  # and those of the contrast
        with self._place() as path:
            run = Run.create(path, config, "infogan.Estimator")
            progress = Progress(
                Prior.parse(config.codes), sys.stdout if self.verbose else io.StringIO()
            )
            try:
                train(config, images, run, progress)
            except Interrupted:
                raise KeyboardInterrupt from None
            said = run.warnings().values()
            self.model_, self.config_ = InfoGAN.from_pretrained(path), config
        self.__dict__.pop("labels_", None)
        if self.model_.prior.categorical:
            self.labels_ = self._labels(images)
        for text in said:
            warnings.warn(text, stacklevel=2)
        return self

    def fit_predict(self, X: ArrayLike, y: Any = None) -> NDArray[np.int32]:
        """`fit`, and the category of each image, (n,)."""
        self.fit(X)
        self._kinds()
        return self.labels_

    def predict(self, X: ArrayLike) -> NDArray[np.int32]:
        """The likeliest category of each image, (n,)."""
        return self._labels(self._known(X))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Q(k|x), (n, K)."""
        images = self._known(X)
        code = self._kinds()
        q = self.model_.prior.q(self._read(images))
        p: NDArray[np.float32] = probs(q[code.name]).numpy()
        return p

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """What the continuous codes read, Q's means, (n, d); their order is that of
        `get_feature_names_out`."""
        images = self._known(X)
        table = columns(self.model_, self._read(images))
        read = np.empty((len(images), len(self.get_feature_names_out())), np.float32)
        for i, name in enumerate(self.get_feature_names_out()):
            read[:, i] = table[name]
        return read

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[Any]:
        """The names of `transform`'s columns."""
        check_is_fitted(self, "model_")
        names = [name for code in self.model_.prior.continuous for name in code.coordinates]
        return np.array(names, dtype=object)

    def sample(
        self, n: int = 1, seed: int | None = None, **codes: ArrayLike
    ) -> NDArray[np.float32]:
        """New images, (n, C, H, W) in [0, 1], or vectors (n, d), as `InfoGAN.generate`: codes by
        name are set, the others drawn."""
        check_is_fitted(self, "model_")
        return self.model_.generate(n, seed=seed, **codes).numpy()

    @contextmanager
    def _place(self) -> Iterator[Path]:
        """Where the run goes; nothing of one that came to no end stays."""
        if self.run is None:
            with tempfile.TemporaryDirectory() as folder:
                yield Path(folder) / "run"
            return
        path = Path(self.run)
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise InfoganError(f"run {str(path)!r} is there already; give a new folder, or None")
        try:
            yield path
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise

    def _config(self, images: Tensor) -> Config:
        """The settings that `infogan train` would have for these images, and the user's own."""
        start = recipe("vectors" if images.is_floating_point() else "images")
        own = _tree({"train.seed": checked_seed(self.random_state)} | _flat(self.settings or {}))
        asked = changed(start, own, "settings").train.updates
        said = asked if asked != start.train.updates else None
        config, _ = fitted(start, len(images), _shape(images), said)
        config = replace(config, codes=self._codes(Prior.parse(config.codes)))
        return changed(config, own, "settings")

    def _codes(self, usual: Prior) -> str:
        """The codes of such images, as many as are wanted."""
        slider = usual.continuous[0]
        terms = [f"z{usual.noise}", f"kind:cat{self.n_clusters}"]
        terms += [f"u{i + 1}:{slider.term()}@{slider.lam:g}" for i in range(self.n_sliders)]
        return " + ".join(terms)

    def _images(self, X: ArrayLike) -> Tensor:
        """X as a data set holds it: bytes (n, C, H, W), or vectors (n, d, 1, 1)."""
        given = array("X", X)
        if not given.size:
            raise InfoganError(f"X holds nothing: {given.shape}")
        if given.ndim == 2 and self.shape is None:
            return rows_of(given, (given.shape[1], 1, 1))
        order = layout(given.shape)
        if given.ndim == 2:
            shape = _checked_shape(self.shape, given.shape[1])
            given = given.reshape(-1, *shape)
            order = (0, 1, 2) if len(shape) == 2 else layout(given.shape)
        if order is None:
            raise InfoganError(
                "X: expected images (n, H, W), (n, H, W, C) or (n, C, H, W), or vectors (n, d), "
                f"got {given.shape}"
            )
        if self.shape is not None and given.shape[1:] != _checked_shape(self.shape, given[0].size):
            raise InfoganError(
                f"shape {tuple(self.shape)}, but X holds images {given.shape[1:]}; leave shape "
                "out: it is for images that are given as rows"
            )
        given = given.transpose(order)
        given = given[:, None] if given.ndim == 3 else given.transpose(0, 3, 1, 2)
        if given.shape[1] not in (1, 3):
            raise InfoganError(f"X: expected 1 or 3 channels, got {given.shape[1]}")
        return torch.from_numpy(np.ascontiguousarray(_as_bytes(given)))

    def _known(self, X: ArrayLike) -> Tensor:
        """X in the form that the model has learnt from."""
        check_is_fitted(self, "model_")
        images = self._images(X)
        if tuple(images.shape[1:]) != self.model_.shape:
            raise InfoganError(
                f"X: expected images {self.model_.shape}, as those of fit, got "
                f"{tuple(images.shape[1:])}"
            )
        return images

    def _read(self, images: Tensor) -> Tensor:
        """Q's outputs (n, n_params)."""
        dtype, _ = precision.choose("auto", precision.device("cpu"))
        return torch.cat([*outputs(self.model_, torch.split(images, BATCH), dtype)])

    def _labels(self, images: Tensor) -> NDArray[np.int32]:
        code = self._kinds()
        return columns(self.model_, self._read(images))[code.name]

    def _kinds(self) -> Categorical:
        """The code whose categories are the clusters."""
        if not self.model_.prior.categorical:
            raise InfoganError(f"codes {self.model_.prior}: there is no categorical one to predict")
        return self.model_.prior.categorical[0]


def _shape(images: Tensor) -> tuple[int, int, int]:
    channels, height, width = images.shape[1:]
    return channels, height, width


def _checked_shape(shape: Any, numbers: int) -> tuple[int, ...]:
    """The shape of one image, which is given as a row of so many numbers."""
    whole = isinstance(shape, Sequence) and all(isinstance(s, int | np.integer) for s in shape)
    if not whole or len(shape) not in (2, 3) or min(shape) < 1:
        raise InfoganError(f"shape {shape!r}: expected (H, W), (H, W, C) or (C, H, W)")
    if prod(shape) != numbers:
        raise InfoganError(
            f"shape {tuple(shape)} has {prod(shape)} numbers, rows of X have {numbers}; give the "
            "shape of one image"
        )
    return tuple(shape)


def _as_bytes(given: NDArray[Any]) -> NDArray[np.uint8]:
    """Pixels as bytes; floats may be beyond [0, 1] by what rounding makes of scaling."""
    if given.dtype.kind == "f":
        low, high = float(given.min()), float(given.max())
        if not (low >= -ROUNDED and high <= 1 + ROUNDED):
            raise InfoganError(
                f"X: expected floats in [0, 1] or bytes (uint8), got {low:g} to {high:g}; rescale "
                "them"
            )
        given = np.rint(255 * given.clip(0, 1))
    elif given.dtype.kind == "b":
        given = 255 * given.astype(np.uint8)
    elif given.dtype != np.uint8:
        raise InfoganError(f"X: expected floats in [0, 1] or bytes (uint8), got {given.dtype}")
    return given.astype(np.uint8)


def _flat(settings: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """Settings by their dotted names, whether they are given so or in groups; numpy's numbers as
    Python's."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        name = f"{above}{key}"
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{name}.")
        else:
            plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
            flat[name] = os.fspath(plain) if isinstance(plain, os.PathLike) else plain
    return flat


def _tree(flat: Mapping[str, Any]) -> dict[str, Any]:
    """Back again, as groups in groups."""
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *above, leaf = name.split(".")
        at: Any = tree
        for part in above:
            at = at.setdefault(part, {})
            if not isinstance(at, dict):
                raise InfoganError(f"settings: {name} and {part} are both given a value")
        if isinstance(at.get(leaf), dict):
            raise InfoganError(f"settings: {name} is a group of settings, got {value!r}")
        at[leaf] = value
    return tree
