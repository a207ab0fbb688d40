# SPDX-License-Identifier: Apache-2.0
"""Luma by its published weights."""

import pytest
import torch

from searchtransfer.errors import ShapeError
from searchtransfer.images import luma_bt601


def test_primaries():
    primaries = torch.eye(3, dtype=torch.float64).reshape(3, 1, 3) * 256
    torch.testing.assert_close(
        luma_bt601(primaries), torch.tensor([[65.738, 129.057, 25.064]], dtype=torch.float64)
    )


def test_white_and_batch():
    luma = luma_bt601(torch.full((2, 3, 4, 5), 255.0))
    torch.testing.assert_close(luma, torch.full((2, 4, 5), 219.0), rtol=0, atol=0.01)


@pytest.mark.usefixtures("as_users_run")
def test_channels():
    with pytest.raises(ShapeError, match=r"must be \[..., 3, H, W\], got \[1, 4, 4\]"):
        luma_bt601(torch.zeros(1, 4, 4))
