# SPDX-License-Identifier: Apache-2.0
"""In the place of `safetensors.torch`: reading small files that come with the package."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from .arrays.tensor import Tensor, tensor_of

_DTYPES: dict[str, Any] = {"F64": np.float64, "F32": np.float32, "I64": np.int64}


def load_file(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a file by name: a header in JSON behind its length, then the numbers."""
    content = Path(path).read_bytes()
    length = int.from_bytes(content[:8], "little")
    entries = json.loads(content[8 : 8 + length])
    entries.pop("__metadata__", None)
    found = {}
    for name, entry in entries.items():
        start, stop = (8 + length + x for x in entry["data_offsets"])
        values = np.frombuffer(content[start:stop], _DTYPES[entry["dtype"]])
        found[name] = tensor_of(values.reshape(entry["shape"]))
    return found


def __getattr__(name: str) -> object:
    from . import absent

    return absent.__getattr__(name)
