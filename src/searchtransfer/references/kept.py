# SPDX-License-Identifier: Apache-2.0
"""What is computed once and kept, whichever thread asks first."""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Kept:
    """Values by name. Copies and pickles of it are empty: what it holds can be made again."""

    def __init__(self) -> None:
        self._values: dict[Hashable, Any] = {}
        self._lock = threading.RLock()

    def once(self, name: Hashable, compute: Callable[[], T]) -> T:
        """The value of a name; computed the first time, by one thread while others wait."""
        with self._lock:
            if name not in self._values:
                self._values[name] = compute()
            value: T = self._values[name]
            return value

    def __reduce__(self) -> tuple[type["Kept"], tuple[()]]:
        return Kept, ()
