# SPDX-License-Identifier: Apache-2.0
"""What is said of a job before it starts."""

import logging

import pytest
import torch
from pictures import related, target, texture
from references.views import low_of

from searchtransfer import Upscaler
from searchtransfer.models.expected import expected_seconds
from searchtransfer.operators.backends import native


def test_more_work_takes_longer() -> None:
    alone = expected_seconds(1000, 4, None)
    assert alone < expected_seconds(1000, 8, None)
    assert alone < expected_seconds(1000, 4, 16_000) < expected_seconds(1000, 4, 10**7)
    assert expected_seconds(1000, 4, 16_000) < expected_seconds(2000, 4, 16_000)


def test_a_search_that_is_not_compiled_takes_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "instruction_sets", lambda: ("any",))
    quick = expected_seconds(1000, 4, 16_000)
    monkeypatch.setattr(native, "instruction_sets", tuple)
    assert expected_seconds(1000, 4, 16_000) > quick > expected_seconds(1000, 4, None)


@pytest.mark.parametrize("name", ["fusion", "transfer"])
def test_it_is_said_before_anything_is_done(name: str, caplog: pytest.LogCaptureFixture) -> None:
    upscaler = Upscaler.from_pretrained(name)
    said: list[str] = []

    def stop(stage: str, done: float) -> None:
        said.extend(record.getMessage() for record in caplog.records)
        raise InterruptedError

    low = low_of(target())
    with caplog.at_level(logging.INFO, "searchtransfer"), pytest.raises(InterruptedError):
        upscaler.upscale(low, upscaler.prepare(related()), on_progress=stop)
    height, width = (4 * n for n in low.shape[1:])
    assert said[0].startswith(f"{width} x {height} pixels, about ")


def test_alone_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "searchtransfer"):
        Upscaler.from_pretrained().upscale(texture(6, 5), None)
    threads = torch.get_num_threads()
    assert f"20 x 24 pixels, about {expected_seconds(30, 4, None) / threads:.2g} s" in caplog.text
