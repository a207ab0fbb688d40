# SPDX-License-Identifier: Apache-2.0
"""The demonstration: one eye of a real stereo pair made sharp with the other.

The pair is the motorcycle of the Middlebury 2014 stereo set, as it comes with scikit-image.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from .batch import Quality, Stop
from .batch.claim import folders_stay
from .batch.folders import make_folder, trial_folders
from .batch.item import measure, reduced
from .errors import MissingExtraError
from .images import Image, check_output, from_numpy, from_pil, up, write_image
from .pictures import Panel, draw_comparison, draw_match_map, draw_score_map
from .process.progress import Progress, silent
from .upscaler import Upscaler

NAMES = {
    "low resolution": "lr.png",
    "reference": "reference.png",
    "bicubic": "bicubic.png",
    "result": "result.png",
    "before and after": "before-after.png",
    "score map": "score-map.png",
    "match map": "match-map.png",
}
"""The files that the demonstration writes."""


@dataclass(frozen=True)
class DemoReport:
    """What the demonstration showed."""

    quality: Quality
    mean_score: float
    seconds: float
    """Of preparing the reference and upscaling, without reading and writing."""
    files: Mapping[str, Path]


def stereo_pair() -> tuple[Image, Image]:
    """Left and right picture, 500 x 741 pixels each.

    Raises:
        MissingExtraError: scikit-image is not installed, or does not work.
    """
    try:
        data: Any = import_module("skimage.data")
        left, right, _ = data.stereo_motorcycle()
    # An optional package may fail in any way, at import or later.
    except Exception as error:
        raise MissingExtraError(
            f"demo: its photos come with scikit-image, which cannot be used here ({error}); "
            "install it with: pip install 'searchtransfer[demo]'"
        ) from error
    return from_numpy(left), from_numpy(right)


def run_demo(
    folder: Path,
    upscaler: Upscaler,
    *,
    on_exists: Literal["error", "overwrite"] = "error",
    on_progress: Progress = silent,
    stop: Stop | None = None,
) -> DemoReport:
    """Reduce the left picture, make it sharp with the right one, and write what came of it.

    Args:
        folder: where the pictures go; made where it is missing.
        upscaler: with any model, of any scale.
        on_exists: what to do where one of them is there already.
        on_progress: as in `Upscaler.upscale`.
        stop: a way to end it early, with nothing half written.

    Raises:
        MissingExtraError: scikit-image is missing.
        OutputError: a picture exists, or cannot be written.
        Stopped: it was asked for through `stop`.
    """
    stop = stop or Stop()
    scale = upscaler.scale
    left, right = stereo_pair()
    small, truth = reduced(left, scale)
    files = {what: folder / name for what, name in NAMES.items()}
    with trial_folders() as make, folders_stay():
        make(folder)
        for path in files.values():
            check_output(path, size=right.size, on_exists=on_exists)

    def progress(stage: str, done: float) -> None:
        stop.check()
        on_progress(stage, done)

    start = time.perf_counter()
    reference = upscaler.prepare(right)
    result = upscaler.upscale(small, reference, on_progress=progress)
    seconds = time.perf_counter() - start
    quality = measure(result.image, small, truth)
    bicubic = up(small.colour, scale).clamp(0, 1)
    comparison = draw_comparison(
        [
            Panel("Bicubic", bicubic, f"PSNR {quality.psnr_bicubic:.2f} dB"),
            Panel("searchtransfer", result.image.colour, f"PSNR {quality.psnr:.2f} dB"),
            Panel("Truth", truth.colour, "the left picture before it was reduced"),
        ]
    )
    found = result.matches
    matches = draw_match_map(found.photo, found.position, result.score, scale=scale)
    pictures = {
        "low resolution": small,
        "reference": right,
        "bicubic": Image(bicubic),
        "result": result.image,
        "before and after": from_pil(comparison),
        "score map": from_pil(draw_score_map(result.score)),
        "match map": from_pil(matches),
    }
    with stop.writing, folders_stay():
        stop.check()
        make_folder(folder)
        for what, picture in pictures.items():
            write_image(picture, files[what], on_exists=on_exists)
    return DemoReport(quality, result.score.mean().item(), seconds, files)
