# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer convert`: an old checkpoint becomes a safetensors file."""

from pathlib import Path
from typing import Annotated

import typer

from ..foreign import shown
from .console import say


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="TTSR checkpoint (.pt); never changed.", show_default=False
        ),
    ],
    target: Annotated[
        Path | None,
        typer.Argument(
            metavar="TARGET",
            help="The .safetensors file to write.",
            show_default="beside the checkpoint",
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the target if it exists.")
    ] = False,
) -> None:
    """Convert a released TTSR checkpoint, after checking every tensor in it."""
    from ..networks import convert_ttsr

    target = target or source.with_suffix(".safetensors")
    model = convert_ttsr(source, target, overwrite=overwrite)
    values = sum(value.numel() for value in model.state_dict().values())
    say(f"{shown(target)}: TTSR x{model.scale}, {values:,} values, {model.config}")
