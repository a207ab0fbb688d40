# SPDX-License-Identifier: Apache-2.0
"""What the parts of a film were made from, and what they tell the next run."""

import hashlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from .. import __version__
from ..images.reduction import Reduction
from ..models.kept import fingerprint
from ..upscaler import Upscaler
from ..wear import CLEAN, Wear
from .encoding import Coding
from .reading import Film


def made_from(
    film: Film, upscaler: Upscaler, coding: Coding, segment: float, more: Mapping[str, Any]
) -> dict[str, Any]:
    """All that decides what the parts of a film are; `segment` is their length in seconds."""
    networks = {
        name: fingerprint(x).hex()
        for name, x in vars(upscaler.model).items()
        if isinstance(x, torch.nn.Module)
    }
    return {
        "version": __version__,
        "film": digest(film.source) if isinstance(film.source, Path) else None,
        "model": [upscaler.model.name, upscaler.scale, upscaler.factor],
        "networks": networks,
        "coding": repr(coding),
        "segment": max(1, math.ceil(segment * 1000)),
        **more,
    }


def digest(path: Path) -> str:
    """Of the content of a file, or of those of a folder."""
    total = hashlib.blake2b(digest_size=16)
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if file.is_file():
            total.update(file.name.encode("utf-8", "surrogateescape") + b"\0")
            with file.open("rb") as content:
                while block := content.read(2**20):
                    total.update(block)
    return total.hexdigest()


def noted(wear: Wear | None) -> dict[str, Any]:
    """What a part says of what the film has been through."""
    if wear is None:
        return {}
    way = wear.reduction
    return {
        "noise": wear.noise,
        "coded": wear.coded,
        "quality": wear.quality,
        "softness": wear.softness,
        "reduction": None if way is None else [way.kernel, way.softness],
    }


def wear_in(notes: Mapping[str, Any]) -> Wear | None:
    """What the notes of a part say; None where they do not."""
    facts = {name: notes[name] for name in noted(CLEAN) if name in notes}
    way = facts.pop("reduction", None)
    return Wear(**facts, reduction=None if way is None else Reduction(*way)) if facts else None
