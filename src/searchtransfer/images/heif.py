# SPDX-License-Identifier: Apache-2.0
"""HEIC by pillow-heif, which is an extra: its libraries are large, and few need them."""

import io
import warnings
from collections.abc import Callable

import numpy as np
from PIL import ImageFile

from .samples import Samples


def open_heif(file: io.BytesIO) -> ImageFile.ImageFile:
    """A HEIC file as a Pillow picture, not decoded yet; of 8 bits, whatever the file has."""
    from pillow_heif.as_plugin import HeifImageFile

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader: Callable[[io.BytesIO], ImageFile.ImageFile] = HeifImageFile
        return reader(file)


def deep_heif(data: bytes) -> Samples:
    """The samples `[H, W, C]` of the main picture as they are, uint16 of 10 or 12 bits."""
    import pillow_heif

    file = pillow_heif.open_heif(data, convert_hdr_to_8bit=False, hdr_to_16bit=False)
    samples = np.array(file[file.primary_index])
    return samples.reshape(*samples.shape[:2], -1)
