# SPDX-License-Identifier: Apache-2.0
"""What can be known of a job before its work: whether it can be read, made and written."""

import warnings
from pathlib import Path

from ..errors import ImageFileError, OptionError, OutputError
from ..files import check_file
from ..foreign import shown
from ..images import check_output, read_image
from ..images.sizes import SizeWish, check_within
from ..process.memory import memory_limit
from ..upscaler import Upscaler
from .plan import Job
from .settings import Settings

WORKING_BYTES = 2 * 3 * 4
"""Of memory for each pixel of a result, at the least: the picture and its copy for the file."""


def check_job(job: Job, settings: Settings, upscaler: Upscaler) -> None:
    """Find out whether a job can be done, by reading its input; nothing is written.

    Raises:
        ImageFileError: the input cannot be read or is too small; the result does not fit the
            format or the memory.
        OutputError: an output exists, is an input, or cannot be written.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the work itself reads again, and warns
        image = read_image(job.source, max_pixels=settings.max_pixels)
    scale, (height, width) = upscaler.scale, image.size
    if settings.lr_from_hr:
        check_reducible(job.source, image.size, scale)
        size = height - height % scale, width - width % scale
    else:
        wish = settings.wish or SizeWish(upscaler.factor)
        size = wish.of(image.size) or image.size
        try:
            check_within(size, image.size, scale)
        except OptionError as error:
            raise ImageFileError(f"image {shown(job.source)}: {error}") from None
    needed, present = height * width * scale**2 * WORKING_BYTES, memory_limit()
    if needed > present:
        raise ImageFileError(
            f"image {shown(job.source)}: the result of {width * scale} x {height * scale} pixels "
            f"needs at least {needed / 2**30:.1f} GiB of memory, and there are "
            f"{present / 2**30:.1f}; "
            "use a smaller scale (-s 2) or cut the image"
        )
    inputs = [job.source, *job.references]
    check_output(
        job.target,
        size=size,
        alpha=image.alpha is not None and settings.background is None,
        bits=settings.bits or image.bits,
        bands=0 if image.bands is None else len(image.bands),
        on_exists=settings.replace,
        inputs=inputs,
    )
    if job.score_map is not None and not settings.keeps(job.score_map):
        check_output(job.score_map, size=(1, 1), on_exists=settings.replace, inputs=inputs)
    if job.report is not None and not settings.keeps(job.report):
        check_report(job.report)
        check_file(job.report, on_exists=settings.replace, inputs=inputs, what="report")


def check_report(path: Path) -> None:
    """Raise unless a report has the name of a page, so that a browser opens it.

    Raises:
        OutputError: it has another extension.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise OutputError(
            f"report {shown(path)}: is an HTML page, so its name must end in .html; "
            "for several inputs give a folder, and -o a folder too"
        )


def check_reducible(path: Path, size: tuple[int, int], scale: int) -> None:
    """Raise unless a picture has a pixel left when it is reduced.

    Raises:
        ImageFileError: it has none.
    """
    if min(size) < scale:
        raise ImageFileError(
            f"image {shown(path)}: has {size[1]} x {size[0]} pixels, too few to be reduced "
            f"{scale} times; at least {scale} x {scale} are needed"
        )
