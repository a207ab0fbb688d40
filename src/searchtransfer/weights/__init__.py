# SPDX-License-Identifier: Apache-2.0
"""Weight files: read without running anything in them, checked before anything is built."""

from .build import build as build
from .description import Description as Description
from .file import WeightsFile as WeightsFile
from .file import read_weights as read_weights
from .load import check_tensors as check_tensors
from .load import load_state as load_state
from .load import load_weights as load_weights
from .save import convert as convert
from .save import save_weights as save_weights
from .vgg import load_vgg as load_vgg
from .vgg import read_vgg as read_vgg
from .vgg import start_from_vgg19 as start_from_vgg19
