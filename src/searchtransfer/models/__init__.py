# SPDX-License-Identifier: Apache-2.0
"""Models: from a low-resolution image and a reference to a sharp image. The upscaler runs them."""

from .fusion import FusionModel as FusionModel
from .model import Model as Model
from .model import Upscaled as Upscaled
from .transfer import TransferModel as TransferModel
from .ttsr import TTSRModel as TTSRModel
