# SPDX-License-Identifier: Apache-2.0
"""Threads are scheduled as before, whatever an encoder asks the system for."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only there encoders ask for it")

BEGIN = """
import io, os
from pathlib import Path
from searchtransfer.process.scheduling import scheduling_kept
os.environ["SVT_LOG"] = "1"
"""
END = "print({os.sched_getscheduler(int(x.name)) for x in Path('/proc/self/task').iterdir()})"


def policies(body: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", f"{BEGIN}\n{body}\n{END}"],
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_thread_that_was_made_another_is_what_it_was() -> None:
    """Real-time ones root alone can make; anybody can make one that waits for all others."""
    body = "os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))"
    assert policies(body) == f"{{{os.SCHED_BATCH}}}"
    assert policies(f"with scheduling_kept(): {body}") == f"{{{os.SCHED_OTHER}}}"


def test_an_encoder_that_asks_for_the_highest_priority() -> None:
    pytest.importorskip("av")
    body = """
import av
from fractions import Fraction
container = av.open(io.BytesIO(), "w", format="matroska")
stream = container.add_stream("libsvtav1", rate=25, options={"preset": "8"})
stream.width = stream.height = 64
stream.pix_fmt = "yuv420p"
with scheduling_kept():
    stream.encode(av.VideoFrame(64, 64, "yuv420p"))
"""
    assert policies(body) == f"{{{os.SCHED_OTHER}}}"


def test_an_error_changes_nothing_either() -> None:
    body = """
try:
    with scheduling_kept():
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
        raise KeyError
except KeyError:
    pass
"""
    assert policies(body) == f"{{{os.SCHED_OTHER}}}"
