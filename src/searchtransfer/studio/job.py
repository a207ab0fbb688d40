# SPDX-License-Identifier: Apache-2.0
"""The main job as the studio asks for it: read, make sharp, measure, write."""

import time
from dataclasses import dataclass, replace
from pathlib import Path

from ..batch import Quality
from ..batch.checks import check_reducible
from ..batch.item import measure, reduced
from ..errors import OptionError
from ..images import Image, Metadata, read_image, to_profile, up, write_image
from ..pretrained import MODELS, default_model
from ..progress import Progress
from ..references.usefulness import usefulness
from ..upscaler import Result, Upscaler, WeakReferenceWarning
from .faults import renamed
from .limits import Limits
from .notes import heard
from .sessions import Session, Upload


@dataclass(frozen=True)
class Order:
    """What the visitor asked for."""

    small: Upload
    references: tuple[Upload, ...]
    model: str
    scale: int
    reduce: bool
    """The picture is a sharp photo, to be reduced first."""

    @property
    def names(self) -> dict[str, str]:
        """What the visitor calls the files."""
        return {str(x.path): x.name for x in (self.small, *self.references)}


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    order: Order
    small: Image
    """What was made sharp."""
    result: Result
    references: tuple[Image, ...]
    """In the colours of the small image."""
    quality: Quality | None
    """Where the truth is known."""
    verdict: str
    """How useful the references were, in words; empty without any."""
    notes: tuple[str, ...]
    seconds: float
    """Of preparing the references and upscaling."""
    pictures: dict[str, str]
    """Addresses: before, after, and where they exist truth and metadata (after, with metadata)."""


BEST = "best"
"""In place of a model: the best for the scale."""


def order_of(session: Session, model: str, scale: int, reduce: bool, limits: Limits) -> Order:
    """Check an order before any work.

    Raises:
        OptionError: there is no such model (files and hub ids are none here), no picture, or the
            result would be too large.
        ImageFileError: a picture is too small to be reduced.
    """
    if model == BEST:
        model = default_model(scale)
    if model not in MODELS:
        raise OptionError(f"there is no model {model!r}; there are: {', '.join(MODELS)}")
    if not session.uploads["small"]:
        what = "sharp photo" if reduce else "small image"
        raise OptionError(f"there is no {what} yet: choose one, or use the example")
    small = session.uploads["small"][0]
    height, width = small.size
    if reduce:
        check_reducible(small.path, small.size, scale)
    elif height * width * scale**2 > limits.result_pixels:
        raise OptionError(
            f"the result would have {height * scale} x {width * scale} = "
            f"{height * width * scale**2 / 1e6:.0f} million pixels, more than the "
            f"{limits.result_pixels / 1e6:.0f} million that are allowed; take a smaller scale or "
            "image"
        )
    return Order(small, tuple(session.uploads["reference"]), model, scale, reduce)


def make(order: Order, session: Session, limits: Limits, progress: Progress) -> Outcome:
    """Do it, and leave the pictures in the session.

    Raises:
        SearchTransferError: a file cannot be used, or the model cannot do what is asked.
        Exception: whatever progress raises.
    """
    with heard() as notes:
        progress("reading", 0.0)
        upscaler = Upscaler.from_pretrained(order.model, scale=order.scale)
        small = read_image(order.small.path, max_pixels=limits.photo_pixels)
        truth = None
        if order.reduce:
            small, truth = reduced(small, order.scale)
        photos = []
        for upload in order.references:
            photo = read_image(upload.path, max_pixels=limits.photo_pixels)
            photos.append(to_profile(photo, small.metadata.icc, f"reference {upload.name!r}"))
        start = time.perf_counter()
        progress("reference", 0.0)
        reference = upscaler.prepare(photos) if photos else None
        result = upscaler.upscale(small, reference, on_progress=progress)
        seconds = time.perf_counter() - start
        progress("pictures", 0.0)
        quality = None if truth is None else measure(result.image, small, truth)
        progress("pictures", 0.5)
        pictures = _write(session, small, result.image, truth)
        progress("pictures", 1.0)
    # The verdict says what this warning says.
    remarks = [str(note) for note in notes if not isinstance(note, WeakReferenceWarning)]
    return Outcome(
        order,
        small,
        result,
        tuple(photos),
        quality,
        usefulness(result.score, result.matches) if photos else "",
        tuple(renamed(remark, order.names) for remark in remarks),
        seconds,
        pictures,
    )


def _write(session: Session, small: Image, sharp: Image, truth: Image | None) -> dict[str, str]:
    """Write the pictures of a run in place of those of the one before."""
    scale = sharp.size[0] // small.size[0]
    pictures = {
        "before": replace(sharp, colour=up(small.colour, scale).clamp(0, 1)),
        "after": sharp,
    }
    if truth is not None:
        pictures["truth"] = truth
    with session.lock:
        for key in [key for key in session.files if key.startswith("run-")]:
            session.forget(key)
        session.run += 1
    addresses = {}
    for what, picture in pictures.items():
        addresses[what] = _serve(session, what, picture, keep=False)
    if sharp.metadata != Metadata(icc=sharp.metadata.icc):
        addresses["metadata"] = _serve(session, "metadata", sharp, keep=True)
    return addresses


def _serve(session: Session, what: str, picture: Image, *, keep: bool) -> str:
    key = f"run-{session.run}-{what}.png"
    path: Path = session.folder / key
    write_image(picture, path, metadata="keep" if keep else "strip")
    return session.serve(key, path)
