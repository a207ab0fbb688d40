# SPDX-License-Identifier: Apache-2.0
"""How good a result is: metrics, the protocols they belong to, and reports."""

from .evaluate import Evaluation as Evaluation
from .evaluate import Method as Method
from .evaluate import Pictures as Pictures
from .evaluate import Row as Row
from .evaluate import evaluate as evaluate
from .lpips import LPIPS as LPIPS
from .methods import bicubic as bicubic
from .methods import with_ttsr as with_ttsr
from .methods import with_upscaler as with_upscaler
from .metrics import Profile as Profile
from .metrics import psnr as psnr
from .metrics import ssim as ssim
