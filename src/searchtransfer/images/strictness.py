# SPDX-License-Identifier: Apache-2.0
"""Truncated files are refused, whatever other libraries of the process have told Pillow."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from PIL import ImageFile

_lock = threading.Lock()
_inside = 0
_before = False


@contextmanager
def truncation_refused() -> Iterator[None]:
    """While any thread is inside, Pillow's `LOAD_TRUNCATED_IMAGES` is False; then as it was.

    Pillow has this switch for the whole process only, and makes half a file a whole picture, grey
    below, without a word where it is on.
    """
    global _inside, _before
    with _lock:
        if not _inside:
            _before, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if not _inside:
                ImageFile.LOAD_TRUNCATED_IMAGES = _before
