# SPDX-License-Identifier: Apache-2.0
"""What the pipeline without torch takes on a disk, installed by pip into an empty folder.

python -m benchmarks.speed.lite_size [--constraints constraints.txt]
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
PARTS = {
    "searchtransfer": [str(ROOT)],
    "NumPy": ["numpy"],
    "onnxruntime and what it needs": ["onnxruntime", "flatbuffers", "packaging", "protobuf"],
    "Pillow": ["pillow"],
    "OpenCV": ["opencv-python-headless"],
}


def megabytes(folder: Path) -> float:
    """Of all files, in millions of bytes."""
    return sum(x.stat().st_size for x in folder.rglob("*") if x.is_file()) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--constraints", default=str(ROOT / "constraints.txt"))
    said = parser.parse_args()
    total = 0.0
    for name, words in PARTS.items():
        with tempfile.TemporaryDirectory() as folder:
            line = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps"]
            more = ["--target", folder, "-c", said.constraints]
            subprocess.run([*line, *more, *words], check=True)
            size = megabytes(Path(folder))
        total += size
        print(f"{name}: {size:.0f} MB, together {total:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
