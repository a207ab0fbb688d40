# SPDX-License-Identifier: Apache-2.0
"""Networks for other runtimes: ONNX files and programs of `torch.export`."""

from .write import FORMATS as FORMATS
from .write import export as export
