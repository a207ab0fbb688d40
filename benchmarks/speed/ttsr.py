# SPDX-License-Identifier: Apache-2.0
"""Time and memory of a full-size TTSR forward, beside the published way of computing it.

    python -m benchmarks.speed.ttsr [--sizes 160x160 500x332] [--repeat 3] [--threads 2]

Each figure is from a process of its own: median seconds, and peak resident memory (the interpreter
and torch included). Weights are random; both have the same. Sizes are output sizes, width x height;
the reference has the size of the output.
"""

import argparse
import json
import statistics
import sys
from pathlib import Path

from benchmarks.common.clock import own_process
from benchmarks.common.clock import seconds as timed
from benchmarks.common.machine import peak_mib
from benchmarks.common.photos import numbers

TESTS = Path(__file__).parents[2] / "tests"


def measure(way: str, width: int, height: int, repeat: int, threads: int) -> None:
    import torch

    from searchtransfer.networks import TTSR

    sys.path.insert(0, str(TESTS))
    from networks.ttsr_oracle import restore

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = TTSR().eval()
    sizes = ((height // 4, width // 4), (height, width), (height, width), (height, width))
    images = [torch.rand(1, 3, *size) * 2 - 1 for size in sizes]

    def run() -> tuple[torch.Tensor, ...]:
        return model(*images) if way == "ours" else restore(model.state_dict(), *images)

    seconds = []
    with torch.inference_mode():
        for _ in range(repeat):
            took, (sr, *_) = timed(run)
            seconds.append(took)
    figures = {
        "seconds": statistics.median(seconds),
        "mib": peak_mib(),
        "mean": sr.double().mean().item(),
    }
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", nargs="+", default=["160x160", "500x332"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--way", choices=["ours", "literal"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    for size in options.sizes:
        width, height = (n - n % 4 for n in numbers(size))
        if options.way:
            measure(options.way, width, height, options.repeat, options.threads)
            continue
        for way in ("ours", "literal"):
            more = ["--way", way, "--sizes", f"{width}x{height}", "--repeat", options.repeat]
            more += ["--threads", options.threads]
            figures = json.loads(own_process(__spec__.name, *more))
            print(
                f"{width}x{height} {way:8}{figures['seconds']:8.2f} s{figures['mib']:8.0f} MiB"
                f"  mean {figures['mean']:.7f}"
            )


if __name__ == "__main__":
    main()
