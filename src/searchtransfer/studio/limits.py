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
    """Of all uploads of a visitor, those that are on their way included."""
    all_bytes: int = 4096 * MIB
    """Of all uploads of all visitors."""
    photo_pixels: int = 2**25
    """Of one upload; known from its header, before it is decoded."""
    result_pixels: int = 2**26
    """Of one sharp picture."""
    images: int = 16
    """Small images of one visitor."""
    references: int = 8
    """Of one visitor."""
    sessions: int = 32
    """Visitors at a time."""
    idle_seconds: float = 3600.0
    """After which a visitor who says nothing has left."""
    away_seconds: float = 10.0
    """After which a visitor whose page is no longer connected has left."""
    header_seconds: float = 20.0
    """Within which a connection has to say what it wants."""
    upload_seconds: float = 300.0
    """Of one upload."""
    stall_seconds: float = 20.0
    """Of one upload without a byte."""
    waiting: int = 8
    """Jobs in the queue; one runs at a time."""
    job_seconds: float = 600.0
    """Of one job."""
    job_bytes: int | None = None
    """Memory of a job; None for three quarters of what the machine has. Known on Linux only."""
