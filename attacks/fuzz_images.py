# SPDX-License-Identifier: Apache-2.0
"""Mutates good image files and reads them: only errors of this package may come of it.

    python -m attacks.fuzz_images [COUNT] [SEED]

COUNT files (2000 unless told) are tried in processes of 100 each, with 1 GiB of memory beyond the
libraries' and 120 seconds of processor time. A file that ends its process is kept and named.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from .images import good

KINDS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TGA", "PPM", "JPEG2000", "AVIF", "TIFF")
BATCH, MEBIBYTES, SECONDS = 100, 1024, 120


def mutated(data: bytes, draw: np.random.Generator) -> bytes:
    """Bytes changed, cut, doubled or set to extremes, mostly near the head."""
    result = bytearray(data)
    for _ in range(int(draw.integers(1, 8))):
        reach = len(result) if draw.random() < 0.3 else min(len(result), 200)
        place = int(draw.integers(reach))
        way = int(draw.integers(4))
        if way == 0:
            result[place] = int(draw.integers(256))
        elif way == 1:
            result[place : place + 4] = (b"\xff\xff\xff\xff", b"\0\0\0\0")[int(draw.integers(2))]
        elif way == 2:
            del result[place : place + int(draw.integers(1, 40))]
        else:
            result[place:place] = result[place : place + int(draw.integers(1, 40))]
        result = result or bytearray(b"\0")
    return bytes(result)


def fuzz(count: int, seed: int, folder: Path) -> list[str]:
    """What went wrong; each entry names a file in the folder, which stays."""
    faults: list[str] = []
    sources = [good(kind) for kind in KINDS]
    for first in range(0, count, BATCH):
        paths = []
        for number in range(first, min(first + BATCH, count)):
            draw = np.random.default_rng([seed, number])
            kind = KINDS[number % len(KINDS)]
            path = folder / f"{number}.{kind.lower()}"
            path.write_bytes(mutated(sources[number % len(KINDS)], draw))
            paths.append(path)
        faults += tried(paths)
        for path in paths:
            if not any(str(path) in fault for fault in faults):
                path.unlink()
    return faults


def tried(paths: list[Path]) -> list[str]:
    """Read files in one process; the one that ended it is named, and the rest goes on."""
    faults: list[str] = []
    while paths:
        command = [sys.executable, "-m", "attacks.limited", str(MEBIBYTES), str(SECONDS)]
        done = subprocess.run([*command, *map(str, paths)], capture_output=True, text=True)
        lines = len(done.stdout.splitlines())
        if done.returncode == 0 and lines == len(paths):
            break
        last = done.stderr.strip().splitlines()[-1:]
        faults.append(f"{paths[min(lines, len(paths) - 1)]}: rc {done.returncode} {last}")
        paths = paths[lines + 1 :]
    return faults


def main(count: str = "2000", seed: str = "0") -> None:
    """Tell the count and the faults; the exit status is 1 where there are any."""
    folder = Path(tempfile.mkdtemp(prefix="searchtransfer-fuzz-"))
    faults = fuzz(int(count), int(seed), folder)
    print(f"{count} files of {len(KINDS)} formats, seed {seed}: {len(faults)} faults")
    print("\n".join(faults))
    raise SystemExit(bool(faults))


if __name__ == "__main__":
    main(*sys.argv[1:])
