# SPDX-License-Identifier: Apache-2.0
"""The georeference of a GeoTIFF, and what becomes of it when the pixels get smaller.

Tags and keys: OGC GeoTIFF 1.1 (19-008r4), sections 7.1 and annex B.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PIXEL_SCALE, TIE_POINTS, TRANSFORMATION = 33550, 33922, 34264
KEYS, DOUBLES, TEXTS = 34735, 34736, 34737
GDAL_METADATA, GDAL_NO_DATA = 42112, 42113
TAGS = (PIXEL_SCALE, TIE_POINTS, TRANSFORMATION, KEYS, DOUBLES, TEXTS, GDAL_METADATA, GDAL_NO_DATA)
TAGS_OF_RPC = (50844,)
"""Rational coefficients of a raw satellite picture; not carried over."""

_RASTER_TYPE, _POINT = 1025, 2


@dataclass(frozen=True)
class Georeference:
    """The tags of a GeoTIFF, as Pillow gives them: tuples of numbers, or text."""

    tags: Mapping[int, Any]

    def resized(self, down: int | float, across: int | float) -> "Georeference":
        """The tags of the picture so many times as high and as wide.

        Coordinates of pixels are those of corners, unless the keys say that they are of centres.
        """
        factors = across, down
        shifts = [(x - 1) / 2 if self._of_centres() else 0.0 for x in factors]
        tags = dict(self.tags)
        if PIXEL_SCALE in tags:
            x, y, *rest = tags[PIXEL_SCALE]
            tags[PIXEL_SCALE] = (x / across, y / down, *rest)
        if TIE_POINTS in tags:
            numbers = list(tags[TIE_POINTS])
            for i in range(0, len(numbers) - 5, 6):
                for axis in (0, 1):
                    numbers[i + axis] = numbers[i + axis] * factors[axis] + shifts[axis]
            tags[TIE_POINTS] = tuple(numbers)
        if len(tags.get(TRANSFORMATION, ())) == 16:
            matrix = list(tags[TRANSFORMATION])
            for row in range(0, 16, 4):
                for axis in (0, 1):
                    matrix[row + axis] /= factors[axis]
                    matrix[row + 3] -= matrix[row + axis] * shifts[axis]
            tags[TRANSFORMATION] = tuple(matrix)
        return Georeference(tags)

    def _of_centres(self) -> bool:
        keys = self.tags.get(KEYS, ())
        return (_RASTER_TYPE, 0, 1, _POINT) in (
            tuple(keys[i : i + 4]) for i in range(4, len(keys), 4)
        )
