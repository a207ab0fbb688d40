# SPDX-License-Identifier: Apache-2.0
"""What became of a job, for people and for machines."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from .plan import Job


@dataclass(frozen=True)
class Quality:
    """How close a result is to the truth, beside bicubic; profile `ttsr` of `evaluation`."""

    psnr: float
    """In dB, of the luma."""
    psnr_bicubic: float
    ssim: float | None
    """At most 1, of the luma; None for pictures below 11 x 11 pixels."""
    ssim_bicubic: float | None


@dataclass(frozen=True)
class Outcome:
    """What became of one job."""

    job: Job
    status: Literal["done", "skipped", "failed"]
    seconds: float = 0.0
    size: tuple[int, int] | None = None
    """`(H, W)` of the result."""
    mean_score: float | None = None
    """How well the image was found in the references, -1 to 1."""
    quality: Quality | None = None
    """Where the input was degraded first."""
    wear: str | None = None
    """What the image was seen to have been through, in words."""
    doubt: str | None = None
    """What of that was not sure, and taken for clean."""
    warnings: tuple[str, ...] = ()
    error: str | None = None

    @classmethod
    def told(cls, job: Job, facts: Mapping[str, Any]) -> "Outcome":
        """Of a result that was made, from what `as_dict` gave."""
        numbers = {x.name: facts[x.name] for x in fields(Quality) if x.name in facts}
        psnr = {x: math.inf for x in ("psnr", "psnr_bicubic") if numbers.get(x, 0) is None}
        return cls(
            job,
            "done",
            seconds=facts.get("seconds", 0.0),
            size=(facts["height"], facts["width"]) if "height" in facts else None,
            mean_score=facts.get("mean_score"),
            quality=Quality(**(numbers | psnr)) if numbers else None,
            wear=facts.get("wear"),
            doubt=facts.get("wear_not_sure"),
            warnings=tuple(facts.get("warnings", ())),
        )

    def as_dict(self) -> dict[str, object]:
        """Plain values for JSON; what does not apply is left out.

        A PSNR that is infinite (identical pictures) is null, since JSON has no infinity.
        """
        facts: dict[str, object] = {
            "input": str(self.job.source),
            "output": str(self.job.target),
            "status": self.status,
            "seconds": round(self.seconds, 3),
        }
        if self.job.score_map is not None:
            facts["score_map"] = str(self.job.score_map)
        if self.job.report is not None:
            facts["report"] = str(self.job.report)
        if self.size is not None:
            facts |= {"height": self.size[0], "width": self.size[1]}
        if self.mean_score is not None:
            facts["mean_score"] = round(self.mean_score, 4)
        if self.quality is not None:
            facts |= {
                name: None if value is None or math.isinf(value) else round(value, 4)
                for name, value in vars(self.quality).items()
            }
        if self.wear is not None:
            facts["wear"] = self.wear
        if self.doubt is not None:
            facts["wear_not_sure"] = self.doubt
        if self.warnings:
            facts["warnings"] = list(self.warnings)
        if self.error is not None:
            facts["error"] = self.error
        return facts
