# SPDX-License-Identifier: Apache-2.0
"""Whatever is wrong with what the Python interface is given is told by an error of this package."""

import numpy as np
import pytest
import torch
from scenes import sharp

from searchtransfer import Reference, Upscaler
from searchtransfer.devices import usable_device
from searchtransfer.errors import OptionError, SearchTransferError, ShapeError

PHOTO = torch.from_numpy(sharp()).permute(2, 0, 1) / 255
SMALL = PHOTO[:, ::4, ::4]

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
