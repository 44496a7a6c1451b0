"""The scikit-learn face: arrays in, labels and codes out."""

import io
import sys
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from infogan import precision
from infogan.codes import Categorical, probs
from infogan.config import Config, from_yaml, recipe
from infogan.data.array import layout
from infogan.encode import columns, outputs
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
BATCH = 256


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
        self.config_ = self._config(images)
        place = nullcontext(self.run) if self.run else tempfile.TemporaryDirectory()
        with place as folder:
            path = Path(folder) if self.run else Path(folder) / "run"
            run = Run.create(path, self.config_, "infogan.Estimator")
            stream = sys.stdout if self.verbose else io.StringIO()
            try:
                progress = Progress(Prior.parse(self.config_.codes), stream)
                train(self.config_, images, run, progress)
            except Interrupted:
                raise KeyboardInterrupt from None
            for said in run.warnings().values():
                warnings.warn(said, stacklevel=2)
            self.model_ = InfoGAN.from_pretrained(path)
        if self.model_.prior.categorical:
            self.labels_ = self._labels(images)
        return self

    def predict(self, X: ArrayLike) -> NDArray[np.int32]:
        """The likeliest category of each image, (n,)."""
        return self._labels(self._known(X))

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float32]:
        """Q(k|x), (n, K)."""
        code = self._kinds()
        q = self.model_.prior.q(torch.cat(self._read(self._known(X))))
        p: NDArray[np.float32] = probs(q[code.name]).numpy()
        return p

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """What the continuous codes read, Q's means, (n, d); their order is that of
        `get_feature_names_out`."""
        images = self._known(X)
        table = columns(self.model_, torch.cat(self._read(images)))
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

    def _config(self, images: Tensor) -> Config:
        """The settings that `infogan train` would have for these images, and the user's own."""
        own = dict(self.settings or {})
        config = recipe("vectors" if images.is_floating_point() else "images")
        channels, height, width = images.shape[1:]
        shape = (channels, height, width)
        config, _ = fitted(config, len(images), shape, own.get("train.updates"))
        config = replace(config, codes=self._codes(Prior.parse(config.codes)))
        config = replace(config, train=replace(config.train, seed=checked_seed(self.random_state)))
        tree: dict[str, Any] = {}
        for name, value in own.items():
            *above, leaf = str(name).split(".")
            at = tree
            for part in above:
                at = at.setdefault(part, {})
            at[leaf] = list(value) if isinstance(value, tuple) else value
        return from_yaml(yaml.safe_dump(tree), "settings", config)

    def _codes(self, usual: Prior) -> str:
        """The codes of such images, as many as are wanted."""
        slider = replace(usual.continuous[0], name="u")
        terms = [f"z{usual.noise}", f"kind:cat{self.n_clusters}"]
        if self.n_sliders:
            terms.append(f"{self.n_sliders}{slider.term()}@{slider.lam:g}")
        return " + ".join(terms)

    def _images(self, X: ArrayLike) -> Tensor:
        """X as a data set holds it: bytes (n, C, H, W), or vectors (n, d, 1, 1)."""
        given = array("X", X)
        if given.ndim == 2 and self.shape is None:
            return rows_of(given, (given.shape[1], 1, 1))
        if given.ndim == 2 and self.shape is not None:
            if prod(self.shape) != given.shape[1]:
                raise InfoganError(
                    f"shape {tuple(self.shape)} has {prod(self.shape)} numbers, rows of X have "
                    f"{given.shape[1]}; give the shape of one image"
                )
            given = given.reshape(-1, *self.shape)
        order = layout(given.shape)
        if order is None:
            raise InfoganError(
                "X: expected images (n, H, W), (n, H, W, C) or (n, C, H, W), or vectors (n, d), "
                f"got {given.shape}"
            )
        given = given.transpose(order)
        given = given[:, None] if given.ndim == 3 else given.transpose(0, 3, 1, 2)
        if given.shape[1] not in (1, 3):
            raise InfoganError(f"X: expected 1 or 3 channels, got {given.shape[1]}")
        if given.dtype.kind == "f":
            if not (given.min() >= 0 and given.max() <= 1):
                low, high = given.min(), given.max()
                raise InfoganError(
                    f"X: expected floats in [0, 1] or bytes (uint8), got {low:g} to {high:g}; "
                    "rescale them"
                )
            given = np.rint(255 * given)
        elif given.dtype.kind == "b":
            given = 255 * given
        elif given.dtype != np.uint8:
            raise InfoganError(f"X: expected floats in [0, 1] or bytes (uint8), got {given.dtype}")
        return torch.from_numpy(np.ascontiguousarray(given.astype(np.uint8)))

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

    def _read(self, images: Tensor) -> list[Tensor]:
        """Q's outputs, batch by batch."""
        dtype, _ = precision.choose("auto", precision.device("cpu"))
        return [*outputs(self.model_, torch.split(images, BATCH), dtype)]

    def _labels(self, images: Tensor) -> NDArray[np.int32]:
        found: NDArray[np.int32] = columns(self.model_, torch.cat(self._read(images)))[
            self._kinds().name
        ]
        return found

    def _kinds(self) -> Categorical:
        """The code whose categories are the clusters."""
        if not self.model_.prior.categorical:
            raise InfoganError(f"codes {self.model_.prior}: there is no categorical one to predict")
        return self.model_.prior.categorical[0]
