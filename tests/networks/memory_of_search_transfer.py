# SPDX-License-Identifier: Apache-2.0
"""Print the working memory of SearchTransfer on a large image in MiB, beyond inputs and outputs."""

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
    torch.randn(1, CHANNELS, 150, 150),
    torch.randn(1, 64, 600, 600),
    torch.randn(1, 128, 300, 300),
    torch.randn(1, 256, 150, 150),
)
before = peak()
output = module(*inputs)
held = sum(x.numel() * x.element_size() for x in output)
print((peak() - before - held) / 2**20)
