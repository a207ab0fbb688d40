# SPDX-License-Identifier: Apache-2.0
"""One image: read, made sharp, measured, encoded."""

from dataclasses import dataclass, replace

from ..evaluation import psnr, ssim
from ..files import write_file
from ..images import (
    Image,
    crop_to_multiple,
    degrade,
    down,
    from_pil,
    read_image,
    up,
)
from ..images.alpha import with_hidden_filled
from ..images.writing import encoded
from ..inspection import inspect_result
from ..pictures import draw_score_map
from ..pictures.inspector import inspector_page
from ..process.progress import Progress
from ..upscaler import Result, Upscaler
from .checks import check_reducible
from .outcome import Outcome, Quality
from .plan import Job
from .references import References
from .settings import Settings

SSIM_SIDE = 11
"""Pixels on a side of the window of SSIM; smaller pictures have none."""


@dataclass(frozen=True)
class Finished:
    """Everything that is written of an image, as the content of files."""

    outcome: Outcome
    """The time and warnings are the caller's."""
    content: bytes
    score_map: bytes | None = None
    report: bytes | None = None

    def write_others(self, settings: Settings) -> None:
        """Write the files that go with the result.

        Raises:
            OutputError: one cannot be written.
        """
        job, on_exists = self.outcome.job, settings.replace
        if self.score_map is not None and job.score_map is not None:
            write_file(job.score_map, self.score_map, on_exists=on_exists)
        if self.report is not None and job.report is not None:
            write_file(job.report, self.report, on_exists=on_exists, what="report")

    def write(self, settings: Settings) -> None:
        """Write the result.

        Raises:
            OutputError: it cannot be written.
        """
        write_file(self.outcome.job.target, self.content, on_exists=settings.replace)


def upscale_file(
    job: Job,
    upscaler: Upscaler,
    references: References,
    settings: Settings,
    progress: Progress,
) -> Finished:
    """Make one image sharp; nothing is written.

    Raises:
        The errors of reading, upscaling and encoding.
    """
    image = read_image(job.source, max_pixels=settings.max_pixels)
    small, truth = image, None
    if settings.lr_from_hr:
        check_reducible(job.source, image.size, upscaler.scale)
        small, truth = reduced(image, upscaler.scale)
    reference = references.fitting(image)
    size = settings.wish.of(small.size)
    result = upscaler.upscale(small, reference, tile=settings.tile, size=size, on_progress=progress)
    quality = None if truth is None else measure(result.image, small, truth)
    score_map = report = None
    if job.score_map is not None and not settings.keeps(job.score_map):
        score_map = encoded(from_pil(draw_score_map(result.score)), job.score_map)
    if job.report is not None and not settings.keeps(job.report):
        progress("report", 0.0)
        report = make_report(job, result, small, references, upscaler, quality)
    outcome = Outcome(
        job,
        "done",
        size=result.image.size,
        mean_score=None if reference is None else result.score.mean().item(),
        quality=quality,
        wear=str(result.wear),
        doubt=result.wear.doubt or None,
    )
    content = encoded(
        settings.finished(result.image),
        job.target,
        metadata=settings.metadata,
        quality=settings.quality,
    )
    return Finished(outcome, content, score_map, report)


def make_report(
    job: Job,
    result: Result,
    small: Image,
    references: References,
    upscaler: Upscaler,
    quality: Quality | None,
) -> bytes:
    """The inspector's page of a result, as the content of a file."""
    facts = [("Model", upscaler.model.name)]
    if quality is not None:
        facts.append(("PSNR", f"{quality.psnr:.2f} dB, bicubic {quality.psnr_bicubic:.2f} dB"))
    picture = inspect_result(
        result,
        small,
        list(references.photos.values()),
        name=job.source.name,
        names=[path.name for path in references.photos],
        facts=facts,
    )
    return inspector_page(picture).encode()


def reduced(image: Image, scale: int) -> tuple[Image, Image]:
    """The low-resolution image of a photo, and the photo cropped to a multiple of the scale.

    Hidden colours are in neither. The place is told in the pixels of each.
    """
    alpha = image.alpha
    if alpha is not None:
        alpha = crop_to_multiple(alpha, scale)
    bands = None if image.bands is None else crop_to_multiple(image.bands, scale)
    truth = replace(image, colour=crop_to_multiple(image.colour, scale), alpha=alpha, bands=bands)
    truth = with_hidden_filled(truth)
    small = replace(
        truth,
        colour=degrade(truth.colour, scale),
        alpha=None if alpha is None else down(alpha, scale).clamp(0, 1),
        bands=None if bands is None else down(bands, scale).clamp(0, 1),
        metadata=image.metadata.resized(1 / scale, 1 / scale),
    )
    return small, truth


def measure(result: Image, small: Image, truth: Image) -> Quality:
    """PSNR and SSIM (profile `ttsr`) of a result and of bicubic, as far as they can be seen."""
    scale = truth.size[0] // small.size[0]
    opacity = 1.0 if truth.alpha is None else truth.alpha
    seen = truth.colour * opacity
    pictures = result.colour * opacity, up(small.colour, scale).clamp(0, 1) * opacity
    ours, bicubic = (psnr(x, seen) for x in pictures)
    if min(truth.size) < SSIM_SIDE:
        return Quality(ours, bicubic, None, None)
    return Quality(ours, bicubic, *(ssim(x, seen) for x in pictures))
