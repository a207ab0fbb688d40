# SPDX-License-Identifier: Apache-2.0
"""Tries the installed package, as a stranger has it: `python .ci/installed.py [--kernel]`.

Upscales a small picture with the packaged weights and prints which backend the search has; with
`--kernel`, the compiled one must be there.
"""

import sys
from importlib.metadata import files

import torch

from searchtransfer import Upscaler, __version__
from searchtransfer.about import native_backend

photo = torch.rand(3, 96, 128)
result = Upscaler.from_pretrained().upscale(photo[:, ::4, ::4], [photo])
held = [str(file) for file in files("searchtransfer") or []]
backend = native_backend()
print(f"searchtransfer {__version__}, result {list(result.image.shape)}, compiled search {backend}")  # noqa: T201
faults = [
    *([] if result.image.shape == photo.shape else ["the result has another size"]),
    *(name for name in ("LICENSE", "THIRD_PARTY.md") if not any(x.endswith(name) for x in held)),
    *(name for name in held if name.startswith("tests")),
    *([backend] if "--kernel" in sys.argv and not backend.startswith("available") else []),
]
sys.exit(f"not as it should be: {faults}" if faults else 0)
