# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer match`."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..foreign import shown
from .bar import Bar
from .console import is_quiet, say
from .interrupt import interruptible
from .options import (
    KeepGoing,
    MaxPixels,
    ModelName,
    Quiet,
    Refs,
    Replace,
    Revision,
    Scale,
    Search,
    Verbose,
    Weights,
)

if TYPE_CHECKING:
    from ..batch import Maps


def match(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", show_default=False, help="Small image.")
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option("-i", "--input", metavar="FILE", help="The same as an option."),
    ] = None,
    refs: Refs = None,
    output: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FOLDER",
            show_default="that of the image",
            help="Gets the two pictures.",
        ),
    ] = None,
    model: ModelName = None,
    revision: Revision = None,
    weights: Weights = None,
    scale: Scale = 4,
    search: Search = "auto",
    on_exists: Replace = "error",
    max_pixels: MaxPixels = 134217728,
    keep_going: KeepGoing = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Draw where in the references an image was found.

    Writes NAME-score.png (how well) and NAME-match.png (where).
    """
    small = file or source
    if small is None or (file and source):
        raise typer.BadParameter("name one small image, first or with -i")
    if not refs:
        raise typer.BadParameter("there is no reference; name sharp photos with -r")
    from ..batch import References, Stop, read_references, write_maps
    from ..batch.plan import folder_named
    from ..models.pretrained import model_files
    from ..upscaler import Upscaler

    folder = small.parent if output is None else folder_named(output, "output")
    upscaler = Upscaler.from_pretrained(
        model, scale=scale, search=search, weights=weights, revision=revision
    )
    photos = read_references(refs, scale=scale, keep_going=keep_going, max_pixels=max_pixels)
    references = References(photos, partial(upscaler.prepare, copy=False))
    bar = Bar()

    def work(stop: Stop) -> "Maps":
        return write_maps(
            small,
            folder,
            upscaler,
            references,
            protected=model_files(model, scale, weights),
            max_pixels=max_pixels,
            on_exists=on_exists,
            on_progress=bar.progressed,
            stop=stop,
        )

    bar.start(shown(small))
    try:
        maps = interruptible(work)
    finally:
        bar.stop()
    if not is_quiet():
        say(f"mean score {maps.mean_score:.2f}")
        say(f"  score map  {shown(maps.score_map)}")
        say(f"  match map  {shown(maps.match_map)}")
