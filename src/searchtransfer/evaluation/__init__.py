# SPDX-License-Identifier: Apache-2.0
"""How good a result is: metrics, the protocols they belong to, and reports."""

from .evaluate import Evaluation as Evaluation
from .evaluate import Method as Method
from .evaluate import Pictures as Pictures
from .evaluate import Row as Row
from .evaluate import evaluate as evaluate
from .gallery import Gallery as Gallery
from .gallery import to_html as to_html
from .lpips import LPIPS as LPIPS
from .methods import bicubic as bicubic
from .methods import with_ttsr as with_ttsr
from .methods import with_upscaler as with_upscaler
from .metrics import Profile as Profile
from .metrics import psnr as psnr
from .metrics import ssim as ssim
from .report import table as table
from .report import to_csv as to_csv
from .report import to_json as to_json
from .report import write_report as write_report
