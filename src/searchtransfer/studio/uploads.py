# SPDX-License-Identifier: Apache-2.0
"""Taking in pictures: bytes are reserved before they arrive, one picture is decoded at a time."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from PIL.Image import Image as PILImage

from ..demo import stereo_pair
from ..errors import ImageFileError, SearchTransferError
from ..images import Image, Metadata, read_image, to_pil, write_image
from ..images.formats import TGA
from .limits import MIB, Limits
from .notes import heard
from .orders import Upload
from .scrubbing import scrubbed
from .sessions import Kind, Session

THUMBNAIL = 192
"""Pixels on the longer side."""


class Received(NamedTuple):
    """A file whose bytes are all here, and counted."""

    path: Path
    bytes: int


async def receive(
    session: Session,
    kind: Kind,
    chunks: AsyncIterator[bytes],
    limits: Limits,
    declared: int | None = None,
    name: str = "",
) -> Received:
    """Write an upload to a file of the session.

    Args:
        session: whose it is.
        kind: what it is to be.
        chunks: its bytes as they arrive.
        limits: of sizes and times.
        declared: how many bytes there will be; None reserves as many as one file may have.
        name: as the visitor calls it; its ending counts for a format that is told by nothing else.

    Raises:
        ImageFileError: it is larger than allowed, takes too long, or there are too many; nothing is
            left of it.
    """
    if declared is not None and declared > limits.file_bytes:
        raise ImageFileError(_too_large(limits))
    reserved = limits.file_bytes if declared is None else declared
    if declared is None:  # as much as there is
        reserved = min(reserved, session.storage.most - session.storage.taken)
    _take_slot(session, kind, limits)
    try:
        if not session.storage.take(reserved):
            raise ImageFileError(_no_room(session, reserved))
        try:
            path = session.folder / f"upload-{secrets.token_hex(8)}{_ending(name)}"
            count = await _written(path, session, chunks, reserved, declared, limits)
        except BaseException:
            session.storage.give(reserved)
            raise
        session.storage.give(reserved - count)
        return Received(path, count)
    finally:
        with session.lock:
            session.arriving[kind] -= 1


def _ending(name: str) -> str:
    """That of TGA, which has no mark in the file itself; none for all others."""
    ending = PurePosixPath(name).suffix.lower()
    return ending if ending in TGA.extensions else ""


async def _written(
    path: Path,
    session: Session,
    chunks: AsyncIterator[bytes],
    most: int,
    declared: int | None,
    limits: Limits,
) -> int:
    count = 0
    try:
        with path.open("xb") as file:
            async with asyncio.timeout(limits.upload_seconds):
                while True:
                    async with asyncio.timeout(limits.stall_seconds):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    count += len(chunk)
                    if count > most:
                        full = declared is None and most < limits.file_bytes
                        raise ImageFileError(
                            _no_room(session, count) if full else _too_large(limits)
                        )
                    file.write(chunk)
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, TimeoutError):
            raise ImageFileError(
                f"the upload took too long: {limits.upload_seconds:.0f} seconds are allowed, and "
                f"{limits.stall_seconds:.0f} without a byte; try a smaller file or a faster "
                "connection"
            ) from None
        raise
    return count


def _take_slot(session: Session, kind: Kind, limits: Limits) -> None:
    most, what = (
        (limits.references, "references") if kind == "reference" else (limits.images, "images")
    )
    with session.lock:
        if len(session.uploads[kind]) + session.arriving[kind] >= most and (
            kind == "reference" or session.arriving[kind] >= most
        ):
            raise ImageFileError(
                f"there are {most} {what} already, as many as are allowed; remove one first"
            )
        session.arriving[kind] += 1


def _no_room(session: Session, count: int) -> str:
    if session.storage.taken + count > session.storage.most:
        return (
            f"all your pictures together would have more than {session.storage.most // MIB} MiB; "
            "remove one first"
        )
    return "all visitors together have sent as much as there is room for; try again later"


def _too_large(limits: Limits) -> str:
    return f"this file has more than the {limits.file_bytes // MIB} MiB that are allowed"


def admit(
    session: Session,
    kind: Kind,
    received: Received,
    name: str,
    limits: Limits,
    *,
    replace: bool = False,
) -> Upload:
    """Check a received file, make its thumbnail, and count it as one of the session's pictures.

    To be called by one at a time, for it decodes the picture.

    Args:
        session: whose it is.
        kind: what it is to be.
        received: the file.
        name: as the visitor calls it.
        limits: of sizes.
        replace: in place of all that are there.

    Raises:
        ImageFileError: it cannot be used; it is deleted.
    """
    path = received.path
    try:
        with heard():
            image = read_image(path, max_pixels=limits.photo_pixels)
        return _kept(session, kind, received, name, image, limits, replace)
    except BaseException as error:
        path.unlink(missing_ok=True)
        session.storage.give(received.bytes)
        if isinstance(error, SearchTransferError):
            words = scrubbed(str(error), {str(path): name})
            advice = "; make it smaller first" if "max_pixels" in str(error) else ""
            raise ImageFileError(words + advice) from error
        raise


def _kept(
    session: Session,
    kind: Kind,
    received: Received,
    name: str,
    image: Image,
    limits: Limits,
    replacing: bool,
) -> Upload:
    id = secrets.token_hex(8)
    small = session.folder / f"thumbnail-{id}.png"
    _thumbnail(image).save(small)
    upload = Upload(id, name, str(received.path), image.size, received.bytes)
    most = limits.references if kind == "reference" else limits.images
    with session.lock:
        if not replacing and len(session.uploads[kind]) >= most:
            small.unlink()
            what = "references" if kind == "reference" else "images"
            raise ImageFileError(
                f"there are {most} {what} already, as many as are allowed; remove one first"
            )
        session.keep(kind, upload, small, replace=replacing)
    return upload


def _thumbnail(image: Image) -> PILImage:
    """A small picture; of a large one every so many pixels, which spares memory."""
    step = max(1, max(image.size) // (4 * THUMBNAIL))
    colour = image.colour[:, ::step, ::step]
    alpha = None if image.alpha is None else image.alpha[:, ::step, ::step]
    thumbnail = to_pil(
        replace(image, colour=colour, alpha=alpha, bits=8, metadata=Metadata(), bands=None)
    )
    thumbnail.thumbnail((THUMBNAIL, THUMBNAIL))
    return thumbnail


def use_example(session: Session, limits: Limits) -> None:
    """Put the built-in pair, two eyes of a stereo photo, in place of the session's pictures.

    Raises:
        MissingExtraError: the photos cannot be had.
        ImageFileError: there is no room for them.
    """
    left, right = stereo_pair()
    kinds: tuple[tuple[Kind, str, Image], ...] = (
        ("small", "motorcycle, left eye.png", left),
        ("reference", "motorcycle, right eye.png", right),
    )
    for kind, name, image in kinds:
        path = session.folder / f"upload-{secrets.token_hex(8)}.png"
        write_image(image, path)
        count = path.stat().st_size
        if not session.storage.take(count):
            path.unlink()
            raise ImageFileError(_no_room(session, count))
        admit(session, kind, Received(path, count), name, limits, replace=True)
