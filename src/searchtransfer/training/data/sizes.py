# SPDX-License-Identifier: Apache-2.0
"""Sizes of photos, known without decoding them."""

from pathlib import Path

from PIL import Image


def shorter_side(path: Path) -> int | None:
    """In pixels; None of what is no picture, or one whose size is not known without decoding."""
    try:
        with Image.open(path) as image:
            return int(min(image.size))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
