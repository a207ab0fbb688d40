# SPDX-License-Identifier: Apache-2.0
"""A large search alone in its process: seconds, and the peak of its resident memory.

    python benchmarks/large_search.py --vgg WEIGHTS [--pair A B] --size 270x480
    python benchmarks/large_search.py --views [--pair A B] --size 256x256

Features are made by one process and searched by another, whose whole memory counts: Python, torch,
the features and the search.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from features import descriptors, fitted, phases, photo, stereo_pair
from safetensors.torch import load_file, save_file
from search import pair_of, seconds

from searchtransfer.operators import search_views


def search_file(path: Path) -> None:
    """Search what the file holds, and report."""
    features = load_file(path)
    query = features.pop("query")[None]
    keys = [features[name][None] for name in sorted(features)]
    took, _ = seconds(lambda: search_views(query, keys))
    peak = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024
    print(
        f"{list(query.shape[1:])} against {len(keys)} x {list(keys[0].shape[1:])}: "
        f"{took:.2f} s with {torch.get_num_threads()} threads, peak resident memory {peak} MiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="270x480", help="feature cells, rows x columns")
    parser.add_argument("--vgg", type=Path, help="safetensors file with VGG19 up to relu3_1")
    parser.add_argument("--pair", type=Path, nargs=2, help="two photos: query and key")
    parser.add_argument("--random", action="store_true", help="256 random channels instead")
    parser.add_argument("--views", action="store_true", help="16 sub-cell views, descriptors")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    if options.file:
        search_file(options.file)
        return
    if options.views:
        rows, columns = (int(n) for n in options.size.split("x"))
        size = (4 * rows, 4 * columns)
        images = [photo(path, size) for path in options.pair] if options.pair else stereo_pair(size)
        query, keys = descriptors(fitted(images[0], size)), phases(images[1])
    else:
        query, key = next(iter(pair_of(options).values()))
        keys = [key]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "features.safetensors"
        named = {f"key{i:02}": key.contiguous() for i, key in enumerate(keys)}
        save_file({"query": query.contiguous(), **named}, file)
        subprocess.run([sys.executable, __file__, "--file", str(file)], check=True)


if __name__ == "__main__":
    main()
