# SPDX-License-Identifier: Apache-2.0
"""Facts about this installation, as a report of a fault needs them."""

import os
import platform
import re
from importlib import metadata
from pathlib import Path

from . import __version__

_LIBRARIES = ("torch", "numpy", "OpenImageIO", "pillow", "safetensors", "typer", "rich")
_EXTRA = re.compile(r"^([\w.-]+).*;.*extra\s*==\s*['\"]([\w.-]+)['\"]")


def about() -> dict[str, object]:
    """Versions, backends, threads, models, extras and paths: plain values, fit for JSON."""
    import torch

    from .operators.backends import BACKENDS
    from .upscaler import DEFAULT_MODEL, FROM_WEIGHTS, MODELS

    return {
        "version": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": {name: installed(name) for name in _LIBRARIES},
        "backends": {name: "available" for name in BACKENDS if name != "native"}
        | {"native": native_backend()},
        "threads": torch.get_num_threads(),
        "processors": os.cpu_count(),
        "devices": ["cpu", *(["cuda"] if torch.cuda.is_available() else [])],
        "models": [*MODELS, *(f"{name} (with --weights)" for name in FROM_WEIGHTS)],
        "default_model": DEFAULT_MODEL,
        "extras": extras(),
        "paths": {"package": str(Path(__file__).parent)},
    }


def native_backend() -> str:
    """Which instruction set the compiled search uses, or why it cannot run."""
    from .operators.backends.native_kernel import MISSING, kernel_module

    if kernel_module is None:
        return f"not available: the compiled kernel is not installed ({MISSING})"
    kernels = list(kernel_module.kernels())
    return f"available, with {kernels[0]} instructions (of {', '.join(kernels)})"


def installed(package: str) -> str | None:
    """Version of a package; None where it is not installed."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def extras() -> dict[str, dict[str, str | None]]:
    """Packages of each optional extra, with their versions; None for those that are missing.

    Empty where the package itself was not installed but runs from its folder.
    """
    try:
        lines = metadata.requires("searchtransfer") or []
    except metadata.PackageNotFoundError:
        return {}
    found: dict[str, dict[str, str | None]] = {}
    for line in lines:
        if (match := _EXTRA.match(line)) and match[1] != "searchtransfer":
            found.setdefault(match[2], {})[match[1]] = installed(match[1])
    return found
