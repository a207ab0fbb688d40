# SPDX-License-Identifier: Apache-2.0
"""What has happened to a small image: noise and compression, told from its pixels, and
words for them."""

from .wear import CLEAN as CLEAN
from .wear import Wear as Wear
from .wear import parse_wear as parse_wear
from .wear import wear_of as wear_of
