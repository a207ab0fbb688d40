# SPDX-License-Identifier: Apache-2.0
"""One job: read, make sharp, measure, write."""

from dataclasses import replace

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
    write_image,
)
from ..inspection import inspect_result
from ..pictures import draw_score_map
from ..pictures.inspector import inspector_page
from ..progress import Progress
from ..stop import Stop
from ..upscaler import Result, Upscaler
from .checks import check_reducible
from .folders import make_folder
from .outcome import Outcome, Quality
from .plan import Job
from .references import References
from .settings import Settings

SSIM_SIDE = 11
"""Pixels on a side of the window of SSIM; smaller pictures have none."""


def upscale_file(
    job: Job,
    upscaler: Upscaler,
    references: References,
    settings: Settings,
    progress: Progress,
    stop: Stop,
) -> Outcome:
    """Make one image sharp and write it; the time and warnings of the outcome are the caller's.

    Raises:
        The errors of reading, upscaling and writing.
        Stopped: it was asked for.
    """
    image = read_image(job.source, max_pixels=settings.max_pixels)
    small, truth = image, None
    if settings.lr_from_hr:
        check_reducible(job.source, image.size, upscaler.scale)
        small, truth = reduced(image, upscaler.scale)
    reference = references.fitting(image)
    result = upscaler.upscale(small, reference, tile=settings.tile, on_progress=progress)
    quality = None if truth is None else measure(result.image, small, truth)
    score_map = report = None
    if job.score_map is not None and not settings.keeps(job.score_map):
        score_map = from_pil(draw_score_map(result.score))
    if job.report is not None and not settings.keeps(job.report):
        progress("report", 0.0)
        report = make_report(job, result, small, references, upscaler, quality)
    finished = settings.finished(result.image)
    with stop.writing:
        stop.check()
        for output in job.outputs:
            make_folder(output.parent)
        if score_map is not None and job.score_map is not None:
            write_image(score_map, job.score_map, on_exists=settings.replace)
        if report is not None and job.report is not None:
            write_file(job.report, report, on_exists=settings.replace, what="report")
        write_image(
            finished,
            job.target,
            metadata=settings.metadata,
            on_exists=settings.replace,
            quality=settings.quality,
        )
    return Outcome(
        job,
        "done",
        size=result.image.size,
        mean_score=None if reference is None else result.score.mean().item(),
        quality=quality,
        wear=str(result.wear),
    )


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
    """The low-resolution image of a photo, and the photo cropped to a multiple of the scale."""
    alpha = image.alpha
    if alpha is not None:
        alpha = crop_to_multiple(alpha, scale)
    truth = replace(image, colour=crop_to_multiple(image.colour, scale), alpha=alpha)
    small = replace(
        image,
        colour=degrade(truth.colour, scale),
        alpha=None if alpha is None else down(alpha, scale).clamp(0, 1),
    )
    return small, truth


def measure(result: Image, small: Image, truth: Image) -> Quality:
    """PSNR and SSIM (profile `ttsr`) of a result and of bicubic."""
    scale = truth.size[0] // small.size[0]
    pictures = result.colour, up(small.colour, scale).clamp(0, 1)
    ours, bicubic = (psnr(x, truth.colour) for x in pictures)
    if min(truth.size) < SSIM_SIDE:
        return Quality(ours, bicubic, None, None)
    return Quality(ours, bicubic, *(ssim(x, truth.colour) for x in pictures))
