# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer match`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..foreign import shown
from .bar import Bar
from .console import is_quiet, say
from .interrupt import interruptible
from .options import (
    KeepGoing,
    ModelName,
    Quiet,
    Refs,
    Replace,
    Scale,
    Search,
    Verbose,
    Weights,
)

if TYPE_CHECKING:
    from ..batch import Maps


def match(
    source: Annotated[Path, typer.Option("-i", "--input", metavar="FILE", help="Small image.")],
    refs: Refs,
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FOLDER", help="Gets the two pictures.")
    ],
    model: ModelName = None,
    weights: Weights = None,
    scale: Scale = 4,
    search: Search = "auto",
    on_exists: Replace = "error",
    keep_going: KeepGoing = False,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    """Draw where in the references an image was found.

    Writes NAME-score.png (how well) and NAME-match.png (where).
    """
    from ..batch import References, Stop, read_references, write_maps
    from ..upscaler import Upscaler

    upscaler = Upscaler.from_pretrained(model, scale=scale, search=search, weights=weights)
    photos = read_references(refs, scale=scale, keep_going=keep_going)
    references = References(photos, upscaler.prepare)
    bar = Bar()

    def work(stop: Stop) -> "Maps":
        return write_maps(
            source,
            output,
            upscaler,
            references,
            on_exists=on_exists,
            on_progress=bar.progressed,
            stop=stop,
        )

    bar.start(shown(source))
    try:
        maps = interruptible(work)
    finally:
        bar.stop()
    if not is_quiet():
        say(f"mean score {maps.mean_score:.2f}")
        say(f"  score map  {shown(maps.score_map)}")
        say(f"  match map  {shown(maps.match_map)}")
