# SPDX-License-Identifier: Apache-2.0
"""What the tiled search computes is one graph to torch's compiler, whatever the sizes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from searchtransfer.operators.backends import tiled

SCRIPT = Path(__file__).parents[1] / "compiled_search.py"
COMPILER = shutil.which(os.environ.get("CXX", "g++"))
PASSES = 4
"""Sums down the rows, sums along the columns with the largest and its place, and what is kept."""


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    command = [sys.executable, str(SCRIPT), *(["--fused"] if COMPILER else [])]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(run.stdout))


@pytest.mark.parametrize("name", ["plain", "muted"])
def test_one_graph_serves_rows_of_all_sizes(made: dict[str, Any], name: str) -> None:
    assert made[name] == {"graphs": 1, "same": True}


def test_a_whole_search_is_one_graph(made: dict[str, Any]) -> None:
    assert made["whole"] == {"same": True}


@pytest.mark.skipif(not COMPILER, reason="no C++ compiler here")
def test_all_but_the_product_is_fused(made: dict[str, Any]) -> None:
    assert made["fused"]["same"]
    assert made["fused"]["kernels"] <= PASSES


def test_values_are_never_looked_at() -> None:
    """On `meta` there are none."""
    query, key = torch.rand(6, 9, 12, device="meta"), torch.rand(6, 8, 11, device="meta")
    score, position = tiled.best_match(query, [key], 3, working_memory=2**17)
    assert score.shape == position.shape == (9, 12)
