# SPDX-License-Identifier: Apache-2.0
"""Networks as `torch.nn.Module`s; the mathematics is in `operators`."""

from .discriminator import Discriminator as Discriminator
from .fusion_net import FusionNet as FusionNet
from .main_net import MainNet as MainNet
from .search_transfer import SearchTransfer as SearchTransfer
from .texture_extractor import TextureExtractor as TextureExtractor
from .ttsr import TTSR as TTSR
from .ttsr_file import convert_ttsr as convert_ttsr
from .ttsr_file import load_ttsr as load_ttsr
from .vgg import VGGFeatures as VGGFeatures
