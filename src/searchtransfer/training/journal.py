# SPDX-License-Identifier: Apache-2.0
"""The curve of a run: a line of JSON for each step and validation, and the same for TensorBoard.

After a resumption the curve is that of a run without interruption: what was written beyond the
checkpoint is taken away first.
"""

import json
import math
from pathlib import Path
from typing import Any

from ..files import LineFile, write_file
from .board import Board

NAME = "log.jsonl"
COUNTS = ("photos", "exact")
"""Figures of a validation that are numbers of photos."""


def read_journal(folder: Path) -> list[dict[str, Any]]:
    """The lines of a run; a last line that a kill cut short is left out."""
    path = folder / NAME
    lines = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else []:
        try:
            lines.append(json.loads(line))
        except ValueError:
            break
    return lines


class Journal:
    """Writes the curve.

    Args:
        folder: of the run; TensorBoard's files go into `tensorboard` there.
        step: of the checkpoint that is gone on from; later lines are dropped.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self.lines = [line for line in read_journal(folder) if line["step"] <= step]
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        write_file(folder / NAME, text.encode(), on_exists="overwrite", what="journal")
        self._file = LineFile(folder / NAME)
        self._board = Board(folder / "tensorboard", step + 1)

    def step(self, step: int, losses: dict[str, float], rate: float, seconds: float) -> None:
        """Note a step; its number is that of steps taken."""
        self._write({"step": step, "losses": losses, "rate": rate, "seconds": round(seconds, 3)})
        curves = {f"losses/{name}": value for name, value in losses.items()}
        self._board.add({**curves, "rate": rate}, step)

    def scores(self, step: int, scores: dict[str, dict[str, int | float]]) -> None:
        """Note a validation: figures by set."""
        self._write({"step": step, "scores": scores})
        curves = {
            f"validation/{name}/{figure}": value
            for name, figures in scores.items()
            for figure, value in figures.items()
            if figure not in COUNTS
        }
        self._board.add(curves, step)

    def scored(self, step: int) -> bool:
        """Whether the validation of a step is noted."""
        return any("scores" in line and line["step"] == step for line in self.lines)

    def best(self) -> float | None:
        """The highest PSNR so far: the mean over the sets of a validation."""
        means = [mean_psnr(line["scores"]) for line in self.lines if "scores" in line]
        return max(means, default=None)

    def close(self) -> None:
        """End both files; what was noted is on the disk."""
        try:
            self._file.close()
        finally:
            self._board.close()

    def _write(self, line: dict[str, Any]) -> None:
        if "scores" in line:
            self.lines.append(line)
        self._file.append(json.dumps(line))


def mean_psnr(scores: dict[str, dict[str, int | float]]) -> float:
    """Mean over the sets, each counted once however many photos it has.

    Infinite where all photos of a set are restored exactly, so that it has no `psnr`.
    """
    return sum(figures.get("psnr", math.inf) for figures in scores.values()) / len(scores)
