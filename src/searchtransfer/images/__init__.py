# SPDX-License-Identifier: Apache-2.0
"""Pictures: reading, writing, converting, resizing, and cutting into tiles."""

from .background import on_background as on_background
from .background import parse_colour as parse_colour
from .colour import luma_bt601 as luma_bt601
from .convert import from_numpy as from_numpy
from .convert import from_pil as from_pil
from .convert import from_tensor as from_tensor
from .convert import to_numpy as to_numpy
from .convert import to_pil as to_pil
from .convert import to_tensor as to_tensor
from .image import Bits as Bits
from .image import Image as Image
from .image import ImageWarning as ImageWarning
from .image import Metadata as Metadata
from .profiles import to_profile as to_profile
from .reading import MAX_PIXELS as MAX_PIXELS
from .reading import read_image as read_image
from .resize import crop_to_multiple as crop_to_multiple
from .resize import degrade as degrade
from .resize import down as down
from .resize import down_phases as down_phases
from .resize import up as up
from .tiles import Tile as Tile
from .tiles import plan_tiles as plan_tiles
from .writing import check_output as check_output
from .writing import write_image as write_image
