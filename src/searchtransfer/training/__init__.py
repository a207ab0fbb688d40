# SPDX-License-Identifier: Apache-2.0
"""Training: data, losses, and the loop that brings them together.

The names below need the extra `train`; they are imported when first asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..errors import MissingExtraError

if TYPE_CHECKING:
    from .config import TrainConfig as TrainConfig
    from .config_file import load_config as load_config
    from .config_file import ready_configs as ready_configs
    from .loop import train as train
    from .progress import Outcome as Outcome
    from .progress import Progress as Progress

_HOMES = {
    "TrainConfig": "config",
    "load_config": "config_file",
    "ready_configs": "config_file",
    "Outcome": "progress",
    "Progress": "progress",
    "train": "loop",
}
_EXTRA = {"accelerate", "pydantic", "yaml", "tensorboard"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise MissingExtraError(
            f"training needs the package {package}; pip install 'searchtransfer[train]'"
        ) from None
