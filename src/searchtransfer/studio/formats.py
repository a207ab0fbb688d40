# SPDX-License-Identifier: Apache-2.0
"""File formats: which pictures can be opened here, and as what results can be downloaded."""

from functools import cache

from ..images.formats import AVIF, FORMATS, JPEG, PNG, TIFF, WEBP, Format
from ..images.libraries import missing
from .job import Outcome

DOWNLOADS = {
    "png": (PNG, "image/png"),
    "tif": (TIFF, "image/tiff"),
    "jpg": (JPEG, "image/jpeg"),
    "webp": (WEBP, "image/webp"),
    "avif": (AVIF, "image/avif"),
}
"""Format and media type by ending. PNG is what is made; the others are made when asked for."""


@cache
def opened() -> tuple[Format, ...]:
    """The formats that can be opened; some need a library that may be missing."""
    return tuple(kind for kind in FORMATS if missing(kind) is None)


def offered(outcome: Outcome) -> dict[str, Format]:
    """The formats that can hold a result, by ending."""
    return {
        ending: kind
        for ending, (kind, _) in DOWNLOADS.items()
        if kind in opened()
        and max(outcome.size) <= kind.longest_side
        and (kind.alpha or not outcome.transparent)
    }
