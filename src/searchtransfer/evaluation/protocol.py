# SPDX-License-Identifier: Apache-2.0
"""Running a method over pairs of photos and measuring what it returns.

The protocol: the photo is cropped to a multiple of the scale and reduced by Pillow's bicubic filter
on eight bits; the method sees that and the references as they are.
"""

import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from ..errors import OptionError, ShapeError
from ..foreign import shown
from ..given import check_function, check_kind, check_list, check_whole, check_word
from ..images import ImageWarning, crop_to_multiple, degrade, read_image
from ..images.alpha import with_hidden_filled
from ..images.pairs import Pair
from ..process.items import Failure, attempt, harmless
from ..process.stop import Stop
from .metrics import Profile, psnr, ssim

Method = Callable[[Float[Tensor, "3 h w"], Sequence[Float[Tensor, "3 _ _"]]], Tensor]
"""Anything that makes `[3, scale H, scale W]` of `[3, H, W]` and references, all in [0, 1]."""

References = Literal["first", "all"]


Metric = Callable[[Tensor, Tensor], float]
"""A further measure of an image and its truth, both in [0, 1], such as `LPIPS`; lower is better."""


@dataclass(frozen=True)
class Row:
    """The figures of one photo."""

    name: str
    """File of the photo with the folder it is in."""
    psnr: float
    """dB; infinite where every pixel is right."""
    ssim: float
    lpips: float | None
    """None where it was not measured."""
    seconds: float
    """That the method took."""
    references: tuple[str, ...]
    notes: tuple[str, ...] = ()
    """What is unusual: a reference that equals the truth, a warning of the method."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of one method on one set, all by one protocol."""

    method: str
    profile: Profile
    references: References
    scale: int
    rows: tuple[Row, ...]
    failures: tuple[str, ...] = ()
    """Photos that could not be evaluated, with the reason; no mean includes them."""

    @property
    def exact(self) -> int:
        """Photos that were restored exactly, whose PSNR is infinite and in no mean."""
        return sum(math.isinf(row.psnr) for row in self.rows)

    def mean(self, figure: Literal["psnr", "ssim", "lpips", "seconds"]) -> float | None:
        """Mean of a figure over all rows where it is finite; None where there is none."""
        values = [getattr(row, figure) for row in self.rows]
        if None in values:
            return None
        finite = [value for value in values if math.isfinite(value)]
        return sum(finite) / len(finite) if finite else None


class Pictures(NamedTuple):
    """What was seen and made for one row; RGB in [0, 1]."""

    lr: Float[Tensor, "3 h w"]
    result: Float[Tensor, "3 hs ws"]
    truth: Float[Tensor, "3 hs ws"]
    references: list[Float[Tensor, "3 _ _"]]


def evaluate(
    method: Method,
    pairs: Sequence[Pair],
    *,
    name: str = "method",
    profile: Profile = "ttsr",
    references: References = "first",
    scale: int = 4,
    lpips: Metric | None = None,
    on_row: Callable[[Row, Pictures], None] | None = None,
    stop: Stop | None = None,
) -> Evaluation:
    """Measure a method; a photo that cannot be used, for whatever reason, does not stop the others.

    Args:
        method: see `Method`.
        pairs: photos and their references; see `searchtransfer.images.pairs`.
        name: of the method, for reports.
        profile: "ttsr" or "c2"; see `metrics`.
        references: give the method the first reference of each photo, or all of them.
        scale: by which photos are reduced.
        lpips: measure that too.
        on_row: called with each row and its pictures as soon as they are known; an error in it is
            logged.
        stop: a way to end it early.

    Raises:
        OptionError: profile, references or scale is none of those that exist.
        Stopped: it was asked for.
    """
    if stop is not None:
        check_kind("evaluate: stop", stop, Stop, "of searchtransfer.process.stop")
    check_function("evaluate: on_row", on_row)
    rows, failures = [], []
    watch = harmless((lambda row, pictures: None) if on_row is None else on_row)
    asked = Stop() if stop is None else stop
    for found in measured(method, pairs, profile, references, scale, lpips, asked):
        if isinstance(found, Failure):
            failures.append(found.message)
        else:
            rows.append(found[0])
            watch(*found)
    return Evaluation(name, profile, references, scale, tuple(rows), tuple(failures))


def measured(
    method: Method,
    pairs: Sequence[Pair],
    profile: Profile,
    references: References,
    scale: int,
    lpips: Metric | None,
    stop: Stop,
) -> Iterator[tuple[Row, Pictures] | Failure]:
    """One photo after the other as `evaluate` measures them.

    Raises:
        OptionError: profile, references or scale is none of those that exist.
        Stopped: it was asked for.
    """
    check_word("evaluate: profile", profile, ("ttsr", "c2"))
    check_word("evaluate: references", references, ("first", "all"))
    check_whole("evaluate: scale", scale, 1, 8)
    check_function("evaluate: lpips", lpips)
    if not callable(method):
        raise OptionError(f"evaluate: method must be a function, got {type(method).__name__}")
    check_list("evaluate: pairs", pairs, "Pair, as those of searchtransfer.images.pairs")
    for pair in pairs:
        check_kind("evaluate: one of pairs", pair, Pair, "of searchtransfer.images.pairs")
    for pair in pairs:
        stop.check()
        chosen = pair.references if references == "all" else pair.references[:1]
        work = partial(_measure, method, pair.target, chosen, profile, scale, lpips)
        found = attempt(f"photo {shown(pair.target)}", work)
        if isinstance(found, Failure):
            found = replace(found, message=f"{_short(pair.target)}: {found.message}")
        yield found


@torch.no_grad()
def _measure(
    method: Method,
    target: Path,
    references: Sequence[Path],
    profile: Profile,
    scale: int,
    lpips: Metric | None,
) -> tuple[Row, Pictures]:
    truth = crop_to_multiple(_read(target), scale)
    photos = [_read(path) for path in references]
    lr = degrade(truth, scale)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.perf_counter()
        result = method(lr, photos)
        seconds = time.perf_counter() - start
    if result.shape != truth.shape:
        raise ShapeError(
            f"the method returned {list(result.shape)}, the photo is {list(truth.shape)}"
        )
    result = result.to(truth).clamp(0, 1)
    notes = [str(warning.message) for warning in caught]
    notes += [
        f"the reference {_short(path)} equals the truth"
        for path, photo in zip(references, photos, strict=True)
        if torch.equal(crop_to_multiple(photo, scale), truth)
    ]
    row = Row(
        name=_short(target),
        psnr=psnr(result, truth, profile),
        ssim=ssim(result, truth, profile),
        lpips=None if lpips is None else lpips(result, truth),
        seconds=seconds,
        references=tuple(_short(path) for path in references),
        notes=tuple(notes),
    )
    return row, Pictures(lr, result, truth, photos)


def _read(path: Path) -> Float[Tensor, "3 h w"]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImageWarning)  # of metadata, which no figure depends on
        return with_hidden_filled(read_image(path)).colour.float()


def _short(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"
