# SPDX-License-Identifier: Apache-2.0
"""Which photos are never trained on: by what they show, so that no other photo moves them.

A photo is held out if the number that its bytes hash to is below a share, a scene if that of its
name is; neither depends on what else there is. Only where that leaves none, the lowest is taken
too: the crops' folder keeps note of that one (see `manifest.py`).
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

SHARE = 0.05


@dataclass(frozen=True)
class Split:
    """A rule that divides photos and scenes."""

    share: float = SHARE
    """About this part is held out."""
    named: frozenset[str] = frozenset()
    """Photos and scenes that are held out whatever their numbers."""

    def holds(self, name: str) -> bool:
        """Whether a photo or scene is held out; see `photo_name` and `scene_name`."""
        return name in self.named or _number(name) < self.share

    def with_one_of(self, names: Iterable[str]) -> "Split":
        """Hold out one of these, unless one is already, or there is but one."""
        known = set(names)
        if len(known) < 2 or any(self.holds(name) for name in known):
            return self
        return replace(self, named=self.named | {min(known, key=_number)})


BY_CONTENT = Split()


def scene_name(folder: Path) -> str:
    """What a scene is known by."""
    return f"scene {folder.name}"


def photo_name(path: Path) -> str:
    """What a photo is known by: its bytes, wherever it lies."""
    return _known(path, path.stat().st_mtime_ns)


@cache
def _known(path: Path, changed: int) -> str:
    with path.open("rb") as file:
        return f"photo {hashlib.file_digest(file, 'sha256').hexdigest()}"


def _number(name: str) -> float:
    """Evenly spread over [0, 1)."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48
