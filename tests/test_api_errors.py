# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with what the Python interface is given is told by an error of this package."""

import numpy as np
import pytest
import torch
from scenes import sharp

from searchtransfer import (
    Reference,
    SearchTransfer,
    Upscaler,
    search,
    transfer,
    upscale_each,
)
from searchtransfer.errors import OptionError, SearchTransferError, ShapeError
from searchtransfer.images import degrade, from_tensor, read_image, write_image
from searchtransfer.networks import TTSR, FusionNet
from searchtransfer.operators import Keys, search_views
from searchtransfer.process.devices import usable_device

PHOTO = torch.from_numpy(sharp()).permute(2, 0, 1) / 255
SMALL = PHOTO[:, ::4, ::4]
CELLS = torch.rand(1, 2, 5, 6)
INDEX = torch.zeros(1, 5, 6, dtype=torch.int64)

ABSENT = [] if torch.cuda.is_available() else ["cuda", "cuda:3", 0]


@pytest.mark.parametrize("device", ["foo", "meta", "cpu:x", object(), "", *ABSENT])
@pytest.mark.parametrize("use", ["upscaler", "reference", "alone"])
def test_devices_that_cannot_be_used(as_users_run, device, use):
    with pytest.raises(OptionError, match=r"device .* cannot be used here .*; use 'cpu'"):
        if use == "upscaler":
            Upscaler.from_pretrained("transfer", device=device)
        elif use == "reference":
            Reference.build([PHOTO]).to(device)
        else:
            usable_device(device)


@pytest.mark.parametrize("device", [None, "cpu", torch.device("cpu")])
def test_devices_that_can_be_used(device):
    assert usable_device(device) == torch.device("cpu")
    assert Upscaler.from_pretrained("transfer", device=device).device == torch.device("cpu")


def test_no_progress_wanted():
    upscaler = Upscaler.from_pretrained("transfer")
    assert upscaler.upscale(SMALL, PHOTO, on_progress=None).image.shape == (3, 24, 32)


@pytest.mark.parametrize(
    "call",
    [
        lambda up: up.upscale(SMALL, PHOTO, on_progress=5),
        lambda up: up.upscale(SMALL, PHOTO, tile=2.0),
        lambda up: up.upscale(SMALL, PHOTO, tile=True),
        lambda up: up.upscale(SMALL, PHOTO, tile=-1),
        lambda up: up.upscale(SMALL, []),
        lambda up: up.upscale(SMALL, 5),
        lambda up: up.upscale(SMALL, [None]),
        lambda up: up.upscale(5, PHOTO),
        lambda up: up.upscale("", PHOTO),
        lambda up: up.upscale("no such file.png", PHOTO),
        lambda up: up.upscale(SMALL, "no such file.png"),
        lambda up: up.upscale(SMALL, np.zeros((3, 30, 30), np.uint8)),
        lambda up: up.upscale(SMALL),
        lambda up: Upscaler.from_pretrained("transfer", scale=0.5),
        lambda up: Upscaler.from_pretrained("transfer", scale="4"),
        lambda up: Upscaler.from_pretrained("transfer", scale=True),
        lambda up: Upscaler.from_pretrained("transfer", search="quick"),
        lambda up: Upscaler.from_pretrained(5),
        lambda up: Upscaler.from_pretrained(""),
        lambda up: Upscaler.from_pretrained("fusion", weights=""),
        lambda up: Upscaler.from_pretrained("fusion", weights="no such file"),
        lambda up: Reference.build([PHOTO], 4.0),
        lambda up: Reference.build([PHOTO], "4"),
        lambda up: Reference.load("no such file"),
        lambda up: Reference.load(None),
        lambda up: Reference.build(5),
        lambda up: Reference.build("photo.png"),
        lambda up: Reference.build(PHOTO),
        lambda up: Reference.build([np.zeros((9, 9, 3))]),
        lambda up: Reference.build([PHOTO.to("meta")]),
        lambda up: Reference.build([PHOTO]).save(None),
        lambda up: Upscaler.from_pretrained("fusion", weights=5),
        lambda up: Upscaler.from_pretrained("transfer", search=np.zeros(3)),
        lambda up: Upscaler.from_pretrained(look=None),
        lambda up: up.prepare(PHOTO.to_sparse()),
        lambda up: up.upscale(SMALL.to("meta"), PHOTO),
        lambda up: up.upscale(SMALL, PHOTO, size=5),
        lambda up: up.upscale(SMALL, PHOTO, size=(1, 2, 3)),
        lambda up: up.upscale(SMALL, PHOTO, size=(10, True)),
        lambda up: up.upscale(SMALL, PHOTO, tile=np.zeros(3)),
        lambda up: upscale_each(None, [SMALL], PHOTO),
        lambda up: upscale_each(up, None, PHOTO),
        lambda up: upscale_each(up, [SMALL], PHOTO, on_progress=5),
        lambda up: upscale_each(up, [SMALL], PHOTO, cancelled=5),
        lambda up: search(None, CELLS),
        lambda up: search(CELLS, CELLS, backend=None),
        lambda up: search(CELLS, CELLS, patch_size=None),
        lambda up: search_views(None, [CELLS]),
        lambda up: search_views(CELLS, None),
        lambda up: search_views(CELLS, Keys([CELLS[0]]), np.zeros(3)),
        lambda up: Keys(None),
        lambda up: transfer(CELLS, None, (5, 6)),
        lambda up: transfer(CELLS, INDEX, None, 1),
        lambda up: transfer(CELLS, INDEX, "56", 1),
        lambda up: transfer(CELLS, INDEX, (5, 6.0), 1),
        lambda up: transfer(CELLS, INDEX, (5, 6), 1, np.zeros(3)),
        lambda up: SearchTransfer(None),
        lambda up: TTSR(blocks=None),
        lambda up: TTSR(features=None),
        lambda up: TTSR(features=10**30),
        lambda up: TTSR(texture_channels=""),
        lambda up: TTSR(overlap=np.zeros(3)),
        lambda up: FusionNet(features=None),
        lambda up: read_image(None),
        lambda up: read_image(b"a.png"),
        lambda up: read_image("a\0b.png"),
        lambda up: write_image(None, "a.png"),
        lambda up: write_image(from_tensor(PHOTO), None),
        lambda up: write_image(from_tensor(PHOTO), "a.png", metadata=5),
        lambda up: write_image(from_tensor(PHOTO), "a.png", on_exists=np.zeros(3)),
        lambda up: from_tensor(None),
        lambda up: degrade(None, 4),
        lambda up: degrade(PHOTO.to("meta"), 4),
    ],
)
def test_wrong_arguments(as_users_run, call):
    with pytest.raises(SearchTransferError):
        call(Upscaler.from_pretrained("transfer"))


@pytest.mark.parametrize("shape", [(3, 50, 50), (1, 20, 30), (7, 8, 9)])
def test_an_array_of_another_order_is_told_by_the_shape_that_it_has(shape):
    upscaler = Upscaler.from_pretrained("transfer")
    with pytest.raises(ShapeError) as fault:
        upscaler.upscale(np.zeros(shape, np.uint8), PHOTO)
    assert f"got {list(shape)}" in str(fault.value)
    assert ("transpose it (1, 2, 0)" in str(fault.value)) == (shape[0] < 5)
