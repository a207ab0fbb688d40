# SPDX-License-Identifier: Apache-2.0
"""Decoded photos kept in memory, up to a size."""

from pathlib import Path

from .pixels import Pixels, read_pixels


class PhotoCache:
    """Keeps the first photos that fit, and reads all others anew each time.

    Nothing is ever dropped for another: an epoch asks for each photo about once, so the one that
    was not used for longest is the next that will be.

    Args:
        size: bytes to keep at most; 0 keeps nothing.
    """

    def __init__(self, size: int = 0) -> None:
        self._free = size
        self._photos: dict[Path, Pixels] = {}

    def read(self, path: Path) -> Pixels:
        """The photo as `read_pixels` gives it, not to be written to."""
        known = self._photos.get(path)
        if known is not None:
            return known
        pixels = read_pixels(path)
        if pixels.nbytes <= self._free:
            pixels.setflags(write=False)
            self._photos[path] = pixels
            self._free -= pixels.nbytes
        return pixels
