# SPDX-License-Identifier: Apache-2.0
"""Reference-based super-resolution: a small image made sharp with the texture of a reference.

The names below are imported when they are first used, so that `import searchtransfer` and
`searchtransfer --help` do not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .networks import SearchTransfer as SearchTransfer
    from .operators import Match as Match
    from .operators import search as search
    from .operators import transfer as transfer
    from .references import Reference as Reference
    from .stream import upscale_each as upscale_each
    from .upscaler import Upscaler as Upscaler

__version__ = "0.1.0"
__all__ = ["Match", "Reference", "SearchTransfer", "Upscaler", "search", "transfer", "upscale_each"]

_HOME = {
    "SearchTransfer": ".networks",
    "Match": ".operators",
    "search": ".operators",
    "transfer": ".operators",
    "Reference": ".references",
    "Upscaler": ".upscaler",
    "upscale_each": ".stream",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name], __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
