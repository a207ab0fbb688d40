# SPDX-License-Identifier: Apache-2.0
"""What `tiled` says of its memory, measured in processes of their own."""

import subprocess
import sys
from pathlib import Path

import pytest

from searchtransfer.operators.backends.tiled import WORKING_MEMORY


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="peak memory is read there")
@pytest.mark.parametrize(
    "sizes",
    [
        "4 3 3 1500 1500 3",  # much of it was for norms and copies of a large key
        "4 3 3 700 700 31",
        "4 1200 1200 3 3 3",
        "32 120 120 200 200 3",
        "1500 20 20 40 40 3",
    ],
)
def test_stays_within_what_it_says(sizes: str) -> None:
    script = Path(__file__).parent / "memory_of_tiled.py"
    done = subprocess.run(
        [sys.executable, str(script), *sizes.split()],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    assert float(done.stdout) * 2**20 < 3 * WORKING_MEMORY
