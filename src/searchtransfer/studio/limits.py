# SPDX-License-Identifier: Apache-2.0
"""How much visitors may ask for."""

from dataclasses import dataclass

MIB = 2**20


@dataclass(frozen=True)
class Limits:
    """Bounds of everything that a visitor can make larger."""

    file_bytes: int = 64 * MIB
    """Of one upload."""
    session_bytes: int = 256 * MIB
    """Of all uploads of a visitor."""
    photo_pixels: int = 2**25
    """Of one upload; known from its header, before it is decoded."""
    result_pixels: int = 2**26
    """Of the sharp picture."""
    references: int = 8
    """Of one visitor."""
    sessions: int = 32
    """Visitors at a time."""
    idle_seconds: float = 3600.0
    """After which a visitor who says nothing has left."""
    waiting: int = 8
    """Jobs in the queue; one runs at a time."""
    job_seconds: float = 600.0
    """Of one job."""
