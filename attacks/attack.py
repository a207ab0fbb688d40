# SPDX-License-Identifier: Apache-2.0
"""A hostile file, and what may come of it."""

from typing import NamedTuple


class Attack(NamedTuple):
    """One file."""

    name: str
    """Also that of the file; says of which kind it is by its suffix."""
    content: bytes
    error: str
    """The class of `searchtransfer.errors` that must be raised."""
