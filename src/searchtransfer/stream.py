# SPDX-License-Identifier: Apache-2.0
"""Many images one after the other in a program of your own: read ahead, told, cancelled."""

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from .errors import OptionError
from .foreign import shown
from .given import check_function
from .images import read_image
from .process.items import Failure, attempt
from .process.stop import Stopped
from .upscaler import Result, Upscaler


@dataclass(frozen=True)
class Item:
    """What became of an image."""

    number: int
    """From 0 on, in the order in which the images were given."""
    source: Any
    """As it was given."""
    result: Result | None
    """None where it failed."""
    error: str | None
    """Why it failed: what, where, and what to do."""
    seconds: float
    """That the upscaling took, without the reading."""


def upscale_each(
    upscaler: Upscaler,
    images: Iterable[object],
    reference: object | None = None,
    *,
    prefetch: int = 2,
    tile: int | Literal["auto"] = "auto",
    size: tuple[int, int] | None = None,
    on_progress: Callable[[int, str, float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Item]:
    """Upscale images as they come; files are read ahead by a thread while others are made.

    An image that fails is an item with an error, and the others go on. The pictures are those of
    `Upscaler.upscale`. Several threads may iterate at once with the same upscaler and reference,
    each over images of its own; one iterator belongs to one thread.

    Memory: at most `prefetch` + 1 pictures that were read (12 bytes a pixel), one result, and the
    reference with what was prepared of it; nothing is kept of an item that you have let go.

    Args:
        upscaler: the model.
        images: paths, Images, Pillow pictures, NumPy arrays or tensors; may be endless. It is asked
            for the next one `prefetch` early, in the thread that iterates.
        reference: for all; as `Upscaler.upscale` takes it. Pictures are prepared once.
        prefetch: how many files are read ahead; 0 reads each when its turn comes.
        tile: as `Upscaler.upscale` takes it.
        size: likewise.
        on_progress: called as `on_progress(number, stage, done)`, done from 0 to 1. An exception
            raised in it ends the iteration.
        cancelled: asked often; once it says True, the iteration ends, without the present image.

    Yields:
        An item for each image, in their order.

    Raises:
        OptionError: prefetch is negative.
        SearchTransferError: the reference cannot be prepared.

    Examples:
        >>> from searchtransfer.images import degrade
        >>> photo = torch.rand(3, 64, 80)
        >>> images = [degrade(photo[:, 8:56, 12:72], 4), "missing.png"]
        >>> for item in upscale_each(Upscaler.from_pretrained("transfer"), images, [photo]):
        ...     print(item.number, item.error or list(item.result.image.shape))
        0 [3, 48, 60]
        1 image 'missing.png': no such file
    """
    if isinstance(prefetch, bool) or not isinstance(prefetch, int) or prefetch < 0:
        raise OptionError(f"prefetch must be 0 or a positive whole number, got {prefetch!r}")
    check_function("on_progress", on_progress)
    check_function("cancelled", cancelled)
    if not isinstance(upscaler, Upscaler):
        raise OptionError(f"upscaler must be an Upscaler, got {type(upscaler).__name__}")
    if not isinstance(images, Iterable) or getattr(images, "ndim", 1) == 0:
        raise OptionError(f"images must be a list or an iterator, got {type(images).__name__}")
    return _items(upscaler, images, reference, prefetch, tile, size, on_progress, cancelled)


def _items(
    upscaler: Upscaler,
    images: Iterable[object],
    reference: object | None,
    prefetch: int,
    tile: int | Literal["auto"],
    size: tuple[int, int] | None,
    on_progress: Callable[[int, str, float], None] | None,
    cancelled: Callable[[], bool] | None,
) -> Iterator[Item]:
    prepared = None if reference is None else upscaler._prepared(reference)
    for number, (source, read) in enumerate(_ahead(images, prefetch)):

        def progress(stage: str, done: float, number: int = number) -> None:
            if cancelled is not None and cancelled():
                raise Stopped
            if on_progress is not None:
                try:
                    on_progress(number, stage, done)
                except Exception as error:
                    raise _Callers(error) from error

        try:
            name = f"image {_named(source, number)}"
            picture = attempt(name, read)
            start = time.perf_counter()
            progress("read", 1.0)
            made = (
                picture
                if isinstance(picture, Failure)
                else attempt(
                    name,
                    lambda picture=picture: upscaler.upscale(  # type: ignore[misc]
                        picture, prepared, tile=tile, size=size, on_progress=progress
                    ),
                )
            )
        except _Callers as error:
            raise error.error from None
        except Stopped:
            return
        seconds = time.perf_counter() - start
        if isinstance(made, Failure):
            yield Item(number, source, None, made.message, seconds)
        else:
            yield Item(number, source, made, None, seconds)
        del made, picture


class _Callers(Stopped):
    """An exception of the caller's own function, which is no fault of an image."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


def _named(source: object, number: int) -> str:
    return shown(source) if isinstance(source, (str, os.PathLike)) else str(number)


def _ahead(
    images: Iterable[object], prefetch: int
) -> Iterator[tuple[object, Callable[[], object]]]:
    """Images, and what gives each one as a picture, files being read meanwhile."""
    pool = ThreadPoolExecutor(1, "read ahead")
    waiting: deque[tuple[object, Future[object]]] = deque()
    try:
        for source in images:
            waiting.append((source, pool.submit(_read, source)))
            if len(waiting) > prefetch:
                first, future = waiting.popleft()
                yield first, future.result
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _read(source: object) -> object:
    return read_image(source) if isinstance(source, (str, os.PathLike)) else source
