# SPDX-License-Identifier: Apache-2.0
"""Cells of several keys are numbered through: key after key, row after row."""

from collections.abc import Iterable
from itertools import accumulate


def firsts(counts: Iterable[int]) -> list[int]:
    """The number of each key's first cell, from how many cells each has."""
    return list(accumulate(counts, initial=0))[:-1]
