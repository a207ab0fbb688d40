# SPDX-License-Identifier: Apache-2.0
"""Formats whose library may be missing, and what to install then."""

from PIL import features

from ..errors import MissingExtraError
from .formats import AVIF, HEIC, JPEG2000, WEBP, Format

_OF_PILLOW = {AVIF: "avif", WEBP: "webp", JPEG2000: "jpg_2000"}


def missing(kind: Format) -> str | None:
    """Why a format cannot be read or written here, and what to install; None where it can."""
    if kind is HEIC:
        try:
            import pillow_heif  # noqa: F401
        except ImportError as error:
            return (
                f"HEIC is read by pillow-heif, which is missing or broken ({error}); install the "
                "extra: pip install 'searchtransfer[heif]'"
            )
    elif (feature := _OF_PILLOW.get(kind)) and not features.check(feature):
        return (
            f"the Pillow that is installed was built without {kind.name}; "
            "install one with it: pip install --force-reinstall pillow"
        )
    return None


def check_library(kind: Format, name: str) -> None:
    """Raise `MissingExtraError`, about what `name` says, unless a format's library is there."""
    if reason := missing(kind):
        raise MissingExtraError(f"{name}: {reason}")
