# SPDX-License-Identifier: Apache-2.0
"""The one command from photos to weights."""

import pytest
from safetensors.torch import load_file
from training.data.photos import photo, saved

from searchtransfer.errors import ConfigError
from searchtransfer.networks import FusionNet
from searchtransfer.training.fusion.__main__ import train_from_photos
from searchtransfer.training.fusion.config import Config
from searchtransfer.training.fusion.crops import crop_files
from searchtransfer.weights import load_weights

TINY = Config(
    features=8, blocks=1, steps=2, batch=2, side=16, validate_every=2, warm_up=1, bfloat16=False,
    crops=4, held_out_crops=2,
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = tmp_path_factory.mktemp("photos")
    for i in range(12):
        saved(root / f"{i}.png", photo(128, 136, seed=i))
    return root


def test_from_photos_to_weights(data, tmp_path):
    best = train_from_photos(TINY, data, tmp_path)
    load_weights(FusionNet(8, 1), best)
    files = [*crop_files(tmp_path / "crops/train"), *crop_files(tmp_path / "crops/held-out")]
    assert len(files) == 6
    before = [x.stat().st_mtime_ns for x in (*files, best)]
    assert train_from_photos(TINY, data, tmp_path) == best
    assert [x.stat().st_mtime_ns for x in (*files, best)] == before


def test_processes_share_the_work(data, tmp_path):
    alone, shared = tmp_path / "alone", tmp_path / "shared"
    paths = [train_from_photos(TINY, data, x, processes=n) for x, n in ((alone, 1), (shared, 2))]
    crops = [
        {x.relative_to(folder): x.read_bytes() for x in folder.rglob("crops/*/*.safetensors")}
        for folder in (alone, shared)
    ]
    assert crops[0] == crops[1]
    ours, theirs = (load_file(path) for path in paths)
    assert ours.keys() == theirs.keys()
    assert all(ours[name].equal(theirs[name]) for name in ours)


def test_how_many_crops_must_be_said(data, tmp_path):
    with pytest.raises(ConfigError, match="crops must be a number"):
        train_from_photos(Config(), data, tmp_path)
    assert not any(tmp_path.iterdir())
