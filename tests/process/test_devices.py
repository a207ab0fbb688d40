# SPDX-License-Identifier: Apache-2.0
"""Everything computes on a device that is not the CPU and has no float64, and seldom waits for it.

The device is pretended: see `pretended.py`.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from searchtransfer.errors import OptionError
from searchtransfer.process.devices import at_once, doubled, has_float64, usable_device

SCRIPT = Path(__file__).parents[1] / "pretended_runs.py"
OPERATORS = """search|literal search|search of views|search in tiles
few faint blocks|many faint blocks|transfer|SearchTransfer|blocks
choice of blocks|overlaps|descriptors|scores|affine fits
matches of neighbours|texture|FusionNet|TTSR|PSNR|SSIM""".replace("\n", "|").split("|")


@pytest.fixture(scope="module")
def runs() -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_every_operator_was_run(runs: dict[str, Any]) -> None:
    assert list(runs["operators"]) == OPERATORS


@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_gives_what_the_cpu_gives(runs: dict[str, Any], name: str) -> None:
    for run in runs["operators"][name]:
        assert run["off"] < 1e-5  # sums in another order


@pytest.mark.parametrize("name", OPERATORS)
def test_copies_and_waits_do_not_grow_with_the_blocks(runs: dict[str, Any], name: str) -> None:
    """The second has ten times as many cells as the first."""
    small, large = (run["counts"] for run in runs["operators"][name])
    assert small == large


def test_the_search_and_the_transfer_hardly_wait(runs: dict[str, Any]) -> None:
    assert sum(runs["operators"]["search in tiles"][1]["counts"].values()) == 0
    assert sum(runs["operators"]["SearchTransfer"][1]["counts"].values()) <= 20


def test_a_picture_without_reference_never_waits_for_its_parts(runs: dict[str, Any]) -> None:
    small, large = runs["models"]["fusion alone"]
    assert small["counts"] == large["counts"]


def test_a_picture_with_reference_waits_for_each_step_and_not_for_cells(
    runs: dict[str, Any],
) -> None:
    """Which copies are tried, and when matches stop moving, depends on the picture."""
    small, large = (sum(run["counts"].values()) for run in runs["models"]["fusion"])
    assert large < 2 * small  # with four times the cells


@pytest.mark.parametrize("name", ["fusion", "fusion alone"])
def test_pictures_are_those_of_the_cpu(runs: dict[str, Any], name: str) -> None:
    for run in runs["models"][name]:
        assert run["off"] < 0.1
        assert run["mean"] < 1e-4


def test_what_a_device_is_asked() -> None:
    cpu = torch.device("cpu")
    assert usable_device(None) == cpu
    assert has_float64(cpu)
    assert doubled(torch.ones(2)).dtype == torch.float64
    assert at_once(100, cpu) == 100
    assert at_once(100, torch.device("meta")) > 100
    with pytest.raises(OptionError, match="cannot be used here"):
        usable_device("meta")
