# SPDX-License-Identifier: Apache-2.0
"""Search times beside those of the article's module, in one run, interleaved.

    python -m benchmarks.search.compare [--size 83x125] [--vgg WEIGHTS] [--pair A B | --random]
    python -m benchmarks.search.compare --views [--size 83x125]  # 16 sub-cell views, descriptors
    python -m benchmarks.search.compare --product                # its rate beside torch's matmul

Sizes are feature cells, rows x columns; photos are cut and resized to four times that. Without
`--pair`, the photos are scikit-image's stereo pair; `--random` takes 256 channels without structure
instead, where no pruning is possible.
Features are zero-mean 5x5 colour patches (75 channels), or VGG19 relu3_1 (256) with `--vgg`.
Figures are medians of `--repeat` interleaved runs; memory is the peak of a process that runs one
search alone, above the same process without it.
"""

import argparse
import json
import statistics
import sys
import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.common.clock import by_turns, own_process, seconds
from benchmarks.common.machine import machine, peak_mib
from benchmarks.search.features import features_of, pair_parser, views_of
from benchmarks.search.ways import WAYS
from searchtransfer.operators import search_views
from searchtransfer.operators.backends import native


def compare(name: str, query: Tensor, key: Tensor, options: argparse.Namespace) -> dict[str, Any]:
    ways = {way: partial(WAYS[way], query, key) for way in options.ways}
    times, found = by_turns(ways, options.repeat, options.clock)
    medians = {way: statistics.median(t) for way, t in times.items()}
    base = options.ways[0]
    print(f"{name}: {list(query.shape)} against {list(key.shape)}")
    for way, took in medians.items():
        same = (found[way][1] == found[base][1]).double().mean().item()
        spread = max(times[way]) - min(times[way])
        print(
            f"  {way:8} {1000 * took:10.1f} ms  (spread {1000 * spread:7.1f})  "
            f"{medians[base] / took:6.1f}x {base}, same index {100 * same:.2f} %"
        )
    record: dict[str, Any] = {"case": name, "query": list(query.shape), "key": list(key.shape)}
    record["seconds"] = times
    if "native" in options.ways:
        prepared = native.prepare([key], 3)
        native.best_match(query, prepared, 3)
        took, (*_, did) = seconds(lambda: native.measured_match(query, prepared, 3), options.clock)
        cells = query.shape[1] * query.shape[2]
        record["prepared_seconds"], record["statistics"] = took, did._asdict()
        print(
            f"  prepared keys: {1000 * took:.1f} ms; depth {did.depth or 'all'}, "
            f"{did.open / cells:.1f} pairs left open and {did.exact / cells:.1f} evaluated a query"
        )
    return record


def product(threads: int) -> dict[str, float]:
    """The walk over all 256 channels of random features, beside torch's largest matmul rate."""
    query, key = torch.randn(256, 83, 125), torch.randn(256, 83, 125)
    keys = native.prepare([key], 3)
    walk = min(seconds(lambda: native.walk_only(query, keys))[0] for _ in range(7))
    a, b = torch.randn(2048, 2048), torch.randn(2048, 2048)
    matmul = min(seconds(lambda: a @ b)[0] for _ in range(20))
    rates = {
        "walk": 2 * 256 * (83 * 125) ** 2 / walk / 1e9,
        "matmul": 2 * 2048**3 / matmul / 1e9,
    }
    print(
        f"walk {rates['walk']:.0f} GFLOP/s (sums and maximum included), matmul "
        f"{rates['matmul']:.0f}: {100 * rates['walk'] / rates['matmul']:.0f} %, {threads} threads"
    )
    return rates


def views(options: argparse.Namespace) -> dict[str, Any]:
    query, keys = views_of(options)
    batch = [key[None] for key in keys]
    ways = {"native": lambda: search_views(query[None], batch)}
    times, _ = by_turns(ways, options.repeat, options.clock)
    *_, did = native.measured_match(query, keys, 3)
    print(
        f"16 views of {options.size} cells, {len(query)} channels: "
        f"{statistics.median(times['native']):.3f} s; {did}"
    )
    return {"case": "16 views", "query": list(query.shape), "seconds": times}


def peak(way: str, options: argparse.Namespace) -> int:
    """MiB that one search adds to the peak resident memory of a process."""

    def child(name: str) -> int:
        return int(own_process(__spec__.name, *options.arguments, "--child", name))

    return child(way) - child("nothing")


def main() -> None:
    parser = pair_parser(__doc__)
    parser.add_argument("--ways", nargs="+", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--memory", action="store_true", help="peak memory of each way")
    parser.add_argument("--views", action="store_true", help="16 sub-cell views instead")
    parser.add_argument("--product", action="store_true", help="rate of the product stage instead")
    parser.add_argument(
        "--cpu-time", action="store_true", help="processor time: for one thread on a busy machine"
    )
    parser.add_argument("--json", type=Path)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.arguments = sys.argv[1:]
    options.clock = time.process_time if options.cpu_time else time.perf_counter
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    if not find_spec("faiss") and "faiss" in options.ways:
        options.ways.remove("faiss")
        if not options.child:
            print("faiss is not installed: left out")
    if options.child:
        pair = features_of(options)
        if options.child != "nothing":
            WAYS[options.child](*pair)
        print(peak_mib())
        return
    report: dict[str, Any] = {
        "machine": machine(options.threads) | {"clock": options.clock.__name__}
    }
    if options.product:
        report["gflops"] = product(options.threads)
    elif options.views:
        report["cases"] = [views(options)]
    else:
        name = "random" if options.random else "photos"
        report["cases"] = [compare(name, *features_of(options), options)]
        if options.memory:
            report["peak_mib"] = {way: peak(way, options) for way in options.ways}
            print("peak memory above the inputs, MiB:", report["peak_mib"])
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
