# SPDX-License-Identifier: Apache-2.0
"""Print how many MiB a search through `tiled` takes beyond inputs and outputs, at its peak.

python memory_of_tiled.py CHANNELS HEIGHT WIDTH KEY_HEIGHT KEY_WIDTH PATCH_SIZE
"""

import sys
from pathlib import Path

import torch

from searchtransfer import search


def resident(field: str) -> float:
    """MiB of memory of this process: `VmRSS` now, `VmHWM` at its peak."""
    status = Path("/proc/self/status").read_text()
    return int(status.split(f"{field}:")[1].split()[0]) / 1024


def main() -> None:
    torch.set_num_threads(1)
    channels, height, width, key_height, key_width, patch_size = map(int, sys.argv[1:])
    for _ in range(2):  # what torch allocates once and keeps
        search(torch.ones(1, channels, 9, 9), torch.ones(1, channels, 9, 9), 3, "tiled")
    query = torch.rand(1, channels, height, width)
    key = torch.rand(1, channels, key_height, key_width)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = resident("VmRSS")
    match = search(query, key, patch_size, "tiled")
    outputs = sum(x.numel() * x.element_size() for x in match) / 2**20
    print(resident("VmHWM") - before - outputs)


if __name__ == "__main__":
    main()
