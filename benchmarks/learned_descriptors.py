# SPDX-License-Identifier: Apache-2.0
"""Learned descriptors against plain ones: whose match has the detail that the picture lost?

    python benchmarks/learned_descriptors.py DATA/train [--crops 400]

Queries are cells of training crops, their candidates the cells of the reference that plain or
whitened patches rank first. Each candidate has an error: the mean squared difference of its detail
from the true one, over 3 x 3 cells, as part of the energy of the true one. Descriptors are learned
to make the expected error of a soft choice small: one weight for each coefficient, any linear map,
or a network of two layers. Reported is the mean error of the first candidate, also for queries of
held-out photos (scenes and singles that training leaves out).
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from searchtransfer import Reference
from searchtransfer.images import degrade, up
from searchtransfer.operators.descriptors import coefficients, describe, frequencies
from searchtransfer.operators.detail import detail_at
from searchtransfer.training.fusion.drawing import Sources
from searchtransfer.training.fusion.prepare import tensor_of
from searchtransfer.training.fusion.sources import find_sources

SCALE, QUERIES, WHITENED, PLAIN = 4, 192, 40, 16
LEAST_CONTRAST = 0.02
GREY_LEVEL = 1 / 255


class Choices(NamedTuple):
    """Queries and their candidates."""

    query: Tensor
    """`[n, 42]`, unit coefficients."""
    key: Tensor
    """`[n, k, 42]`."""
    error: Tensor
    """`[n, k]`: 0 for the very detail, 1 for none."""


def choices(sources: Sources, crops: int, seed: int) -> Choices:
    """Of crops with a useful reference."""
    parts: list[Choices] = []
    number = 0
    while len(parts) < crops:
        number += 1
        rng = np.random.default_rng([seed, number])
        target, photo, kind = sources.draw(rng)
        if photo is None or kind == "useless" or (kind == "made" and number % 2):
            continue
        sharp = tensor_of(target)
        parts.append(_of_crop(sharp, Reference.build([tensor_of(photo)], SCALE), rng))
    return Choices(*(torch.cat(x) for x in zip(*parts, strict=True)))


def _of_crop(sharp: Tensor, reference: Reference, rng: np.random.Generator) -> Choices:
    low = degrade(sharp, SCALE)
    plain = coefficients(low)
    inner = torch.zeros(low.shape[1:], dtype=torch.bool)
    inner[2:-2, 2:-2] = True
    rows, columns = torch.nonzero(inner & (plain.norm(dim=0) > LEAST_CONTRAST), as_tuple=True)
    some = torch.from_numpy(rng.permutation(len(rows))[:QUERIES])
    rows, columns = rows[some], columns[some]

    def ranked(features: Callable[[Tensor], Tensor], count: int) -> Tensor:
        keys = torch.cat([features(view.low).flatten(1) for view in reference.views], 1)
        query = F.normalize(features(low)[:, rows, columns], dim=0)
        return (query.T @ F.normalize(keys, dim=0)).topk(count, 1).indices

    where = torch.cat([ranked(describe, WHITENED), ranked(coefficients, PLAIN)], 1)
    keys = torch.cat([coefficients(view.low).flatten(1) for view in reference.views], 1)
    key, query = keys[:, where], plain[:, rows, columns]
    cosine = F.cosine_similarity(query[..., None], key, dim=0)
    gain = (cosine * query.norm(dim=0)[:, None] / key.norm(dim=0).clamp(min=1e-3)).clamp(0.5, 1.5)
    error = _error(sharp - up(low, SCALE), reference, rows, columns, where, gain)
    unit = [F.normalize(x, dim=0).movedim(0, -1) for x in (query, key)]
    return Choices(unit[0], unit[1], error)


def _error(
    truth: Tensor, reference: Reference, rows: Tensor, columns: Tensor, where: Tensor, gain: Tensor
) -> Tensor:
    """Of each candidate, `[queries, candidates]`."""
    values = reference.values
    view, index = reference.view_and_index(where)
    size = values.size[view]
    row, column = torch.div(index, size[..., 1], rounding_mode="floor"), index % size[..., 1]
    cells = truth.unfold(1, SCALE, SCALE).unfold(2, SCALE, SCALE)  # [3, h, w, s, s]
    error, energy, count = torch.zeros(3, *where.shape)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            y, x = row + dy, column + dx
            inside = (y >= 0) & (y < size[..., 0]) & (x >= 0) & (x < size[..., 1])
            ours = detail_at(values, view, y * inside, x * inside) * gain[..., None, None]
            true = cells[:, rows + dy, columns + dx][:, :, None]
            error += inside * (ours - true).square().mean((0, 3, 4))
            energy += true.square().mean((0, 3, 4)) / 9
            count += inside
    return (error / count / (energy + (2 * GREY_LEVEL) ** 2)).clamp(max=4)


class Weights(nn.Module):
    """One factor for each coefficient; begins with its frequency."""

    def __init__(self) -> None:
        super().__init__()
        self.logarithm = nn.Parameter(frequencies().log())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.logarithm.exp()


class Linear(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.matrix = nn.Parameter(torch.diag(frequencies()))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.matrix.T


class TwoLayers(nn.Module):
    """Adds to the weighted coefficients what 128 hidden units make of them."""

    def __init__(self) -> None:
        super().__init__()
        size = len(frequencies())
        self.weights, self.hidden, self.out = Weights(), nn.Linear(size, 128), nn.Linear(128, size)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = F.normalize(self.weights(x), dim=-1)
        return x + self.out(F.relu(self.hidden(x)))


Describe = Callable[[Tensor], Tensor]


def scores(describe: Describe, query: Tensor, key: Tensor) -> Tensor:
    return F.cosine_similarity(describe(query)[:, None], describe(key), dim=-1)


@torch.no_grad()
def first_error(describe: Describe, given: Choices) -> float:
    """Mean error of the candidate that the descriptors rank first."""
    found = 0.0
    for query, key, error in zip(*(x.split(2048) for x in given), strict=True):
        best = scores(describe, query, key).argmax(1, keepdim=True)
        found += error.gather(1, best).sum().item()
    return found / len(given.query)


def train(model: nn.Module, given: Choices, steps: int, rate: float = 3e-3) -> None:
    sharpness = nn.Parameter(torch.tensor(3.0))
    optimiser = torch.optim.Adam([*model.parameters(), sharpness], rate)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        some = torch.randint(len(given.query), (512,))
        query, key, error = (x[some] for x in given)
        chance = (scores(model, query, key) * sharpness.exp()).softmax(1)
        optimiser.zero_grad()
        (chance * error).sum(1).mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--crops", type=int, default=400)
    parser.add_argument("--steps", type=int, default=1500)
    options = parser.parse_args()
    torch.manual_seed(0)
    held_out = choices(find_sources(options.data, held_out=True), max(1, options.crops // 8), 77)
    given = choices(find_sources(options.data), options.crops, 78)
    print("| descriptors | held-out photos | photos trained on |")
    print("|---|--:|--:|", flush=True)

    def report(name: str, describe: Describe) -> None:
        found = (first_error(describe, x) for x in (held_out, given))
        print(f"| {name} |", *(f"{x:.3f} |" for x in found), flush=True)

    report("patches as they are", lambda x: x)
    for power in (0.5, 1.0, 1.5, 2.0):
        report(f"weighted by frequency^{power:g}", lambda x, p=power: x * frequencies() ** p)
    for name, model in (
        ("learned weights", Weights()),
        ("learned linear map", Linear()),
        ("learned, two layers", TwoLayers()),
    ):
        train(model, given, options.steps)
        report(name, model)
    best = (x.error.min(1).values.mean().item() for x in (held_out, given))
    print("| the best candidate |", *(f"{x:.3f} |" for x in best))


if __name__ == "__main__":
    main()
