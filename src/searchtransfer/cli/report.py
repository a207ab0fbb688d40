# SPDX-License-Identifier: Apache-2.0
"""What became of each item, in words or as JSON."""

import json
from typing import TYPE_CHECKING

from ..foreign import shown
from .bar import Bar
from .console import fail, is_quiet, say, warn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..batch import Job, LeftOut, Outcome, Quality


class Reporter:
    """A watcher of a batch that shows what it hears.

    Args:
        count: of the jobs.
        as_json: a JSON line on stdout for each outcome, in place of words.
        left_out: files of the inputs' folders that are no images.
    """

    def __init__(self, count: int, as_json: bool, left_out: "Sequence[LeftOut]" = ()) -> None:
        self.count = count
        self.as_json = as_json
        self._bar = Bar()
        self._seen: dict[str, int] = {"done": 0, "skipped": 0, "failed": 0}
        self._left_out = len(left_out)
        if left_out:
            from ..batch import left_out_text

            warn(left_out_text(list(left_out)))
        for file in left_out if as_json else ():
            line = {"input": str(file.path), "status": "left out", "error": file.reason}
            say(json.dumps(line))

    def started(self, job: "Job") -> None:
        """Show that work on an image begins."""
        number = sum(self._seen.values()) + 1
        title = shown(job.source)
        self._bar.start(f"[{number}/{self.count}] {title}" if self.count > 1 else title)

    def progressed(self, stage: str, done: float) -> None:
        """Show how far the work is."""
        self._bar.progressed(stage, done)

    def finished(self, outcome: "Outcome") -> None:
        """Show what became of a job."""
        self._bar.stop()
        self._seen[outcome.status] += 1
        names = shown(outcome.job.source), shown(outcome.job.target)
        for note in outcome.warnings:
            warn(note if names[0] in note else f"{names[0]}: {note}")
        if outcome.error is not None:  # also of a reference, which says nothing of the image
            named = self.count == 1 or any(name in outcome.error for name in names)
            fail(outcome.error if named else f"image {names[0]}: {outcome.error}")
        if self.as_json:
            say(json.dumps(outcome.as_dict()))
        elif not is_quiet() and outcome.error is None:
            for line in describe(outcome):
                say(line)

    def end(self) -> int:
        """Show the totals; returns how many jobs failed."""
        self._bar.stop()
        if self.count > 1 and not self.as_json and not is_quiet():
            totals = self._seen | {"left out": self._left_out}
            say(", ".join(f"{count} {status}" for status, count in totals.items() if count))
        return self._seen["failed"]


def describe(outcome: "Outcome") -> list[str]:
    """An outcome in words."""
    target = shown(outcome.job.target)
    if outcome.status == "skipped":
        return [f"{target} is there already, skipped"]
    height, width = outcome.size or (0, 0)
    score = outcome.mean_score
    found = "alone, without a reference" if score is None else f"mean score {score:.2f}"
    worn = "" if outcome.wear in (None, "clean") else f"looks like {outcome.wear}, "
    lines = [
        f"{shown(outcome.job.source)} -> {target}  {width} x {height} pixels, "
        f"{found}, {worn}{outcome.seconds:.1f} s"
    ]
    return lines if outcome.quality is None else [*lines, *table(outcome.quality)]


def table(quality: "Quality") -> list[str]:
    """PSNR and SSIM of result and bicubic in words."""
    rows = [
        ("bicubic", quality.psnr_bicubic, quality.ssim_bicubic),
        ("result", quality.psnr, quality.ssim),
    ]
    return [
        f"  {name:8}  PSNR {psnr:6.2f} dB  SSIM {'  -   ' if ssim is None else f'{ssim:.4f}'}"
        for name, psnr, ssim in rows
    ]
