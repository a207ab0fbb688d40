# SPDX-License-Identifier: Apache-2.0
"""The built-in pair: one eye of a stereo photo, and the other."""

import secrets

from ..demo import stereo_pair
from ..images import write_image
from . import uploads
from .sessions import Session


def use_example(session: Session) -> None:
    """Put the pair in place of the session's pictures.

    Raises:
        MissingExtraError: the photos cannot be had.
    """
    left, right = stereo_pair()
    for kind in session.uploads:
        for upload in list(session.uploads[kind]):
            session.remove(upload.id)
    for kind, name, image in (
        ("small", "motorcycle, left eye.png", left),
        ("reference", "motorcycle, right eye.png", right),
    ):
        path = session.folder / f"upload-{secrets.token_hex(8)}.png"
        write_image(image, path)
        uploads.keep(session, kind, path, name, image)
