# SPDX-License-Identifier: Apache-2.0
"""The main job as the studio asks for it: read, make sharp, measure, write, show why.

It runs in a process of its own (`worker.py`), so what it returns are words and files, no pictures.
"""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..batch import Quality
from ..batch.item import measure, reduced
from ..files import write_file
from ..images import Image, ImageWarning, Metadata, read_image, to_profile, up, write_image
from ..inspection import inspect_result
from ..pictures.inspector import inspector_page
from ..references import Reference
from ..upscaler import Result, Upscaler, WeakReferenceWarning
from .notes import heard
from .orders import Order, Upload
from .scrubbing import scrubbed

PartProgress = Callable[[str, float, int], None]
"""Called with a stage, how much of it is done from 0 to 1, and the number of the small image."""


@dataclass(frozen=True)
class Outcome:
    """What came of one small image."""

    number: int
    """Among the small images of the order."""
    name: str
    model: str
    scale: int
    size: tuple[int, int]
    """`(H, W)` of the sharp picture."""
    score: float | None
    """Mean score; None without references."""
    psnr: tuple[float, float] | None
    """Of bicubic and of the result, where the truth is known."""
    ssim: tuple[float | None, float | None]
    verdict: str
    """How useful the references were, in words; empty without any."""
    notes: tuple[str, ...]
    seconds: float
    """Of preparing the references and upscaling."""
    pictures: dict[str, str]
    """Files: before, after, and where they exist truth and metadata (after, with metadata)."""
    transparent: bool


@dataclass(frozen=True)
class Page:
    """The inspector of one small image."""

    number: int
    file: str


_NO_BANDS = (
    "bands beside red, green and blue are left out here; the command line enlarges and keeps them"
)


def make(
    order: Order, folder: Path, run: int, photo_pixels: int, progress: PartProgress
) -> Iterator[Outcome | Page]:
    """Do it, image by image, and leave the files in the folder.

    Raises:
        SearchTransferError: a file cannot be used, or the model cannot do what is asked.
    """
    progress("reading", 0.0, 0)
    upscaler = Upscaler.from_pretrained(order.model, scale=order.scale, look=order.look)
    photos = [read_image(upload.path, max_pixels=photo_pixels) for upload in order.references]
    prepared: dict[bytes | None, tuple[tuple[Image, ...], Reference]] = {}
    for number, upload in enumerate(order.small):

        def part(stage: str, done: float, number: int = number) -> None:
            progress(stage, done, number)

        with heard() as notes:
            part("reading", 0.0)
            small = read_image(upload.path, max_pixels=photo_pixels)
            if small.bands is not None:
                warnings.warn(_NO_BANDS, ImageWarning, stacklevel=1)
                small = replace(small, bands=None)
            truth = None
            if order.reduce:
                small, truth = reduced(small, order.scale)
            start = time.perf_counter()
            part("reference", 0.0)
            profile = small.metadata.icc
            if photos and profile not in prepared:
                same = tuple(
                    to_profile(photo, profile, f"reference {x.name!r}")
                    for photo, x in zip(photos, order.references, strict=True)
                )
                prepared = {profile: (same, upscaler.prepare(same, copy=False))}
            used, reference = prepared[profile] if photos else ((), None)
            result = upscaler.upscale(small, reference, on_progress=part)
            seconds = time.perf_counter() - start
            part("pictures", 0.0)
            quality = None if truth is None else measure(result.image, small, truth)
            part("pictures", 0.3)
            pictures = _write(folder, f"run-{run}-{number}", small, result.image, truth)
        remarks = [str(note) for note in notes if not isinstance(note, WeakReferenceWarning)]
        yield Outcome(
            number,
            upload.name,
            order.model,
            order.scale,
            result.image.size,
            result.score.mean().item() if used else None,
            None if quality is None else (quality.psnr_bicubic, quality.psnr),
            _ssim(quality),
            # The verdict says what this warning says.
            result.verdict if used else result.condition,
            tuple(scrubbed(remark, order.names) for remark in remarks),
            seconds,
            pictures,
            result.image.alpha is not None,
        )
        part("pictures", 0.7)
        if used:
            yield _inspector(order, upload, small, result, used, folder, f"run-{run}-{number}")
        part("pictures", 1.0)


def _ssim(quality: Quality | None) -> tuple[float | None, float | None]:
    return (None, None) if quality is None else (quality.ssim_bicubic, quality.ssim)


def _write(
    folder: Path, stem: str, small: Image, sharp: Image, truth: Image | None
) -> dict[str, str]:
    scale = sharp.size[0] // small.size[0]
    pictures = {
        "before": replace(sharp, colour=up(small.colour, scale).clamp(0, 1)),
        "after": sharp,
    }
    if truth is not None:
        pictures["truth"] = truth
    files = {}
    for what, picture in pictures.items():
        files[what] = f"{stem}-{what}.png"
        write_image(picture, folder / files[what], metadata="strip")
    if sharp.metadata != Metadata(icc=sharp.metadata.icc):
        files["metadata"] = f"{stem}-metadata.png"
        write_image(sharp, folder / files["metadata"], metadata="keep")
    return files


def _inspector(
    order: Order,
    upload: Upload,
    small: Image,
    result: Result,
    references: tuple[Image, ...],
    folder: Path,
    stem: str,
) -> Page:
    """The page that shows where each point comes from."""
    picture = inspect_result(
        result,
        small,
        references,
        name=upload.name,
        names=[x.name for x in order.references],
        facts=[("Model", order.model)],
    )
    file = f"{stem}-inspector.html"
    write_file(folder / file, inspector_page(picture).encode(), what="page")
    return Page(order.small.index(upload), file)
