# SPDX-License-Identifier: Apache-2.0
"""How fast the search is on this machine: the backends beside each other, on made-up features.

The sweep over sizes, and other people's ways to search, are in the folder `benchmarks` of the
sources.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from .about import about
from .errors import OptionError
from .operators import search
from .operators.backends import BACKENDS, native

LITERAL_BYTES = 4 * 2**30
"""Memory that the literal backend may need; it is left out where it needs more."""

Pair = tuple[Float[Tensor, "1 c h w"], Float[Tensor, "1 c h w"]]


@dataclass(frozen=True)
class Timing:
    """One backend on one kind of features."""

    features: str
    backend: str
    seconds: tuple[float, ...]
    """Of each run, in order; empty where it was left out."""
    left_out: str | None = None
    """Why, in one sentence."""

    @property
    def median(self) -> float | None:
        """Seconds."""
        return statistics.median(self.seconds) if self.seconds else None


@dataclass(frozen=True)
class Report:
    """All timings of one size."""

    size: tuple[int, int]
    channels: int
    timings: tuple[Timing, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain values, with what `searchtransfer info` tells of the machine."""
        return {**asdict(self), "machine": about()}


@torch.no_grad()
def benchmark(
    size: tuple[int, int] = (83, 125),
    channels: int = 256,
    repeat: int = 3,
    on_run: Callable[[str, float], None] = lambda stage, done: None,
) -> Report:
    """Time all backends on features with and without structure, in interleaved runs.

    Args:
        size: rows and columns of cells, of query and key alike.
        channels: of the features.
        repeat: runs of each backend, after one that is not counted.
        on_run: called before each round of runs, as `on_run(features, done)`.

    Raises:
        OptionError: an argument is not positive.
    """
    for name, number in (("size", min(size)), ("channels", channels), ("repeat", repeat)):
        if number < 1:
            raise OptionError(f"benchmark: {name} must be positive, got {number}")
    timings: list[Timing] = []
    for kind, make in (("moved", moved), ("random", random)):
        query, key = make(size, channels)
        left_out = {name: _why_not(name, query, key) for name in BACKENDS}
        seconds: dict[str, list[float]] = {name: [] for name in BACKENDS if not left_out[name]}
        for run in range(repeat + 1):
            on_run(kind, run / (repeat + 1))
            for name in seconds:
                start = time.perf_counter()
                search(query, key, backend=name)
                seconds[name].append(time.perf_counter() - start)
        timings += [
            Timing(kind, name, tuple(seconds.get(name, ())[1:]), left_out[name])
            for name in BACKENDS
        ]
    return Report(size, channels, tuple(timings))


def table(report: Report) -> Iterator[str]:
    """A report in lines of words."""
    rows, columns = report.size
    yield (
        f"{rows} x {columns} cells in as many, {report.channels} channels, 3 x 3 blocks, "
        f"{torch.get_num_threads()} threads"
    )
    yield f"{'features':10}{'backend':10}{'milliseconds':>13}{'times literal':>15}"
    for timing in report.timings:
        start = f"{timing.features:10}{timing.backend:10}"
        if timing.median is None:
            yield f"{start} left out: {timing.left_out}"
            continue
        literal = next(
            t.median
            for t in report.timings
            if t.features == timing.features and t.backend == "literal"
        )
        faster = "-" if literal is None else f"{literal / timing.median:.1f}"
        yield f"{start}{1000 * timing.median:13.1f}{faster:>15}"


def random(size: tuple[int, int], channels: int) -> Pair:
    """Features without structure: nothing can be pruned, so that nothing takes longer."""
    generator = torch.Generator("cpu").manual_seed(0)
    query, key = _normal((2, 1, channels, *size), generator)
    return query, key


def moved(size: tuple[int, int], channels: int) -> Pair:
    """Features as photos have them, smooth and with most energy in few directions; the key moved.

    The key shows the same, three cells to the right and one down, with a little noise.
    """
    generator = torch.Generator("cpu").manual_seed(0)
    height, width = size[0] + 1, size[1] + 3
    maps = torch.zeros(1, channels, height, width, dtype=torch.float32, device="cpu")
    energy = torch.arange(1, channels + 1, device="cpu").float()[:, None, None].rsqrt()
    for coarse in (1, 2, 4, 8):
        small = (-(-height // coarse), -(-width // coarse))
        layer = _normal((1, channels, *small), generator) * energy * coarse**0.5
        maps += F.interpolate(layer, (height, width), mode="bilinear", align_corners=False)
    key = maps[:, :, :-1, :-3]
    noise = _normal(tuple(key.shape), generator)
    return maps[:, :, 1:, 3:].contiguous(), key + 0.02 * noise


def _normal(size: tuple[int, ...], generator: torch.Generator) -> Tensor:
    return torch.randn(size, generator=generator, dtype=torch.float32, device="cpu")


def _why_not(name: str, query: Tensor, key: Tensor) -> str | None:
    """Why a backend is left out; None where it is not."""
    cells = query[0, 0].numel()
    needed = 4 * cells * cells + 2 * 4 * 9 * query[0].numel()
    if name == "literal" and needed > LITERAL_BYTES:
        return f"it needs {needed / 2**30:.0f} GiB"
    return native.why_not(query[0], [key[0]], 3) if name == "native" else None
