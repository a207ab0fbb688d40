# SPDX-License-Identifier: Apache-2.0
"""HEIC by pillow-heif, which is an extra: its libraries are large, and few need them."""

import io
import warnings
from collections.abc import Callable

from PIL import ImageFile

from ..errors import MissingExtraError


def open_heif(file: io.BytesIO) -> ImageFile.ImageFile:
    """A HEIC file as a Pillow picture, not decoded yet.

    Raises:
        MissingExtraError: pillow-heif is not installed, or does not work.
    """
    try:
        from pillow_heif.as_plugin import HeifImageFile as Reader
    except ImportError as error:
        raise MissingExtraError(
            f"HEIC is read by pillow-heif, which is missing or broken ({error}); "
            "install the extra: pip install 'searchtransfer[heif]'"
        ) from error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader: Callable[[io.BytesIO], ImageFile.ImageFile] = Reader
        return reader(file)


def heif_works() -> bool:
    """Whether HEIC can be read here."""
    try:
        import pillow_heif.as_plugin  # noqa: F401
    except ImportError:
        return False
    return True
