# SPDX-License-Identifier: Apache-2.0
"""Bytes of pictures on the disk, reserved before they arrive."""

import threading
from typing import Optional


class Storage:
    """What may be kept, by one visitor or by all.

    Args:
        most: bytes.
        whole: what this is a part of; it has to have room too.
    """

    def __init__(self, most: int, whole: Optional["Storage"] = None) -> None:
        self.most, self.whole = most, whole
        self._taken = 0
        self._closed = False
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Bytes that are reserved or in use."""
        return self._taken

    @property
    def closed(self) -> bool:
        """Whether it takes nothing any more."""
        return self._closed

    def take(self, count: int) -> bool:
        """Reserve so many bytes; False, and nothing is, where there is no room for them."""
        with self._lock:
            if self._closed or self._taken + count > self.most:
                return False
            if self.whole is not None and not self.whole.take(count):
                return False
            self._taken += count
            return True

    def give(self, count: int) -> None:
        """Give some of it back."""
        with self._lock:
            if self._closed:
                return
            self._taken -= count
        if self.whole is not None:
            self.whole.give(count)

    def close(self) -> None:
        """Give all of it back, and take nothing any more."""
        with self._lock:
            rest, self._closed, self._taken = self._taken, True, 0
        if self.whole is not None:
            self.whole.give(rest)
