# SPDX-License-Identifier: Apache-2.0
"""What visitors may ask for: which choices there are, and what an order has to hold."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from ..batch.checks import check_reducible
from ..errors import ImageFileError, OptionError
from ..models import FusionModel, TransferModel
from ..models.expected import expected_seconds
from ..models.pretrained import DEFAULT_MODEL, LOOKS, MODELS, Look, has_look
from ..references import SCALES
from .limits import Limits

BEST = "best"
"""In place of a model: the best for the scale."""

WORDS = {
    BEST: ("the best for the scale", ""),
    "transfer": ("transfer", "detail of the references, nothing learned"),
    "fusion": ("fusion", "learned; also without a reference"),
}
"""Name and description of each model."""

LOOK_WORDS = {
    "faithful": ("faithful", "as near the truth as can be"),
    "vivid": ("vivid", "what no reference shows is painted sharp, though it may not be true"),
}
"""Name and description of each look."""

NEEDS_REFERENCE = {
    "transfer": TransferModel.needs_reference,
    "fusion": FusionModel.needs_reference,
}


class Upload(NamedTuple):
    """A picture of the visitor's."""

    id: str
    name: str
    """As the visitor calls it; never part of a path."""
    path: str
    size: tuple[int, int]
    """`(H, W)` in pixels."""
    bytes: int


@dataclass(frozen=True)
class Settings:
    """What is chosen on the page."""

    model: str = BEST
    scale: int = 4
    reduce: bool = False
    """The pictures are sharp photos, to be reduced first."""
    look: Look = "faithful"
    """How what no reference shows is painted."""


@dataclass(frozen=True)
class Order:
    """What is to be done."""

    small: tuple[Upload, ...]
    references: tuple[Upload, ...]
    model: str
    scale: int
    reduce: bool
    look: Look = "faithful"

    @property
    def names(self) -> dict[str, str]:
        """What the visitor calls the files."""
        return {x.path: x.name for x in (*self.small, *self.references)}

    @property
    def work(self) -> float:
        """Seconds that it takes, about, where nothing is known of the machine."""
        known = [x.size[0] * x.size[1] for x in self.references]
        pixels = [x.size[0] * x.size[1] for x in self.small]
        cells = sum(pixels) // (self.scale**2 if self.reduce else 1)
        return expected_seconds(cells, self.scale, sum(known) if known else None)


class Choice(NamedTuple):
    """One of the buttons to choose from."""

    value: str
    label: str
    hint: str
    reason: str
    """Why it cannot be chosen now; empty if it can."""


def models(settings: Settings, has_reference: bool) -> list[Choice]:
    """The models, beside the scale that is chosen."""
    return [
        Choice(name, *WORDS.get(name, (name, "")), _why_not(name, settings.scale, has_reference))
        for name in (BEST, *MODELS)
    ]


def scales(settings: Settings, has_reference: bool) -> list[Choice]:
    """The scales, beside the model that is chosen."""
    return [
        Choice(str(x), f"{x} times", "", _why_not(settings.model, x, has_reference)) for x in SCALES
    ]


def looks(settings: Settings) -> list[Choice]:
    """The looks, beside the model and the scale that are chosen."""
    model = DEFAULT_MODEL if settings.model == BEST else settings.model
    return [
        Choice(
            look,
            *LOOK_WORDS[look],
            "" if has_look(look, model, settings.scale) else "only fusion has it, at scale 4",
        )
        for look in LOOKS
    ]


def _why_not(model: str, scale: int, has_reference: bool) -> str:
    name = DEFAULT_MODEL if model == BEST else model
    if NEEDS_REFERENCE.get(name, False) and not has_reference:
        return "needs a reference"
    return ""


def order_of(
    small: list[Upload], references: list[Upload], settings: Settings, limits: Limits
) -> Order:
    """Check an order before any work.

    Raises:
        OptionError: there is no such model or scale (files and hub ids are none here), no picture,
            no reference where one is needed, or a result would be too large.
        ImageFileError: a picture is too small to be reduced.
    """
    model, scale = settings.model, settings.scale
    if scale not in SCALES:
        raise OptionError(f"there is no scale {scale!r}; there are: {', '.join(map(str, SCALES))}")
    if model == BEST:
        model = DEFAULT_MODEL
    if model not in MODELS:
        raise OptionError(f"there is no model {model!r}; there are: {', '.join(MODELS)}")
    if not small:
        what = "sharp photo" if settings.reduce else "small image"
        raise OptionError(f"there is no {what} yet: choose one, or use the example")
    if reason := _why_not(settings.model, scale, bool(references)):
        what = "the best model for this scale" if settings.model == BEST else f"model {model}"
        raise OptionError(f"{what}: {reason}".replace(": needs", " needs"))
    if not has_look(settings.look, model, scale):
        raise OptionError(f"look {settings.look}: only fusion has it, at scale 4")
    for upload in small:
        _check_size(upload, settings, limits)
    return Order(tuple(small), tuple(references), model, scale, settings.reduce, settings.look)


HELD = "pictures"
"""Folder in that of a job, while it runs."""


def held(order: Order, folder: Path) -> Order:
    """Hold the pictures of an order for its job: what the visitor takes away now is still there.

    Args:
        order: from `order_of`.
        folder: that of the job.
    """
    (folder / HELD).mkdir()

    def hold(upload: Upload) -> Upload:
        path = folder / HELD / Path(upload.path).name
        try:
            os.link(upload.path, path)
        except OSError:  # there are no links here, or it is gone, which the job will say
            return upload
        return upload._replace(path=str(path))

    return replace(
        order,
        small=tuple(map(hold, order.small)),
        references=tuple(map(hold, order.references)),
    )


def _check_size(upload: Upload, settings: Settings, limits: Limits) -> None:
    (height, width), scale = upload.size, settings.scale
    if settings.reduce:
        try:
            check_reducible(Path(upload.path), upload.size, scale)
        except ImageFileError as error:
            raise ImageFileError(str(error).replace(upload.path, upload.name)) from None
    elif height * width * scale**2 > limits.result_pixels:
        raise OptionError(
            f"the result would have {width * scale} x {height * scale} = "
            f"{height * width * scale**2 / 1e6:.0f} million pixels, more than the "
            f"{limits.result_pixels / 1e6:.0f} million that are allowed; take a smaller scale or "
            "image"
        )
