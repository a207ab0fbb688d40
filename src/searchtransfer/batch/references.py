# SPDX-License-Identifier: Apache-2.0
"""Reference files: read once, in the colours of the images, prepared once."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ..errors import ImageFileError, OptionError
from ..foreign import shown
from ..images import MAX_PIXELS, Image, ImageWarning, read_image, to_profile
from ..images.files import some_images_in
from ..images.listing import LeftOut
from ..references import Reference
from .plan import Job

MOST_PREPARED = 2
"""Sets of references, each in another colour profile, that are kept ready."""


def read_references(
    paths: Sequence[Path],
    *,
    scale: int,
    keep_going: bool = False,
    needed: bool = True,
    max_pixels: int = MAX_PIXELS,
) -> dict[Path, Image]:
    """Read reference photos; a folder stands for all images in it and in its subfolders.

    Args:
        paths: files and folders; what is named twice is read once.
        scale: a photo must have so many pixels on either side.
        keep_going: leave out a photo that cannot be used, with a warning.
        needed: there must be one; models that can do without need none.
        max_pixels: as in `images.read_image`.

    Raises:
        OptionError: there is none, and one is needed.
        ImageFileError: one cannot be used, or with `keep_going` none can; a folder has no images.

    Warns:
        ImageWarning: a photo was left out, or not all of its file was understood.
    """
    if not paths:
        if not needed:
            return {}
        raise OptionError(
            "references: the model needs at least one sharp photo, got none; name it with -r, "
            "a file or a folder, or use a model that works alone: -n fusion, for -s 4"
        )
    photos: dict[Path, Image] = {}
    files = dict.fromkeys(file for path in paths for file in files_of(path))
    for path in files:
        try:
            photos[path] = _read(path, scale, max_pixels)
        except ImageFileError as error:
            if not keep_going:
                raise
            warnings.warn(f"{error}; it is left out", ImageWarning, stacklevel=2)
    if not photos:
        raise ImageFileError(f"references: none of the {len(files)} can be used; see the warnings")
    return photos


def files_of(path: Path, on_left_out: Callable[[LeftOut], None] | None = None) -> list[Path]:
    """A reference, or those of a folder; none is opened.

    `on_left_out` hears of each file of a folder that is no image; None: a warning names them.

    Raises:
        ImageFileError: a folder has no images, or cannot be listed.
    """
    if not path.is_dir():
        return [path]
    return some_images_in(path, "reference folder", on_left_out=on_left_out)


def _read(path: Path, scale: int, max_pixels: int) -> Image:
    try:
        photo = read_image(path, max_pixels=max_pixels)
    except ImageFileError as error:
        raise ImageFileError(f"reference {str(error).removeprefix('image ')}") from None
    height, width = photo.size
    if min(height, width) < scale:
        raise ImageFileError(
            f"reference {shown(path)}: has {width} x {height} pixels, "
            f"at least {scale} x {scale} are needed for scale {scale}"
        )
    return photo


@dataclass
class References:
    """The photos, prepared once for each colour profile that an image asks for."""

    photos: dict[Path, Image]
    prepare: Callable[[list[Image]], Reference]
    """As of an `Upscaler`."""
    _prepared: dict[bytes | None, Reference] = field(default_factory=dict)

    def chosen(self, job: Job) -> Job:
        """A job with its references: all of these."""
        return replace(job, references=tuple(self.photos))

    def of(self, job: Job) -> "References":
        """Those of a job: the same for each."""
        return self

    def fitting(self, image: Image) -> Reference | None:
        """The references in the colours of an image; None if there are no photos.

        Warns:
            ImageWarning: a photo could not be converted and is used as it is.
        """
        if not self.photos:
            return None
        icc = image.metadata.icc
        if icc not in self._prepared:
            if len(self._prepared) >= MOST_PREPARED:
                del self._prepared[next(iter(self._prepared))]
            self._prepared[icc] = self.prepare(
                [
                    to_profile(photo, icc, f"reference {shown(path)}")
                    for path, photo in self.photos.items()
                ]
            )
        return self._prepared[icc]
