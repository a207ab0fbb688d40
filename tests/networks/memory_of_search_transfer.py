# SPDX-License-Identifier: Apache-2.0
"""Print the working memory of SearchTransfer on a large image in MiB, beyond inputs and outputs.

    python tests/networks/memory_of_search_transfer.py [SIDE]

600 x 600 query cells, and SIDE x SIDE key cells (150).
"""

import sys
from pathlib import Path

import torch

from searchtransfer import SearchTransfer


def peak() -> int:
    """Largest resident set of this process so far, in bytes.

    Not `getrusage`: that counts the process which started this one, until it became this program.
    """
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


CHANNELS = 256
SIDE = int(sys.argv[1]) if len(sys.argv) > 1 else 150
module = SearchTransfer()
module(  # a small run first: libraries and thread pools are not working memory
    torch.randn(1, CHANNELS, 40, 40),
    torch.randn(1, CHANNELS, 40, 40),
    torch.randn(1, 64, 160, 160),
    torch.randn(1, 128, 80, 80),
    torch.randn(1, 256, 40, 40),
)
inputs = (
    torch.randn(1, CHANNELS, 600, 600),
    torch.randn(1, CHANNELS, SIDE, SIDE),
    torch.randn(1, 64, 4 * SIDE, 4 * SIDE),
    torch.randn(1, 128, 2 * SIDE, 2 * SIDE),
    torch.randn(1, 256, SIDE, SIDE),
)
before = peak()
output = module(*inputs)
held = sum(x.numel() * x.element_size() for x in output)
print((peak() - before - held) / 2**20)
