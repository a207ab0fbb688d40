# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer evaluate`: measure models on photos with references."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .console import note

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.progress import TaskID

    from ..evaluation import Method, Pictures, Row


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
        Path, typer.Argument(help="Folder of photos, or a list file.", show_default=False)
    ],
    model: Annotated[
        list[str] | None,
        typer.Option(
            "-n",
            "--model",
            help="bicubic, fusion, transfer, ttsr, or weights; give it again for more.",
            show_default="bicubic and the best for the scale",
        ),
    ] = None,
    weights: Annotated[
        Path | None, typer.Option("--weights", help="Weights for a model that needs them: ttsr.")
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
    scale: Annotated[int, typer.Option("--scale", min=2, max=8)] = 4,
    lpips: Annotated[
        Measured, typer.Option("--lpips", help="auto: if its weights are installed.")
    ] = Measured.auto,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write figures of each photo.")] = None,
    json: Annotated[Path | None, typer.Option("--json", help="Write everything.")] = None,
    html: Annotated[
        Path | None, typer.Option("--html", help="Write a page with the worst pictures.")
    ] = None,
    pictures: Annotated[
        int, typer.Option("--pictures", min=0, help="Photos of each model in that page.")
    ] = 20,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace reports that exist.")
    ] = False,
) -> None:
    """Restore reduced photos and compare them with the originals."""
    from rich.console import Console
    from rich.progress import Progress

    from ..errors import OutputError, WeightsError
    from ..evaluation import LPIPS, Gallery, table, to_csv, to_html, to_json, write_report
    from ..evaluation import evaluate as measure
    from ..pairs import cufed_groups, list_pairs, scene_pairs
    from ..pretrained import default_model

    for path in (csv, json, html):
        if path is not None and path.exists() and not overwrite:
            raise OutputError(f"{path}: exists already; remove it, or give --overwrite")
    find = {"groups": cufed_groups, "scenes": scene_pairs, "list": list_pairs}[layout.value]
    pairs = find(data)
    methods = _methods(model or ["bicubic", default_model(scale)], weights, scale)
    distance = None
    if lpips is not Measured.no:
        try:
            distance = LPIPS()
        except WeightsError as error:
            if lpips is Measured.yes:
                raise
            note(f"LPIPS is not measured. {error}")

    console = Console(stderr=True)
    results, galleries = [], []
    with Progress(console=console, disable=not console.is_terminal) as bar:
        for name, method in methods.items():
            gallery = Gallery(pictures if html else 0)
            task = bar.add_task(name, total=len(pairs))

            def keep_row(
                row: "Row",
                seen: "Pictures",
                task: "TaskID" = task,
                keep: "Callable[[Row, Pictures], None]" = gallery.add,
            ) -> None:
                keep(row, seen)
                bar.advance(task)

            results.append(
                measure(
                    method,
                    pairs,
                    name=name,
                    profile=profile.value,
                    references=references.value,
                    scale=scale,
                    lpips=distance,
                    on_row=keep_row,
                )
            )
            galleries.append(gallery)
    Console().print(table(results))
    if csv:
        write_report(csv, to_csv(results), overwrite)
    if json:
        write_report(json, to_json(results), overwrite)
    if html:
        write_report(html, to_html(results, galleries), overwrite)
    for result in results:
        for reason in result.failures:
            note(f"{result.method}: {reason}")
    if any(result.failures for result in results):
        raise typer.Exit(1)


def _methods(names: "list[str]", weights: Path | None, scale: int) -> "dict[str, Method]":
    """The weights go to the models that cannot do without, or to those that can take some."""
    from ..errors import OptionError
    from ..evaluation import bicubic, with_upscaler
    from ..pretrained import FROM_WEIGHTS, MODELS
    from ..upscaler import Upscaler

    taking = [name for name in names if name in FROM_WEIGHTS]
    taking = [name for name in taking if name not in MODELS] or taking
    if weights is not None and not taking:
        raise OptionError(f"--weights {weights}: none of the models {', '.join(names)} takes any")

    def method(name: str) -> "Method":
        if name == "bicubic":
            return bicubic(scale)
        own = weights if name in taking else None
        return with_upscaler(Upscaler.from_pretrained(name, scale=scale, weights=own))

    return {name: method(name) for name in names}
