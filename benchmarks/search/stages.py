# SPDX-License-Identifier: Apache-2.0
"""Where the time of the compiled search goes: processor time of each stage, and of the bare walk.

    python -m benchmarks.search.stages [--vgg WEIGHTS] [--pair A B] [--size 83x125] [--random]

One thread, best of `--repeat` runs. The bare walk is timed at several depths with a bar that no
pair reaches: its cost is a constant for each pair and a rate for each component.
"""

import time
from itertools import pairwise

import torch
from torch import Tensor

from benchmarks.search.features import features_of, pair_parser
from searchtransfer.operators.backends import native
from searchtransfer.operators.backends.native_attempt import Attempt, Walk, query_features
from searchtransfer.operators.backends.native_kernel import has_tiles, run

OUT_OF_REACH = -(2**40)
"""A packed best with the highest score bits."""


def stages(query: Tensor, key: Tensor) -> dict[str, float]:
    """Milliseconds of each stage of one search."""
    marks = [("", time.process_time())]

    def mark(name: str) -> None:
        marks.append((name, time.process_time()))

    options = native.Options()
    keys = native.prepare([key], 3)
    mark("keys")
    attempt = Attempt(query_features(query, keys, options), keys, options)
    mark("query")
    attempt.seed()
    mark("seeds")
    depth = attempt.cheapest_depth()
    mark("choice of depth")
    attempt.search(depth)
    mark("walk and evaluation")
    attempt.scored()
    mark("scores")
    times = {b[0]: 1000 * (b[1] - a[1]) for a, b in pairwise(marks)}
    cells = attempt.best.numel()
    return times | {
        "depth": depth,
        "open": attempt.counts[1].item() / cells,
        "exact": attempt.counts[2].item() / cells,
    }


def bare_walk(query: Tensor, key: Tensor, depth: int, walk: Walk, repeat: int) -> float:
    """Nanoseconds a pair when the bound leaves nothing open."""
    options = native.Options()
    keys = native.prepare([key], 3)
    attempt = Attempt(query_features(query, keys, options), keys, options)
    job = attempt._job(walk, depth)
    best = float("inf")
    for _ in range(repeat):
        attempt.best.fill_(OUT_OF_REACH)
        start = time.process_time()
        run("search", None, job)
        best = min(best, time.process_time() - start)
    return 1e9 * best / (query[0].numel() * key[0].numel())


def report_walks(query: Tensor, key: Tensor, repeat: int) -> None:
    """The bare walks that this machine has, at several depths."""
    most = min(128, len(query) // 32 * 32)
    walks = [Walk.HEADS, Walk.ROUNDED] if has_tiles(None) else [Walk.HEADS]
    for walk in walks if most > 32 else []:
        times = {n: bare_walk(query, key, n, walk, repeat) for n in range(32, most + 1, 32)}
        rate = (times[most] - times[32]) / (most - 32)
        print(
            f"bare walk, {walk.name.lower()}, ns a pair: "
            f"{ {n: round(t, 3) for n, t in times.items()} }"
            f" = {times[32] - 32 * rate:.2f} ns + {rate:.4f} ns a component "
            f"({2 / rate:.0f} GFLOP/s)"
        )


def main() -> None:
    parser = pair_parser(__doc__)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    query, key = features_of(options)
    runs = [stages(query, key) for _ in range(options.repeat)]
    print({stage: round(min(r[stage] for r in runs), 1) for stage in runs[0]})
    if not options.random:
        report_walks(query, key, options.repeat)


if __name__ == "__main__":
    main()
