# SPDX-License-Identifier: Apache-2.0
"""Pickles of nested dictionaries of numpy arrays, read without running anything else in them."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import WeightsError


class _ArrayUnpickler(pickle.Unpickler):
    """Knows the three names that an array is pickled with, and no other."""

    def find_class(self, module: str, name: str) -> Any:
        module = module.replace("numpy._core", "numpy.core")
        if (module, name) == ("numpy.core.multiarray", "_reconstruct"):
            return np._core.multiarray._reconstruct  # type: ignore[attr-defined]
        if (module, name) in {("numpy", "ndarray"), ("numpy", "dtype")}:
            return getattr(np, name)
        raise pickle.UnpicklingError(f"{module}.{name} is no part of an array")


def read_array_pickle(path: Path) -> dict[str, Any]:
    """Read nested dictionaries whose leaves are numpy arrays.

    Raises:
        WeightsError: the file is missing, damaged, or holds anything else.
    """
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file).load()
    except FileNotFoundError:
        raise WeightsError(f"{path}: there is no such file") from None
    except Exception as error:  # damaged pickles raise nearly any type
        raise WeightsError(f"{path}: is no pickle of plain arrays ({error})") from None
    if not isinstance(content, dict):
        raise WeightsError(f"{path}: holds a {type(content).__name__}, not a dictionary of arrays")
    return content
