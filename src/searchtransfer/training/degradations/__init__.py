# SPDX-License-Identifier: Apache-2.0
"""What wears pictures: parts, chains of them, and how chains are drawn.

A part takes a picture, float32 RGB from 0 to 255, and a random generator, and returns a picture:
`Jpeg(62)(picture, rng)`. A `Chain` puts parts around a reduction and rounds once, at its end.
"""

from .chain import Chain as Chain
from .chain import clean as clean
from .codecs import Film as Film
from .codecs import Jpeg as Jpeg
from .codecs import WebP as WebP
from .downsampling import Detour as Detour
from .downsampling import Downsampling as Downsampling
from .drawing import draw_chain as draw_chain
from .drawing import draw_wear as draw_wear
from .noise import Noise as Noise
from .optics import Blur as Blur
from .optics import Sharpening as Sharpening
from .recipes import ALBUM as ALBUM
from .recipes import CLEAN as CLEAN
from .recipes import Album as Album
from .recipes import Recipe as Recipe
