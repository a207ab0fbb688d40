# SPDX-License-Identifier: Apache-2.0
"""A large search alone in its process: seconds, and the peak of its resident memory.

    python -m benchmarks.search.large --vgg WEIGHTS [--pair A B] --size 270x480
    python -m benchmarks.search.large --views [--pair A B] --size 256x256

Features are made by one process and searched by another, whose whole memory counts: Python, torch,
the features and the search.
"""

import argparse
import tempfile
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from benchmarks.common.clock import own_process, seconds
from benchmarks.common.machine import peak_mib
from benchmarks.search.features import features_of, pair_parser, views_of
from searchtransfer.operators import search_views


def search_file(path: Path) -> None:
    """Search what the file holds, and report."""
    features = load_file(path)
    query = features.pop("query")[None]
    keys = [features[name][None] for name in sorted(features)]
    took, _ = seconds(lambda: search_views(query, keys))
    print(
        f"{list(query.shape[1:])} against {len(keys)} x {list(keys[0].shape[1:])}: "
        f"{took:.2f} s with {torch.get_num_threads()} threads, peak memory {peak_mib()} MiB"
    )


def main() -> None:
    parser = pair_parser(__doc__, size="270x480")
    parser.add_argument("--views", action="store_true", help="16 sub-cell views, descriptors")
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    if options.file:
        search_file(options.file)
        return
    if options.views:
        query, keys = views_of(options)
    else:
        query, key = features_of(options)
        keys = [key]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "features.safetensors"
        named = {f"key{i:02}": key.contiguous() for i, key in enumerate(keys)}
        save_file({"query": query.contiguous(), **named}, file)
        print(own_process(__spec__.name, "--file", file), end="")


if __name__ == "__main__":
    main()
