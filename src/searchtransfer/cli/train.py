# SPDX-License-Identifier: Apache-2.0
"""`searchtransfer train`: train a network as a configuration says."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from .bar import Bar
from .console import note, say

if TYPE_CHECKING:
    from ..training import Progress


def train(
    config: Annotated[
        str,
        typer.Argument(
            metavar="FILE|NAME",
            help="YAML file, or a ready one: fusion-x4, fusion-x4-continued, fusion-x4-vivid, "
            "fusion-other-scale, ttsr-rec, ttsr, ttsr-small, ttsr-tiny.",
            show_default=False,
        ),
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="A.B=VALUE", help="Change a setting, as in phases.0.steps=100."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="DIR", help="Photos to train on: data.photos (fusion)."),
    ] = None,
    folder: Annotated[
        str | None,
        typer.Option("--run", metavar="DIR", help="Gets everything of the run: run.folder."),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher",
            metavar="STEM",
            help="SPAN x4, .param and .bin, without suffix: teacher.files (fusion).",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last usable checkpoint, if any.")
    ] = False,
    processes: Annotated[
        int,
        typer.Option(
            "--processes", metavar="N", min=1, help="Share each batch among so many processes."
        ),
    ] = 1,
) -> None:
    """Train a network; stop at any time and go on with --resume.

    `accelerate launch -m searchtransfer.cli train CONFIG` works too, also with its --cpu.
    """
    from ..training import load_config
    from ..training import train as run
    from ..training.launch import asked_of_accelerate, follow_the_launcher, launch

    named = {"data.photos": data, "run.folder": folder, "teacher.files": teacher}
    changes = [*(set_ or []), *(f"{k}={json.dumps(v)}" for k, v in named.items() if v is not None)]
    settings = load_config(config, changes)
    several = processes if processes > 1 else asked_of_accelerate()
    if several > 1:
        words = [config, *(part for word in changes for part in ("--set", word))]
        code = launch(several, [*words, *(["--resume"] if resume else [])])
        if code:
            raise typer.Exit(code)
        return
    follow_the_launcher()
    with _display() as show:
        outcome = run(settings, resume=resume, on_progress=show)
    if os.environ.get("RANK", "0") != "0":
        return  # the first process speaks for all
    if outcome.skipped:
        for line in outcome.skipped.splitlines():
            note(line)
    if outcome.interrupted:
        note(f"Stopped after step {outcome.step} of {outcome.steps}; go on with --resume.")
        raise typer.Exit(130)
    best = "" if outcome.best_psnr is None else f"; best validation {outcome.best_psnr:.2f} dB"
    of = "" if outcome.step == outcome.steps else f" of {outcome.steps}"
    say(f"Trained {outcome.step}{of} steps{best}. Weights: {outcome.weights}")


def _figure(name: str, value: int | float) -> str:
    match name:
        case "photos":
            return f"{value:.0f} photos"
        case "exact":
            return f"{value:.0f} of them exact"
        case "ssim":
            return f"SSIM {value:.4f}"
        case "psnr":
            return f"{value:.2f} dB"
        case _:
            return f"{name} {value:.3f} dB"


@contextmanager
def _display() -> "Iterator[Callable[[Progress], None]]":
    """A bar, and lines for what is worth keeping."""
    bar = Bar()

    def show(progress: "Progress") -> None:
        if progress.note:
            bar.tell(progress.note)
        for name, figures in progress.scores.items():
            text = ", ".join(_figure(*figure) for figure in figures.items())
            bar.tell(f"step {progress.step}: {name} {text}")
        if progress.prepared is not None:
            done, pieces = progress.prepared
            bar.progressed(f"searching references, {done} of {pieces}", done / max(1, pieces))
            return
        loss = f", loss {progress.losses['total']:.4f}" if progress.losses else ""
        stage = f"{progress.phase}{loss}, step {progress.step} of {progress.steps}"
        bar.progressed(stage, progress.step / max(1, progress.steps))

    bar.start("training")
    try:
        yield show
    finally:
        bar.stop()
