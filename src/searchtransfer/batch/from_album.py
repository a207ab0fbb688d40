# SPDX-License-Identifier: Apache-2.0
"""A provider that chooses the references of each image from an album."""

import warnings
from dataclasses import replace

from ..albums import Album
from ..foreign import shown
from ..images import MAX_PIXELS, ImageWarning, crop_to_multiple, degrade, read_image
from ..images.alpha import with_hidden_filled
from .plan import Job
from .references import References
from .shelf import Shelf


class FromAlbum:
    """Chooses references of each image from an album, and keeps the latest.

    Args:
        album: the photos.
        shelf: reads and prepares them.
        top: how many serve an image, at most.
        reduce: reduce the image first.
        max_pixels: as in `images.read_image`.
    """

    def __init__(
        self,
        album: Album,
        shelf: Shelf,
        top: int = 3,
        reduce: bool = False,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._album, self._shelf, self._top = album, shelf, top
        self._reduce, self._max_pixels = reduce, max_pixels

    def chosen(self, job: Job) -> Job:
        """The job with what the album has for it; none, where nothing there shows the same.

        Raises:
            ImageFileError: its image cannot be read.

        Warns:
            ImageWarning: nothing shows the same; or a photo is gone.
        """
        if job.references:  # chosen before
            gone = next((x for x in job.references if not x.is_file()), None)
            if gone is None:
                return job
            note = f"album {shown(self._album.folder)}: {shown(gone)} is gone, so it is chosen anew"
            warnings.warn(note, ImageWarning, stacklevel=2)
        image = with_hidden_filled(read_image(job.source, max_pixels=self._max_pixels))
        colour, scale = image.colour.float(), self._shelf.scale
        if self._reduce and min(image.size) >= scale:
            colour = degrade(crop_to_multiple(colour, scale), scale)
        found = self._album.choose(colour, self._top, leave_out=job.source)
        if not found:
            warnings.warn(
                f"album {shown(self._album.folder)}: no photo shows the same as "
                f"{shown(job.source)}",
                ImageWarning,
                stacklevel=2,
            )
        return replace(job, references=tuple(found))

    def of(self, job: Job) -> References:
        """The references that were chosen; see `Shelf.of`."""
        return self._shelf.of(job)
