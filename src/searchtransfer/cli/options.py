# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .console import set_quiet, set_verbose

Inputs = Annotated[
    list[Path],
    typer.Option(
        "-i", "--input", metavar="FILE|FOLDER", help="Small image, or a folder of them. Repeatable."
    ),
]
Refs = Annotated[
    list[Path],
    typer.Option(
        "-r",
        "--ref",
        metavar="FILE|FOLDER",
        help="Sharp reference photo, or a folder of them. Repeatable.",
    ),
]
OptionalRefs = Annotated[
    list[Path] | None,
    typer.Option(
        "-r",
        "--ref",
        metavar="FILE|FOLDER",
        help="Sharp reference photo, or a folder of them. Repeatable. Without one, the image is "
        "upscaled alone, if the model can.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option("-n", "--model", metavar="NAME", help="Model, see `info`; the best unless given."),
]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="Weights, for a model that needs them: ttsr."),
]
Scale = Annotated[
    int, typer.Option("-s", "--scale", help="Times larger than the input: 2, 3, 4 or 8.")
]
Search = Annotated[
    Literal["exact", "refine", "auto"],
    typer.Option(
        help="exact: each pixel against every place; refine: around good first matches; "
        "auto: exact up to large pictures. -v says which, and about how long."
    ),
]
KeepGoing = Annotated[
    bool,
    typer.Option("--keep-going", metavar="", help="Leave out a reference that cannot be read."),
]
Replace = Annotated[
    Literal["error", "overwrite"],
    typer.Option("--on-exists", help="What to do where a picture is there already."),
]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Results as JSON on stdout.")]
Quiet = Annotated[
    bool,
    typer.Option("-q", "--quiet", metavar="", callback=set_quiet, help="Errors only, no progress."),
]
Verbose = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
        metavar="",
        show_default=False,
        callback=set_verbose,
        help="Say what is done; twice for tracebacks.",
    ),
]


def parse_tile(value: str) -> int | Literal["auto"]:
    """`auto` or a whole number, as in `Upscaler.upscale`."""
    if value == "auto":
        return "auto"
    if value.isdecimal():
        return int(value)
    raise typer.BadParameter(f"must be auto, 0 or a positive whole number, got {value!r}")


def parse_size(value: str) -> tuple[int, int]:
    """Rows and columns, as in `83x125`."""
    rows, _, columns = value.partition("x")
    if rows.isdecimal() and columns.isdecimal():
        return int(rows), int(columns)
    raise typer.BadParameter(f"must be ROWSxCOLUMNS as in 83x125, got {value!r}")
