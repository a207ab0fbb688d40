# SPDX-License-Identifier: Apache-2.0
"""How long the package takes to start: `python -m benchmarks.speed.start`.

The least of several runs of each, in processes of their own; beside the clock on the wall the time
of the processor, which other work on the machine changes little.
"""

import argparse
import resource
import subprocess
import sys
import time

COMMAND = "from searchtransfer.cli import main; main()"
WAYS = {
    "Python": ["pass"],
    "import searchtransfer": ["import searchtransfer"],
    "torch": ["import torch"],
    "torch, and all names of searchtransfer": [
        "import torch, searchtransfer as s; [getattr(s, x) for x in s.__all__]"
    ],
    "searchtransfer --help": [COMMAND, "--help"],
    "searchtransfer upscale --help": [COMMAND, "upscale", "--help"],
}


def seconds(words: list[str]) -> tuple[float, float]:
    """On the wall, and of the processor."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", *words]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
    return wall, used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    print("| | on the wall, s | processor, s |\n|---|--:|--:|")
    for name, words in WAYS.items():
        walls, used = zip(*(seconds(words) for _ in range(options.repeat)), strict=True)
        print(f"| {name} | {min(walls):.2f} | {min(used):.2f} |", flush=True)


if __name__ == "__main__":
    main()
