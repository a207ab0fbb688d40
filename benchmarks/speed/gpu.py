# SPDX-License-Identifier: Apache-2.0
"""An accelerator beside the CPU: the search, plain and compiled, and the default model.

    python -m benchmarks.speed.gpu [--device cuda] [--sizes 83x125 270x480] [--repeat 5]

Search: random features of 256 channels, 3 x 3 blocks, as many key as query cells; `tiled` on the
device, `auto` on the CPU. *Compiled*: what a row of tiles computes goes through `torch.compile`.
Model: scikit-image's stereo pair, so many cells, with its reference, prepared before. Medians;
*same* is the share of equal matches, *off* the largest difference of two pictures in levels of 8
bits.
"""

import argparse
import statistics
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from benchmarks.common import tables
from benchmarks.common.clock import by_turns
from benchmarks.common.machine import machine
from benchmarks.common.photos import numbers, stereo_pair, tensor
from benchmarks.search.features import random_features
from searchtransfer import Upscaler, search
from searchtransfer.errors import SearchTransferError
from searchtransfer.images import degrade
from searchtransfer.operators.backends import tiled
from searchtransfer.process.devices import usable_device


def waited(run: Callable[[], Any], device: torch.device) -> Callable[[], Any]:
    """A run that ends when the device has done its work."""

    def whole() -> Any:
        result = run()
        if device.type != "cpu":
            torch.accelerator.synchronize(device)
        return result

    return whole


def timed(ways: dict[str, Callable[[], Any]], repeat: int) -> tuple[list[str], dict[str, Any]]:
    """Medians in milliseconds, after a run that is not counted, and the results."""
    by_turns(ways, 1)
    times, found = by_turns(ways, repeat)
    return [f"{1000 * statistics.median(x):.1f} ms" for x in times.values()], found


def searched(size: str, device: torch.device, repeat: int) -> list[str]:
    query, key = (x[None] for x in random_features(256, *numbers(size)))
    there = query.to(device), key.to(device)
    plain = tiled.improved
    compiled = torch.compile(plain, dynamic=True)

    def with_step(step: Callable[..., tuple[Tensor, Tensor]]) -> Any:
        tiled.improved = step
        try:
            return search(*there, backend="tiled").index
        finally:
            tiled.improved = plain

    ways = {
        "CPU": lambda: search(query, key).index,
        "device": waited(lambda: with_step(plain), device),
        "compiled": waited(lambda: with_step(compiled), device),
    }
    cells, found = timed(ways, repeat)
    same = [(found[x].cpu() == found["CPU"]).double().mean().item() for x in ("device", "compiled")]
    return [size, *cells, f"{100 * min(same):.3f} %"]


def made(size: str, device: torch.device, repeat: int) -> list[str]:
    rows, columns = (4 * n for n in numbers(size))
    left, right = (tensor(x)[0] for x in stereo_pair((rows, columns)))
    low = degrade(left, 4)
    ways = {}
    for name, where in (("CPU", None), ("device", device)):
        upscaler = Upscaler.from_pretrained(device=where)
        reference = upscaler.prepare(right)
        ways[name] = waited(
            lambda u=upscaler, r=reference: u.upscale(low, r).image, torch.device(where or "cpu")
        )
    cells, found = timed(ways, repeat)
    levels = [(255 * found[x].cpu().clamp(0, 1)).round() for x in ways]
    return [size, *cells, f"{(levels[0] - levels[1]).abs().max():.0f}"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--sizes", nargs="+", default=["83x125", "270x480"], help="cells")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    try:
        device = usable_device(options.device)
    except SearchTransferError as error:
        raise SystemExit(f"error: {error}") from error
    torch.set_grad_enabled(False)
    print(machine(torch.get_num_threads()) | {"device": str(device)}, "\n")
    names = ["search, cells", "CPU", "device", "device, compiled", "same"]
    print(tables.table(names, (searched(x, device, options.repeat) for x in options.sizes)))
    names = ["fusion, cells", "CPU", "device", "off"]
    print("\n" + tables.table(names, (made(x, device, options.repeat) for x in options.sizes)))


if __name__ == "__main__":
    main()
