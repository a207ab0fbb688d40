# SPDX-License-Identifier: Apache-2.0
"""Taking in pictures: bytes are counted as they arrive, pixels before any is decoded."""

import secrets
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

from ..errors import ImageFileError
from ..images import Image, Metadata, read_image, to_pil
from .faults import renamed
from .limits import MIB, Limits
from .notes import heard
from .sessions import Kind, Session, Upload

THUMBNAIL = 192
"""Pixels on the longer side."""


async def receive(
    session: Session, kind: Kind, chunks: AsyncIterator[bytes], limits: Limits
) -> Path:
    """Write an upload to a file of the session.

    Raises:
        ImageFileError: it is larger than allowed, or there are too many; nothing is left of it.
    """
    _check_count(session, kind, limits)
    most = min(limits.file_bytes, limits.session_bytes - session.bytes)
    path = session.folder / f"upload-{secrets.token_hex(8)}"
    count = 0
    try:
        with path.open("xb") as file:
            async for chunk in chunks:
                count += len(chunk)
                if count > most:
                    raise ImageFileError(_too_large(most, limits))
                file.write(chunk)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def _check_count(session: Session, kind: Kind, limits: Limits) -> None:
    if kind == "reference" and len(session.uploads[kind]) >= limits.references:
        raise ImageFileError(
            f"there are {limits.references} references already, as many as are allowed; "
            "remove one first"
        )


def _too_large(most: int, limits: Limits) -> str:
    if most < limits.file_bytes:
        return (
            f"all your pictures together would have more than {limits.session_bytes // MIB} MiB; "
            "remove one first"
        )
    return f"this file has more than the {most // MIB} MiB that are allowed"


def admit(session: Session, kind: Kind, path: Path, name: str, limits: Limits) -> Upload:
    """Check a received file, make its thumbnail, and count it as one of the session's pictures.

    A new small image replaces the one before it.

    Raises:
        ImageFileError: it cannot be used; it is deleted.
    """
    try:
        _check_count(session, kind, limits)  # others may have arrived at the same time
        with heard():
            image = read_image(path, max_pixels=limits.photo_pixels)
    except ImageFileError as error:
        path.unlink(missing_ok=True)
        words = {str(path): name, "raise max_pixels to allow it": "make it smaller first"}
        raise ImageFileError(renamed(str(error), words)) from error
    return keep(session, kind, path, name, image)


def keep(session: Session, kind: Kind, path: Path, name: str, image: Image) -> Upload:
    """Count a file that has been read as one of the session's pictures."""
    id = secrets.token_hex(8)
    thumbnail = to_pil(replace(image, bits=8, metadata=Metadata()))
    thumbnail.thumbnail((THUMBNAIL, THUMBNAIL))
    small = session.folder / f"thumbnail-{id}.png"
    thumbnail.save(small)
    upload = Upload(id, name, path, image.size, path.stat().st_size)
    if kind == "small":
        for other in list(session.uploads[kind]):
            session.remove(other.id)
    with session.lock:
        session.uploads[kind].append(upload)
        session.serve(f"{id}.png", small)
    return upload
