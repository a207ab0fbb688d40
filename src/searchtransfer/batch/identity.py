# SPDX-License-Identifier: Apache-2.0
"""What makes a result the same: digests of files and of models, settings as plain values."""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from .. import __version__
from ..about import installed
from ..models.kept import fingerprint
from ..upscaler import Upscaler
from .settings import Settings

LIBRARIES = ("torch", "numpy", "opencv-python-headless", "OpenImageIO", "pillow")
"""Those that can change a byte of a result."""


def hash_of(content: bytes) -> str:
    """The SHA-256 of some bytes, with its name before it."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def hash_of_file(path: Path) -> str:
    """The SHA-256 of a file, which is read again only when it has changed.

    Raises:
        OSError: it cannot be read.
    """
    state = path.stat()
    return _hash_of_file(os.path.realpath(path), state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=100_000)
def _hash_of_file(path: str, changed: int, size: int) -> str:
    with Path(path).open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def settings_of(upscaler: Upscaler, settings: Settings) -> dict[str, object]:
    """All settings that can change a result, as plain values for JSON."""
    wish = {name: value for name, value in vars(settings.wish).items() if value is not None}
    facts: dict[str, object] = {
        "model": upscaler.model.name,
        "model_hash": _digest(_plain(upscaler.model)),
        "scale": upscaler.factor,
        "metadata": settings.metadata,
        "bits": settings.bits,
        "background": settings.background,
        "quality": settings.quality,
        "size": wish or None,
        "lr_from_hr": settings.lr_from_hr or None,
    }
    told = {name: value for name, value in facts.items() if value is not None}
    plain: dict[str, object] = json.loads(json.dumps(told, default=str))
    return plain


@lru_cache(maxsize=1)
def versions() -> dict[str, str | None]:
    """Of this package and of the libraries that can change a byte of a result."""
    return {"searchtransfer": __version__} | {name: installed(name) for name in LIBRARIES}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _plain(value: Any) -> object:
    """What a model was made of, weights included; what it has computed since is left out."""
    if isinstance(value, nn.Module):
        return fingerprint(value).hex()
    if is_dataclass(value) and not isinstance(value, type):
        own = {x.name: _plain(getattr(value, x.name)) for x in fields(value) if x.init}
        return {"": type(value).__name__, **own}
    if isinstance(value, Mapping):
        return {str(name): _plain(x) for name, x in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(x) for x in value]
    if isinstance(value, torch.Tensor):
        return _digest(value.tolist())
    return value if isinstance(value, (str, int, float, bool, type(None))) else type(value).__name__
