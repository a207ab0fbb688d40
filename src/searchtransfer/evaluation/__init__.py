# SPDX-License-Identifier: Apache-2.0
"""How good a result is: metrics and the protocols they belong to."""

from .metrics import Profile as Profile
from .metrics import psnr as psnr
from .metrics import ssim as ssim
