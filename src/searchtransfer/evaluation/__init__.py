# SPDX-License-Identifier: Apache-2.0
"""How good a result is: metrics, the protocols they belong to, and reports."""

from .comparison import Comparison as Comparison
from .gallery import Gallery as Gallery
from .gallery import to_html as to_html
from .lpips import LPIPS as LPIPS
from .methods import bicubic as bicubic
from .methods import with_ttsr as with_ttsr
from .methods import with_upscaler as with_upscaler
from .metrics import Profile as Profile
from .metrics import psnr as psnr
from .metrics import ssim as ssim
from .protocol import Evaluation as Evaluation
from .protocol import Method as Method
from .protocol import Pictures as Pictures
from .protocol import Row as Row
from .protocol import evaluate as evaluate
from .report import check_reports as check_reports
from .report import table as table
from .report import to_csv as to_csv
from .report import to_json as to_json
from .report import write_report as write_report
