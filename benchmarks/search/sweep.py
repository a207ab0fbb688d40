# SPDX-License-Identifier: Apache-2.0
"""All ways to search, over sizes, channels and kinds of features: results as JSON.

    python -m benchmarks.search.sweep [--vgg WEIGHTS] --json benchmarks/results/search.json
    python -m benchmarks.search.page benchmarks/results/search.json      # tables and plots

Photos are scikit-image's: the two views of a stereo pair ("similar"), one of them and another photo
("dissimilar"), cut and resized. Features are zero-mean 5x5 colour patches (75 channels), random
numbers (64 and 256), and with `--vgg` those of VGG19, relu1_1 (64) and relu3_1 (256). A way that
would take longer than `--slowest` seconds, by its time at the size before, or more memory than
`--memory` GiB, is left out, and the result says so. Runs of the ways are interleaved.

Results are written after each size, and what the file holds already is not measured again: so a
sweep can be done in pieces (`--at-most`). Remove the file to measure anew.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from itertools import product as product_of
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.common.clock import by_turns, own_process, seconds
from benchmarks.common.machine import machine, peak_mib
from benchmarks.common.photos import numbers, stereo_pair, unrelated_pair
from benchmarks.search.compare import product
from benchmarks.search.features import (
    Features,
    descriptors,
    first_vgg_features,
    random_features,
    vgg_features,
)
from benchmarks.search.ways import WAYS
from searchtransfer.operators.backends import native

COMPARED = ("article", "chunked", "faiss", "tiled", "native")
SIZES = ("40x40", "64x64", "83x125", "109x256", "270x480")
MEMORY_SIZES = ("83x125", "109x256", "270x480")
RUNS, ENOUGH = 7, 2.0
"""Runs of a way at most, and the seconds after which it is not run again."""

LARGE = (("256x256", "exact"), ("256x256", "refine"), ("540x960", "refine"))
"""Sub-cell searches: sizes and modes."""

PHOTOS = {"similar": stereo_pair, "dissimilar": unrelated_pair}


def feature_sets(vgg: Path | None) -> dict[str, Callable[[int, int], Features]]:
    """Name of each kind of features, and how a pair of a size is made."""

    def of_photos(kind: str, describe: Callable[..., Tensor], *rest: object) -> Any:
        def make(rows: int, columns: int) -> Features:
            a, b = PHOTOS[kind]((4 * rows, 4 * columns))
            return describe(a, *rest), describe(b, *rest)

        return make

    sets = {f"descriptors, {kind}": of_photos(kind, descriptors) for kind in PHOTOS}
    if vgg:
        sets["VGG19 relu1_1, similar"] = of_photos("similar", first_vgg_features, vgg)
        sets |= {f"VGG19 relu3_1, {kind}": of_photos(kind, vgg_features, vgg) for kind in PHOTOS}
    return sets | {f"random, {n} channels": partial(random_features, n) for n in (64, 256)}


def bytes_needed(way: str, query: Tensor, key: Tensor) -> int:
    """Roughly, for the ways that keep all blocks; the others need little."""
    cells, key_cells = query[0].numel(), key[0].numel()
    if way not in ("article", "chunked", "faiss"):
        return 0
    blocks = 2 * 4 * 9 * len(query) * (cells + key_cells)
    return blocks + (4 * cells * key_cells if way == "article" else 0)


def compare(
    query: Tensor, key: Tensor, ways: list[str], rates: dict[str, float], options: Any
) -> dict[str, Any]:
    """Times of all ways at one size; `rates` are seconds a pair at the size before."""
    pairs = query[0].numel() * key[0].numel()
    skipped: dict[str, str] = {}
    for way in ways:
        expected = rates.get(way, 0.0) * pairs
        if bytes_needed(way, query, key) > options.memory * 2**30:
            skipped[way] = f"over {options.memory:g} GiB"
        elif expected > options.slowest and way != "native":
            skipped[way] = f"about {expected:.0f} s"
    run = {way: partial(WAYS[way], query, key) for way in ways if way not in skipped}
    times, found = by_turns(run, RUNS, enough=ENOUGH)
    best = found["native"][1]
    same = {way: (index == best).double().mean().item() for way, (_, index) in found.items()}
    record: dict[str, Any] = {"pairs": pairs, "seconds": times, "skipped": skipped, "same": same}
    if sum(times["native"]) < 10:
        keys = native.prepare([key], 3)
        native.best_match(query, keys, 3)
        took, (*_, did) = seconds(lambda: native.measured_match(query, keys, 3))
        record["prepared_seconds"] = took
        record["statistics"] = did._asdict() | {"queries": query[0].numel()}
    return record


def before(cases: list[dict[str, Any]], name: str) -> dict[str, float]:
    """Seconds a pair that each way took for these features at the largest size so far."""
    return {
        way: statistics.median(taken) / case["pairs"]
        for case in sorted(cases, key=lambda case: int(case["pairs"]))
        if case["features"] == name
        for way, taken in case["seconds"].items()
    }


def peaks(name: str, size: str, ways: list[str]) -> dict[str, int]:
    """MiB that one search adds to the peak memory of a process that makes the features."""

    def child(way: str) -> int:
        return int(own_process(__spec__.name, *sys.argv[1:], "--child", way, name, size))

    without = child("nothing")
    return {way: child(way) - without for way in ways}


def known(path: Path, threads: int) -> dict[str, Any]:
    """The results so far; those of another machine or version are an error."""
    fresh: dict[str, Any] = {"machine": machine(threads), "cases": [], "total_seconds": 0.0}
    if not path.exists():
        return fresh
    report = dict(json.loads(path.read_text()))
    if report["machine"] != fresh["machine"]:
        sys.exit(f"{path} holds results of another machine or version: remove it first")
    return report


def growth(cases: list[dict[str, Any]], way: str) -> float | None:
    """The exponent of time against queries x keys, fitted in logarithms from 64 x 64 cells on."""
    points = [
        (case["pairs"], statistics.median(case["seconds"][way]))
        for case in cases
        if case["seconds"].get(way) and case["pairs"] >= 4096**2
    ]
    if len(points) < 3:
        return None
    x, y = torch.tensor(points, dtype=torch.float64).log().T
    return float(((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum())


def other(name: str, *arguments: str) -> dict[str, Any]:
    """The JSON of another benchmark of this room."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, f"{name}.json")
        print(own_process(f"{__package__}.{name}", *arguments, "--json", target), end="")
        return dict(json.loads(target.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vgg", type=Path, help="safetensors file with VGG19 up to relu3_1")
    parser.add_argument("--sizes", nargs="+", default=list(SIZES), help="cells, rows x columns")
    parser.add_argument("--features", nargs="+", help="only these sets, by their first words")
    parser.add_argument("--slowest", type=float, default=30, help="seconds")
    parser.add_argument("--memory", type=float, default=8, help="GiB")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--at-most", type=float, default=float("inf"), help="seconds, about")
    parser.add_argument("--without-large", action="store_true", help="no sub-cell searches")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--child", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.set_grad_enabled(False)
    sets = feature_sets(options.vgg)
    if options.child:
        way, name, size = options.child
        query, key = sets[name](*numbers(size))
        if way != "nothing":
            WAYS[way](query, key)
        print(peak_mib())
        return
    ways = [way for way in COMPARED if way != "faiss" or find_spec("faiss")]
    if options.features:
        sets = {k: v for k, v in sets.items() if k.startswith(tuple(options.features))}
    report = known(options.json, options.threads)
    start, earlier = time.perf_counter(), report["total_seconds"]

    def written() -> bool:
        """Keep what there is; whether there is time for more."""
        report["total_seconds"] = earlier + time.perf_counter() - start
        options.json.parent.mkdir(parents=True, exist_ok=True)
        options.json.write_text(json.dumps(report, indent=1) + "\n")
        return time.perf_counter() - start < options.at_most

    for size, (name, make) in product_of(options.sizes, sets.items()):
        if any((case["features"], case["size"]) == (name, size) for case in report["cases"]):
            continue
        query, key = make(*numbers(size))
        small = make(40, 40)
        for way in ways:  # first calls load code and start threads
            WAYS[way](*small)
        case = {"features": name, "channels": len(query), "size": size}
        case |= compare(query, key, ways, before(report["cases"], name), options)
        if size in MEMORY_SIZES and name.endswith(("similar", "256 channels")):
            quick = [way for way, taken in case["seconds"].items() if max(taken) < 20]
            case["peak_mib"] = peaks(name, size, quick)
        report["cases"].append(case)
        medians = {w: round(statistics.median(t), 4) for w, t in case["seconds"].items()}
        print(f"{time.perf_counter() - start:6.0f} s  {name}, {size}: {medians}", flush=True)
        if not written():
            return
    report["growth"] = {
        name: {
            way: growth([c for c in report["cases"] if c["features"] == name], way) for way in ways
        }
        for name in sets
    }
    if "gflops" not in report:
        report["gflops"] = product(options.threads)
    threads = ("--threads", str(options.threads))
    if not options.without_large and "views" not in report:
        report["views"] = other("compare", "--views", "--size", "83x125", *threads)["cases"]
        report["large"] = []
    wanted = [] if options.without_large else LARGE[len(report["large"]) :]
    for size, mode in wanted:
        if not written():
            return
        report["large"].append(other("matching", "--size", size, "--mode", mode, *threads)["large"])
    written()


if __name__ == "__main__":
    main()
