# SPDX-License-Identifier: Apache-2.0
"""How far training has come: photos that it never sees, restored by protocol."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from accelerate import Accelerator
from accelerate.utils import gather_object
from torch import nn

from ..errors import ConfigError, DataError
from ..evaluation import Method, Row, evaluate
from ..images.pairs import Pair
from .config import PhotoValidation
from .pairs import find_pairs, require_size

_SMALLEST = {"ttsr": 12, "c2": 20}
"""Pixels: SSIM's window of 11 inside the border of the profile, in multiples of the scale."""

Scores = dict[str, dict[str, int | float]]
"""Figures of each set: see `psnr_figures`, and what else is known."""


def psnr_figures(values: Sequence[float]) -> dict[str, int | float]:
    """What is told of the PSNR of a set: `psnr`, in dB, and `photos`, how many there are.

    Photos that are restored exactly, whose PSNR is infinite, are in no mean; `exact` counts them.
    Without any others there is no `psnr`.
    """
    finite = [value for value in values if not math.isinf(value)]
    figures: dict[str, int | float] = {"psnr": sum(finite) / len(finite)} if finite else {}
    figures["photos"] = len(values)
    if len(finite) < len(values):
        figures["exact"] = len(values) - len(finite)
    return figures


@runtime_checkable
class Validator(Protocol):
    """Shows how far training has come."""

    def scores(self, model: nn.Module, accelerator: Accelerator) -> tuple[Scores, list[str]]:
        """Figures by set, the work divided over the processes; and what could not be used."""
        ...


@dataclass(frozen=True)
class PhotoValidator:
    """Sets of photos that were found, and the protocol."""

    sets: dict[str, list[Pair]]
    options: PhotoValidation
    method: Callable[[nn.Module], Method]
    """How evaluation runs the network."""

    @classmethod
    def of(
        cls, options: PhotoValidation, method: Callable[[nn.Module], Method]
    ) -> "PhotoValidator | None":
        """Find the sets, before training begins; None if there are none.

        Raises:
            ConfigError, DataError: a set is not there, or has another layout.
        """
        sets = {}
        for i, item in enumerate(options.sets):
            pairs = find_pairs(item, f"validation.sets.{i}")
            if not all(pair.references for pair in pairs):
                raise ConfigError(
                    f"validation.sets.{i}.layout: {item.layout} gives photos without references, "
                    "which this network cannot do without; use scenes, groups, or a list with "
                    "references"
                )
            require_size(pairs, _SMALLEST[options.profile], f"validation.sets.{i}", "SSIM")
            count = min(item.limit or len(pairs), len(pairs))
            sets[item.name] = [pairs[len(pairs) * k // count] for k in range(count)]
        return cls(sets, options, method) if sets else None

    def scores(self, model: nn.Module, accelerator: Accelerator) -> tuple[Scores, list[str]]:
        """See `Validator`.

        Raises:
            DataError: none of a set's photos could be used.
        """
        method = self.method(model)
        scores: Scores = {}
        failures: list[str] = []
        for name, pairs in self.sets.items():
            rows, faults = self._rows(method, pairs, accelerator)
            failures += faults
            if not rows:
                raise DataError(f"validation set {name}: no photo can be used; {faults[0]}")
            scores[name] = {
                **psnr_figures([row.psnr for row in rows]),
                "ssim": sum(row.ssim for row in rows) / len(rows),
            }
        return scores, failures

    def _rows(
        self, method: Method, pairs: Sequence[Pair], accelerator: Accelerator
    ) -> tuple[list[Row], list[str]]:
        mine = pairs[accelerator.process_index :: accelerator.num_processes]
        evaluation = evaluate(
            method,
            mine,
            profile=self.options.profile,
            references=self.options.references,
        )
        gathered = gather_object([(list(evaluation.rows), list(evaluation.failures))])
        rows = sorted((row for part, _ in gathered for row in part), key=lambda row: row.name)
        return rows, [fault for _, part in gathered for fault in part]
