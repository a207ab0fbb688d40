# SPDX-License-Identifier: Apache-2.0
"""Warnings about an image, kept with its outcome."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..images import ImageWarning
from ..upscaler import WeakReferenceWarning


@contextmanager
def recorded() -> Iterator[list[str]]:
    """Collects the messages of this package's warnings; others are issued as they were."""
    ours = (ImageWarning, WeakReferenceWarning)
    notes: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield notes
        finally:
            notes += [str(w.message) for w in caught if issubclass(w.category, ours)]
    for other in caught:
        if not issubclass(other.category, ours):
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
