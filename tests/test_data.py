import math
import tarfile

import numpy as np
import pyarrow
import pyarrow.parquet
import pytest
import torch
from pictures_of_all_kinds import folder_of
from test_data_factors import write_dsprites, write_shapes3d

from infogan.config import AugmentConfig, DataConfig
from infogan.data import SOURCES, augment, batch_indices, erased, load, to_float
from infogan.errors import InfoganError
from infogan.metrics.meaning import slant

NONE = AugmentConfig(rotation=0, shear=0, scale=0, shift=0, warp=0)


def test_warping_bends_by_no_more_than_it_says():
    """A ramp of slope 1 in x shows how far each pixel moved."""
    ramp = torch.linspace(0, 1, 28).expand(50, 1, 28, 28).contiguous()
    moved = (augment(ramp, only(warp=0.1), g()) - ramp)[:, :, 3:-3, 3:-3] * 27  # pixels
    # cubic interpolation may overshoot the nodes' ± 0.1 of 14 pixels a little
    assert 0.7 < moved.abs().max() < 1.4 * 1.4
    assert (moved[:, :, 1:] - moved[:, :, :-1]).abs().max() < 0.6  # smooth
    assert not torch.equal(moved[0], moved[1])


def test_a_band_along_one_side_is_erased_and_the_rest_stays():
    x = torch.rand(400, 2, 14, 28) + 0.1
    assert torch.equal(erased(x, 0.0, g()), x)
    some, every = erased(x, 0.4, g()), erased(x, 1.0, g())
    assert (some != x).flatten(1).any(1).float().mean().item() == pytest.approx(0.4, abs=0.1)
    sides = [0, 0, 0, 0]
    for image, whole in zip(every, x, strict=True):
        gone = (image == 0).all(0)
        assert torch.equal(image[:, ~gone], whole[:, ~gone])
        rows, columns = gone.all(1), gone.all(0)  # a row that is gone is gone from left to right
        across = rows if rows.any() else columns
        assert int(gone.sum()) == int(across.sum()) * (gone.numel() // len(across))
        assert 1 / 7 - 0.5 / len(across) <= across.float().mean() <= 1 / 2 + 0.5 / len(across)
        assert across[0] != across[-1]
        sides[2 * (not rows.any()) + int(across[-1])] += 1
    assert min(sides) > 60


def only(**changes):
    return AugmentConfig(
        **{"rotation": 0, "shear": 0, "scale": 0, "shift": 0, "warp": 0, **changes}
    )


@pytest.fixture(scope="session")
def settings(tmp_path_factory):
    """A small set of each source: what is made on the fly in few images, what is a file as one."""
    folder = tmp_path_factory.mktemp("sources")
    np.save(folder / "rows.npy", np.eye(30))
    pixels = folder_of(folder / "pictures", 30)
    np.save(folder / "pictures.npy", pixels)
    files = sorted((folder / "pictures").iterdir())
    rows = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    pyarrow.parquet.write_table(pyarrow.table({"image": rows}), folder / "pictures.parquet")
    with tarfile.open(folder / "pictures.tar", "w") as tar:
        for file in files:
            tar.add(file, file.name)
    return {
        "folder": DataConfig(source=str(folder / "pictures")),
        "array": DataConfig(source=str(folder / "pictures.npy")),
        "parquet": DataConfig(source=str(folder / "pictures.parquet")),
        "shards": DataConfig(source=str(folder / "pictures.tar")),
        "hub": DataConfig(source=f"hf:{folder / 'pictures'}"),  # `datasets` reads folders too
        "vectors": DataConfig(source=str(folder / "rows.npy")),
        "rooms": DataConfig(source="rooms", size=8, limit=20),
        "sprites": DataConfig(source="sprites", size=16, limit=20),
        "dsprites": DataConfig(source=str(write_dsprites(folder)), size=16),
        "shapes3d": DataConfig(source=str(write_shapes3d(folder)), size=16),
    }


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize("source", sorted(SOURCES))
def test_contract(source, split, settings, monkeypatch):
    if source == "hub":
        pytest.importorskip("datasets")
        monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    data = load(settings.get(source, DataConfig(source=source)), split)
    assert data.images.dtype == (torch.float32 if data.columns else torch.uint8)
    assert data.images.shape[1:] == torch.Size(data.shape)
    assert not data.columns or data.shape == (len(data.columns), 1, 1)
    assert data.split == split
    assert data.labels is None or data.labels.shape == (len(data.images),)
    if data.factors is not None:
        names, sizes, values = data.factors.names, data.factors.sizes, data.factors.values
        assert values.shape == (len(data.images), len(names))
        assert len(sizes) == len(names)
        assert all((values[:, f] >= 0).all() for f, size in enumerate(sizes) if size)
        assert all((values[:, f] < size).all() for f, size in enumerate(sizes) if size)


def test_mnist_is_mnist():
    train, test = load("mnist", "train"), load("mnist", "test")
    assert train.shape == (1, 28, 28)
    assert train.labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert torch.bincount(train.labels).sum() == 60_000
    assert torch.bincount(test.labels)[1] == 1135
    assert to_float(train.images).mean().item() == pytest.approx(0.1307, abs=1e-4)  # well known


def test_a_damaged_file_is_one_clear_error(monkeypatch, tmp_path):
    from importlib import resources

    real = resources.files("infogan")
    folder = tmp_path / "data" / "mnist"
    folder.mkdir(parents=True)
    for file in real.joinpath("data/mnist").iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr("infogan.data.mnist.resources.files", lambda _: tmp_path)
    assert len(load("mnist", "test").images) == 10_000
    images = folder / "t10k-images-idx3-ubyte.gz"
    images.write_bytes(images.read_bytes()[:-1])
    with pytest.raises(InfoganError, match="t10k-images-idx3-ubyte.gz is damaged"):
        load("mnist", "test")
    images.unlink()
    with pytest.raises(InfoganError, match="cannot read .*t10k-images"):
        load("mnist", "test")


def test_unknown_source_lists_what_there_is():
    with pytest.raises(InfoganError, match="unknown data source 'mnits'"):
        load("mnits", "train")


def test_every_epoch_sees_every_image_once_in_its_own_order():
    n, batch = 103, 10
    epochs = [
        torch.cat([batch_indices(n, batch, 10 * e + i, seed=1) for i in range(10)])
        for e in range(2)
    ]
    assert all(len(epoch.unique()) == 100 for epoch in epochs)
    assert not torch.equal(*epochs)
    assert torch.equal(batch_indices(n, batch, 7, seed=1), batch_indices(n, batch, 7, seed=1))
    assert not torch.equal(batch_indices(n, batch, 7, seed=1), batch_indices(n, batch, 7, seed=2))
    assert batch_indices(3, 10, 5, seed=0).shape == (10,)
    assert batch_indices(3, 10, 5, seed=0).max() < 3


def bars(n, slope=0.0):
    """Bars of a given slant, 28×28."""
    y, x = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    centre = 13.5 + slope * (13.5 - y)
    ink = ((x - centre).abs() < 1.5) & ((y - 13.5).abs() < 9)
    return ink.float().expand(n, 1, 28, 28).contiguous()


def g(seed=0):
    return torch.Generator().manual_seed(seed)


def test_augmentation_turned_off_is_the_identity():
    x = torch.rand(4, 2, 9, 9)
    assert torch.allclose(augment(x, NONE, g()), x, atol=1e-5)


def test_augmentation_is_by_image_and_by_generator():
    x = bars(8)
    a = augment(x, AugmentConfig(), g(1))
    assert a.shape == x.shape
    assert 0 <= a.min() <= a.max() <= 1
    assert torch.equal(a, augment(x, AugmentConfig(), g(1)))
    assert not torch.equal(a, augment(x, AugmentConfig(), g(2)))
    assert not torch.equal(a[0], a[1])


def test_rotation_and_shear_have_the_stated_range():
    """A bar turned by θ leans tan θ; one sheared by s leans s."""
    angles = slant(augment(bars(400), only(rotation=15), g())).float()
    assert angles.abs().max() < math.tan(math.radians(15)) + 0.03
    assert angles.abs().max() > math.tan(math.radians(12))
    leans = slant(augment(bars(400), only(shear=0.2), g())).float()
    assert 0.16 < leans.abs().max() < 0.22
    assert abs(angles.mean()) < 5 * angles.std() / 20  # no preferred way


def test_shift_and_scale_have_the_stated_range():
    x = bars(400)

    def centre(images):
        weight = images.sum((1, 2))  # ink by column
        return (weight * torch.arange(28.0)).sum(1) / weight.sum(1)

    moved = centre(augment(x, only(shift=1 / 14), g())) - 13.5
    assert 1.8 < moved.abs().max() < 2.05  # 2 pixels of 28
    area = augment(x, only(scale=0.15), g()).sum((1, 2, 3)) / x.sum((1, 2, 3))
    assert 0.74 < area.min() < 0.82  # 1 / 1.15²
    assert 1.30 < area.max() < 1.45  # 1 / 0.85²
