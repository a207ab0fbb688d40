# SPDX-License-Identifier: Apache-2.0
"""File formats: which pictures can be opened here, and as what results can be downloaded."""

from functools import cache

from PIL import features

from ..images.formats import AVIF, FORMATS, HEIC, JPEG, PNG, TIFF, WEBP, Format
from ..images.heif import heif_works
from .job import Outcome

DOWNLOADS = {
    "png": (PNG, "image/png"),
    "tif": (TIFF, "image/tiff"),
    "jpg": (JPEG, "image/jpeg"),
    "webp": (WEBP, "image/webp"),
}
"""Format and media type by ending. PNG is what is made; the others are made when asked for."""


@cache
def opened() -> tuple[Format, ...]:
    """The formats that can be opened; some need a library that may be missing."""
    works = {HEIC: heif_works(), AVIF: bool(features.check("avif"))}
    return tuple(kind for kind in FORMATS if works.get(kind, True))


def offered(outcome: Outcome) -> dict[str, Format]:
    """The formats that can hold a result, by ending."""
    return {
        ending: kind
        for ending, (kind, _) in DOWNLOADS.items()
        if max(outcome.size) <= kind.longest_side and (kind.alpha or not outcome.transparent)
    }
