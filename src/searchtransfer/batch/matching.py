# SPDX-License-Identifier: Apache-2.0
"""Pictures of where an image was found in its references, without the sharp image itself."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ..foreign import in_line
from ..images import MAX_PIXELS, check_output, from_pil, read_image, write_image
from ..pictures import draw_match_map, draw_score_map
from ..process.progress import Progress, silent
from ..process.stop import Stop
from ..upscaler import Upscaler
from .claim import folders_stay
from .folders import make_folder, trial_folders
from .references import References


@dataclass(frozen=True)
class Maps:
    """What `write_maps` found and wrote."""

    score_map: Path
    match_map: Path
    mean_score: float


def write_maps(
    source: Path,
    folder: Path,
    upscaler: Upscaler,
    references: References,
    *,
    on_exists: Literal["error", "overwrite"] = "error",
    protected: Sequence[Path] = (),
    max_pixels: int = MAX_PIXELS,
    on_progress: Progress = silent,
    stop: Stop | None = None,
) -> Maps:
    """Search an image in the references, and draw score and match as pictures.

    Args:
        source: the low-resolution image.
        folder: gets `NAME-score.png` and `NAME-match.png`; made where it is missing.
        upscaler: the model whose search it is.
        references: the photos.
        on_exists: what to do where a picture is there already.
        protected: further files that must not be overwritten, such as weights.
        max_pixels: as in `images.read_image`.
        on_progress: as in `Upscaler.upscale`.
        stop: a way to end it early, with nothing half written.

    Raises:
        ImageFileError, OutputError: the image cannot be read, or a picture cannot be written.
        Stopped: it was asked for through `stop`.
    """
    stop = stop or Stop()
    inputs = [source, *references.photos, *protected]
    paths = folder / f"{source.stem}-score.png", folder / f"{source.stem}-match.png"
    image = read_image(source, max_pixels=max_pixels)
    with trial_folders() as make, folders_stay():
        make(folder)
        for path in paths:
            check_output(path, size=(1, 1), on_exists=on_exists, inputs=inputs)

    def progress(stage: str, done: float) -> None:
        stop.check()
        on_progress(stage, done)

    result = upscaler.upscale(image, references.fitting(image), on_progress=progress)
    # The font of the legend knows few letters.
    names = tuple(
        in_line(path.name).encode("ascii", "backslashreplace").decode()
        for path in references.photos
    )
    pictures = [
        draw_score_map(result.score),
        draw_match_map(
            result.matches.photo,
            result.matches.position,
            result.score,
            scale=upscaler.scale,
            names=names,
        ),
    ]
    with stop.writing, folders_stay():
        stop.check()
        make_folder(folder)
        for picture, path in zip(pictures, paths, strict=True):
            write_image(from_pil(picture), path, on_exists=on_exists)
    return Maps(paths[0], paths[1], result.score.mean().item())
