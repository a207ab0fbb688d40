# SPDX-License-Identifier: Apache-2.0
"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from .console import set_quiet, set_verbose

Files = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="FILE|FOLDER|URL",
        show_default=False,
        help="Small images, or folders of them; - is standard input.",
    ),
]
MODEL_NAMES = ("fusion", "transfer", "ttsr")
"""For the completion of the shell, which cannot wait for torch."""

Inputs = Annotated[
    list[str] | None,
    typer.Option(
        "-i",
        "--input",
        metavar="FILE|FOLDER|URL",
        help="The same as an option. Repeatable.",
    ),
]
REFS_HELP = "Sharp reference photos, or folders of them. Repeatable."
Refs = Annotated[
    list[Path] | None,
    typer.Option("-r", "--ref", metavar="FILE|FOLDER", help=REFS_HELP),
]
RefsOrUrls = Annotated[
    list[str] | None,
    typer.Option(
        "-r",
        "--ref",
        metavar="FILE|FOLDER|URL",
        help=f"{REFS_HELP} Without any, the image alone is made into what the model can.",
    ),
]
ModelName = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--model",
        metavar="NAME",
        autocompletion=lambda: list(MODEL_NAMES),
        help="Model, see `info`, or a file or folder of weights, or owner/name on the Hugging Face "
        "hub; the best unless given.",
    ),
]
Revision = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Branch, tag or commit, of a model from the hub."),
]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", metavar="FILE", help="Weights, for a model that needs them: ttsr."),
]


def parse_scale(value: str | int) -> int:
    """A whole number, as it is or as `x4` or `4x`."""
    digits = str(value).strip().lower().removeprefix("x").removesuffix("x")
    if digits.isdecimal():
        return int(digits)
    raise typer.BadParameter(f"must be 2, 3, 4 or 8, got {value!r}")


Scale = Annotated[
    int,
    typer.Option(
        "-s",
        "--scale",
        metavar="N",
        parser=parse_scale,
        help="Times larger than the input: 2, 3, 4 or 8.",
    ),
]
Search = Annotated[
    Literal["exact", "refine", "auto"],
    typer.Option(
        help="exact: each pixel against every place; refine: around good first matches; "
        "auto: exact up to large pictures. -v says which, and about how long."
    ),
]
WearWords = Annotated[
    str,
    typer.Option(
        "--wear",
        metavar="auto|clean|PARTS",
        help="What the images have been through. auto: estimated from each (-v says what); or of "
        "area, bilinear, lanczos, blur:PIXELS, noise:LEVELS, jpeg:QUALITY, coded:LEVELS, "
        "soft:PIXELS what applies, with commas between.",
    ),
]
LookWord = Annotated[
    Literal["faithful", "vivid"],
    typer.Option(
        "--look",
        help="How what no reference shows is painted. faithful: as near the truth as can be; "
        "vivid: so that it looks sharp, though it may not be true (scale 4).",
    ),
]
Memory = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="What an image may take beside its files, as 1.5GiB or 800M; bounds the copies of "
        "references that are searched, and the tiles.",
    ),
]


def parse_factor(value: str | float) -> float:
    """A number, as it is or as `x2.5` or `2.5x`."""
    digits = str(value).strip().lower().removeprefix("x").removesuffix("x")
    try:
        return float(digits)
    except ValueError:
        raise typer.BadParameter(f"must be a number as 4 or 2.5, got {value!r}") from None


Factor = Annotated[
    float,
    typer.Option(
        "-s",
        "--scale",
        metavar="N",
        show_default="4",
        parser=parse_factor,
        help="Times larger than the input, above 1, up to 8. Models work at 2, 3, 4 and 8; the "
        "next larger is made, and reduced.",
    ),
]
MaxPixels = Annotated[
    int,
    typer.Option(
        "--max-pixels", metavar="N", min=1, help="Refuse larger pictures before they are decoded."
    ),
]
KeepGoing = Annotated[
    bool,
    typer.Option(
        "--keep-going", help="Leave out what cannot be used: references, inputs without one."
    ),
]
Replace = Annotated[
    Literal["error", "overwrite"],
    typer.Option("--on-exists", help="What to do where a picture is there already."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Results as JSON on stdout.")]
Quiet = Annotated[
    bool,
    typer.Option("-q", "--quiet", callback=set_quiet, help="Errors only, no progress."),
]
Verbose = Annotated[
    int,
    typer.Option(
        "-v",
        "--verbose",
        count=True,
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
