# SPDX-License-Identifier: Apache-2.0
"""Pictures that explain a result: drawn with Pillow, returned as Pillow images."""

from .comparison import Panel as Panel
from .comparison import draw_comparison as draw_comparison
from .match_map import draw_match_map as draw_match_map
from .score_map import draw_score_map as draw_score_map
